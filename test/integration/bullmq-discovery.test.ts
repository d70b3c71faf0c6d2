import { afterAll, beforeEach, beforeAll, describe, expect, it } from 'vitest';
import { createBullmqQueues } from '../../src/queues/bullmq/bullmq-queues.ts';
import { findQueues } from '../../src/queues/bullmq/discovery.ts';
import {
  bullmqMajors,
  startApplication,
  startBullmqStage,
  type BullmqStage,
} from '../support/bullmq.ts';

const soon = () => AbortSignal.timeout(20_000);

describe.each(bullmqMajors)('finding the queues of BullMQ $major', ({ library }) => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());
  beforeEach(() => stage.client.flushall());
  const find = (prefix = 'bull') => findQueues(stage.connection, prefix, soon());

  it('finds queues that are used by producers, flows, schedulers or workers only', async () => {
    await stage.application.queue('produced').add('job', {});
    await stage.application.queue('scheduled').upsertJobScheduler('daily', { every: 60_000 });
    await stage.application.flows().add({
      name: 'parent',
      queueName: 'parents',
      children: [{ name: 'child', queueName: 'children' }],
    });
    await stage.application.hold('worked');
    expect(await find()).toEqual(['children', 'parents', 'produced', 'scheduled', 'worked']);
  });

  it('finds nothing where nothing is', async () => {
    expect(await find()).toEqual([]);
  });

  it('takes neither jobs nor longer prefixes for queues', async () => {
    await stage.application.queue('mail').add('job', {}, { deduplication: { id: 'id' } });
    await stage.client.hset('bull:mail:repeat:meta', 'name', 'a scheduler called meta');
    await stage.client.set('bull:mail:metadata', 'not BullMQ’s');
    await stage.client.set('bullmq:notes:id', 'not BullMQ’s');
    for (const key of ['bull:id', 'bull::id']) await stage.client.set(key, 'not BullMQ’s');
    const other = startApplication(library, stage.server.url, 'bull:staging');
    for (const name of ['orders', 'meta']) await other.queue(name).add('job', {});
    expect(await find()).toEqual(['mail']);
    expect(await find('bull:staging')).toEqual(['meta', 'orders']);
    await other.close();
  });

  it.each(['{bull}', 'app:v2:{jobs}', 'a*b', 'a?b', 'a[b-z]', String.raw`a\b`, 'ü 😀'])(
    'finds queues under the prefix %s, and only there',
    async (prefix) => {
      const decoys = [prefix.replace(/[*?\\]/, 'x'), prefix.replace('[b-z]', 'c'), `x${prefix}`];
      for (const decoy of new Set(decoys.filter((name) => name !== prefix)))
        await stage.client.hset(`${decoy}:decoy:meta`, 'version', 'bullmq:6.7.0');
      const application = startApplication(library, stage.server.url, prefix);
      await application.queue('mail').add('job', {});
      expect(await find(prefix)).toEqual(['mail']);
      await application.close();
    },
  );

  it('reads all queues for *, and looks for new ones every 30 seconds', async () => {
    let nowMs = Date.now();
    const source = createBullmqQueues({
      redis: stage.connection,
      queues: ['*'],
      prefix: 'bull',
      nowMs: () => nowMs,
    });
    const names = async () => (await source.read(soon())).queues.map(({ queue }) => queue);

    expect(await names()).toEqual([]);
    await stage.application.queue('mail').add('job', {});
    nowMs += 29_999;
    expect(await names()).toEqual([]);
    nowMs += 1;
    expect(await names()).toEqual(['mail']);

    await stage.application.queue('images').add('job', {});
    await stage.client.del(await stage.client.keys('bull:mail:*'));
    nowMs += 30_000;
    expect(await names()).toEqual(['images']);

    await stage.application.queue('audio').add('job', {});
    nowMs -= 3_600_000;
    expect(await names()).toEqual(['audio', 'images']);
  });

  it('finds each queue once among many keys', async () => {
    const pipeline = stage.client.pipeline();
    for (let index = 0; index < 30_000; index++) pipeline.set(`bull:mail:${index}`, '');
    for (const queue of ['mail', 'images', 'audio']) pipeline.incr(`bull:${queue}:id`);
    await pipeline.exec();
    expect(await find()).toEqual(['audio', 'images', 'mail']);
  });

  it('says so when the server is gone', async () => {
    const lost = await startBullmqStage(library);
    await lost.stop();
    const search = findQueues(lost.connection, 'bull', AbortSignal.timeout(500));
    await expect(search).rejects.toMatchObject({ code: 'QUEUE_UNREADABLE' });
  });
});
