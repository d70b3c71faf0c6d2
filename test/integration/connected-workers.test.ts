import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClients, type Unlisted } from '../../src/queues/bullmq/clients.ts';
import { connectRedis } from '../../src/redis.ts';
import { bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';

const soon = () => AbortSignal.timeout(5_000);
const unheard = (unlisted: Unlisted) => expect.unreachable(unlisted.why);

describe.each(bullmqMajors)('the workers of BullMQ $major that are connected', ({ library }) => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());

  it('are listed with queue and name, at most every 10 seconds', async () => {
    let nowMs = 1_000_000;
    const clients = createClients(stage.connection, () => nowMs, unheard);
    const connected = () => clients.workers(soon());
    expect(await connected()).toEqual([]);
    await stage.application.hold('ünïcödé 队列', { name: 'worker.1' });
    await stage.application.hold('mail');
    expect(await connected()).toEqual([]);
    nowMs += 10_000;
    await vi.waitUntil(async () => {
      nowMs += 10_000;
      return (await connected())?.length === 2;
    });
    expect(await connected()).toEqual(
      expect.arrayContaining([
        { prefix: 'bull', queue: 'ünïcödé 队列', name: 'worker.1' },
        { prefix: 'bull', queue: 'mail', name: null },
      ]),
    );
  });

  it('are asked for once, whoever wants to know it or how many connections there are', async () => {
    await stage.client.config('RESETSTAT');
    const clients = createClients(stage.connection, () => 0, unheard);
    await Promise.all([clients.workers(soon()), clients.census(soon()), clients.workers(soon())]);
    expect(await clients.census(soon())).toMatchObject({
      ...{
        connections: expect.any(Number) as number,
        maxConnections: expect.any(Number) as number,
      },
      clients: expect.arrayContaining([
        expect.objectContaining({ address: '127.0.0.1' }),
      ]) as object,
    });
    const statistics = await stage.client.info('commandstats');
    expect(/cmdstat_client\|list:calls=(\d+)/.exec(statistics)?.[1]).toBe('1');
  });

  it('are not known, and for a while not asked for, when the user may not ask, which is told once', async () => {
    await stage.client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-client');
    const url = stage.server.url.replace('redis://', 'redis://reader:secret@');
    const redis = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
    let nowMs = 0;
    const heard: Unlisted[] = [];
    const clients = createClients(
      redis,
      () => nowMs,
      (unlisted) => heard.push(unlisted),
    );
    expect(await clients.workers(soon())).toBeNull();
    expect(await clients.census(soon())).toMatchObject({ clients: null });
    nowMs = 600_000;
    expect(await clients.workers(soon())).toBeNull();
    await stage.client.call('ACL', 'SETUSER', 'reader', '+client');
    nowMs = 1_190_000;
    expect(await clients.workers(soon())).toBeNull();
    expect(heard).toHaveLength(1);
    expect(heard[0]?.why).toContain('NOPERM');
    nowMs = 1_200_000;
    expect(await clients.workers(soon())).not.toBeNull();
    redis.close();
  });

  it('are not known while the server is away, which is no error', async () => {
    const lost = await startBullmqStage(library);
    await lost.stop();
    const clients = createClients(lost.connection, () => 0, unheard);
    expect(await clients.workers(AbortSignal.timeout(300))).toBeNull();
    expect(await clients.census(AbortSignal.timeout(300))).toHaveProperty('whyUnknown');
  });
});
