import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lastsMsMax, noOverrides } from '../../src/decision/overrides.ts';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import { createOverrideStore, type OverrideStore } from '../../src/state/override-store.ts';
import { soon } from '../support/lease.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const key = 'backlog-autoscaler:overrides:{mail}';
const anna = { by: 'anna@mac', forMs: 60_000 };
let server: RedisServer;
let connection: RedisConnection;
let client: Redis;
let store: OverrideStore;

beforeAll(async () => {
  server = await startRedis();
  connection = connectRedis(server.url, { rejectUnauthorized: true, name: 'test' });
  client = new Redis(server.url);
  store = createOverrideStore(connection);
});
afterAll(async () => {
  connection.close();
  client.disconnect();
  await server.stop();
});
beforeEach(() => client.flushall());

const read = () => store.read('mail', soon());

describe('what operators changed', () => {
  test('is nothing before anybody did', async () => {
    expect(await read()).toEqual(noOverrides);
  });

  test('is read back with who did it and until when, in the order of the settings', async () => {
    await store.set('mail', { maxWorkers: '20', minWorkers: '5', targetWait: '2m' }, anna, soon());
    await store.pause('mail', anna, soon());
    const { pause, settings, ...rest } = await read();
    expect(rest).toEqual({ damaged: [], unknown: [] });
    expect(settings.map(({ setting, text, value }) => [setting, text, value])).toEqual([
      ['minWorkers', '5', 5],
      ['maxWorkers', '20', 20],
      ['targetWait', '2m', 120_000],
    ]);
    for (const { by, setAtMs, untilMs } of [...settings, ...(pause ? [pause] : [])])
      expect({ by, lastsMs: untilMs - setAtMs }).toEqual({ by: 'anna@mac', lastsMs: 60_000 });
    expect(pause).not.toBeNull();
  });

  test('is that of one pool', async () => {
    await store.pause('mail', anna, soon());
    expect(await store.read('reports', soon())).toEqual(noOverrides);
  });

  test('by two people at once is what both did', async () => {
    await Promise.all([
      store.set('mail', { minWorkers: '5' }, anna, soon()),
      store.set('mail', { maxWorkers: '20' }, { ...anna, by: 'ben@mac' }, soon()),
      store.pause('mail', anna, soon()),
    ]);
    const { pause, settings } = await read();
    expect(settings.map(({ setting, by }) => [setting, by])).toEqual([
      ['minWorkers', 'anna@mac'],
      ['maxWorkers', 'ben@mac'],
    ]);
    expect(pause?.by).toBe('anna@mac');
  });

  test('ends one by one', async () => {
    await store.set('mail', { minWorkers: '5', maxWorkers: '20' }, anna, soon());
    await store.pause('mail', anna, soon());
    await store.resume('mail', soon());
    await store.unset('mail', ['minWorkers'], soon());
    const { pause, settings } = await read();
    expect(pause).toBeNull();
    expect(settings.map(({ setting }) => setting)).toEqual(['maxWorkers']);
    await store.unset('mail', ['maxWorkers', 'targetWait'], soon());
    expect(await client.keys('*')).toEqual([]);
  });

  test('lasts no longer than it may, and leaves nothing behind', async () => {
    await store.pause('mail', { by: 'anna@mac', forMs: 10 * lastsMsMax }, soon());
    const { pause } = await read();
    expect((pause?.untilMs ?? 0) - (pause?.setAtMs ?? 0)).toBe(lastsMsMax);
    expect(await client.pttl(key)).toBeGreaterThan(0);
    expect(await client.pttl(key)).toBeLessThanOrEqual(lastsMsMax);
  });

  test.each([
    ['not JSON', 'nonsense'],
    ['of another shape', '{"version":1,"text":"5"}'],
    ['of a newer version', '{"version":2,"text":"5","by":"anna","setAtMs":1,"untilMs":2}'],
    ['out of range', '{"version":1,"text":"-5","by":"anna","setAtMs":1,"untilMs":2}'],
  ])('that is %s is named, and the rest is read', async (_, text) => {
    await store.set('mail', { maxWorkers: '20' }, anna, soon());
    await client.hset(key, { minWorkers: text, pause: 'broken', queueWeight: '{}' });
    const { pause, settings, damaged, unknown } = await read();
    expect({ pause, damaged, unknown }).toEqual({
      pause: null,
      damaged: ['pause', 'minWorkers'],
      unknown: ['queueWeight'],
    });
    expect(settings.map(({ setting }) => setting)).toEqual(['maxWorkers']);
  });

  test('of things that nobody knows is named up to a number', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => [`thing-${String(index)}`, 'x']);
    await client.hset(key, Object.fromEntries(many) as Record<string, string>);
    expect((await read()).unknown).toHaveLength(20);
  });

  test('that cannot be read is STATE_UNAVAILABLE', async () => {
    await client.set(key, 'a text');
    await expect(read()).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
    await expect(store.pause('mail', anna, soon())).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
    });
  });
});
