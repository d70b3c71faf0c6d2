import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createConnectedWorkers } from '../../src/queues/bullmq/connected-workers.ts';
import { connectRedis } from '../../src/redis.ts';
import { bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';

const soon = () => AbortSignal.timeout(5_000);

describe.each(bullmqMajors)('the workers of BullMQ $major that are connected', ({ library }) => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());

  it('are listed with queue and name, at most every 10 seconds', async () => {
    let nowMs = 1_000_000;
    const connected = createConnectedWorkers(stage.connection, () => nowMs);
    expect(await connected(soon())).toEqual([]);
    await stage.application.hold('ünïcödé 队列', { name: 'worker.1' });
    await stage.application.hold('mail');
    expect(await connected(soon())).toEqual([]);
    nowMs += 10_000;
    await vi.waitUntil(async () => {
      nowMs += 10_000;
      return (await connected(soon()))?.length === 2;
    });
    expect(await connected(soon())).toEqual(
      expect.arrayContaining([
        { prefix: 'bull', queue: 'ünïcödé 队列', name: 'worker.1' },
        { prefix: 'bull', queue: 'mail', name: null },
      ]),
    );
  });

  it('are asked for once, whoever asks at the same time', async () => {
    await stage.client.config('RESETSTAT');
    const connected = createConnectedWorkers(stage.connection, () => 0);
    await Promise.all([connected(soon()), connected(soon()), connected(soon())]);
    const statistics = await stage.client.info('commandstats');
    expect(/cmdstat_client\|list:calls=(\d+)/.exec(statistics)?.[1]).toBe('1');
  });

  it('are not known, and for a while not asked for, when the user may not ask', async () => {
    await stage.client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-client');
    const url = stage.server.url.replace('redis://', 'redis://reader:secret@');
    const redis = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
    let nowMs = 0;
    const connected = createConnectedWorkers(redis, () => nowMs);
    expect(await connected(soon())).toBeNull();
    await stage.client.call('ACL', 'SETUSER', 'reader', '+client');
    nowMs = 590_000;
    expect(await connected(soon())).toBeNull();
    nowMs = 600_000;
    expect(await connected(soon())).not.toBeNull();
    redis.close();
  });

  it('are not known while the server is away, which is no error', async () => {
    const lost = await startBullmqStage(library);
    await lost.stop();
    const connected = createConnectedWorkers(lost.connection, () => 0);
    expect(await connected(AbortSignal.timeout(300))).toBeNull();
  });
});
