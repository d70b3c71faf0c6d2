import { describe, expect, it } from 'vitest';
import type { BullmqWorker } from '../../src/worker/bullmq-worker.ts';
import { identify } from '../../src/worker/identity.ts';
import { joinPool } from '../../src/worker/index.ts';
import { serverAddress } from '../../src/worker/server-address.ts';

describe('the pool of a process', () => {
  it.each([
    ['worker.3', 'worker'],
    ['mail-worker.12', 'mail-worker'],
    ['worker-23z34x56y-w78k9', 'worker'],
    ['mail-worker-23z34x56y-w78k9', 'mail-worker'],
  ])('of dyno %s is %s', (dyno, pool) => {
    expect(identify(undefined, dyno, 'laptop-1')).toEqual({ pool, dyno });
  });

  it('is the one that was named', () => {
    expect(identify('mailers', 'worker.3', 'laptop-1')).toEqual({
      pool: 'mailers',
      dyno: 'worker.3',
    });
  });

  it('is the default one outside of a dyno, where the host names the process', () => {
    expect(identify(undefined, undefined, 'laptop-1')).toEqual({
      pool: 'worker',
      dyno: 'laptop-1',
    });
    expect(identify('', '', 'laptop-1')).toEqual({ pool: 'worker', dyno: 'laptop-1' });
  });
});

describe('the address of the server', () => {
  it('is read from a URL', () => {
    expect(serverAddress('rediss://someone:p%40ss@redis.example:7000/3')).toEqual({
      host: 'redis.example',
      port: 7000,
      username: 'someone',
      password: 'p@ss',
      db: 3,
      isTls: true,
    });
    expect(serverAddress('redis://[::1]')).toEqual({
      host: '::1',
      port: 6379,
      username: undefined,
      password: undefined,
      db: 0,
      isTls: false,
    });
  });

  it.each(['secret', 'http://user:secret@host'])(
    'is refused without being repeated: %s',
    (text) => {
      expect(() => serverAddress(text)).toThrow(/redisUrl.*redis:\/\//);
      expect(() => serverAddress(text)).not.toThrow(/secret/);
    },
  );
});

describe('joinPool refuses', () => {
  /** What joinPool looks at before it does anything. */
  const workerLike = (parts: object) =>
    ({
      name: 'emails',
      client: Promise.resolve({}),
      cancelAllJobs: () => undefined,
      processFn: () => undefined,
      ...parts,
    }) as unknown as BullmqWorker;

  it.each([
    ['a BullMQ that cannot cancel jobs', { cancelAllJobs: undefined }, /5\.64\.0/],
    ['a worker that is not on Redis', { client: undefined, getBackend: () => ({}) }, /on Redis/],
    ['a worker without a processor', { processFn: undefined }, /emails.*no processor/],
  ])('%s', (_, parts, message) => {
    expect(() => joinPool([workerLike(parts)])).toThrow(message);
  });

  it('no workers, a grace that is no time, and an address that is none', () => {
    expect(() => joinPool([])).toThrow(/at least one Worker/);
    expect(() => joinPool([workerLike({})], { graceSeconds: -1 })).toThrow(/graceSeconds/);
    expect(() => joinPool([workerLike({})], { graceSeconds: NaN })).toThrow(/graceSeconds/);
    expect(() => joinPool([workerLike({})], { redisUrl: 'localhost' })).toThrow(/redis:\/\//);
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });
});
