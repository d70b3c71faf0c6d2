import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { addInOrder, bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';

describe.each(bullmqMajors)('reading queues of BullMQ $major', ({ major, library }) => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());
  let queueName = '';
  let queuesOpened = 0;
  beforeEach(() => (queueName = `mail-${++queuesOpened}`));
  const key = (suffix: string) => `bull:${queueName}:${suffix}`;

  /** Three plain jobs, two with a priority, one that is due, two that are not. */
  const fill = async () => {
    const queue = stage.application.queue(queueName);
    await addInOrder(queue, [{}, {}, {}, { priority: 4 }, { priority: 2 }]);
    await addInOrder(queue, [{ delay: 1 }, { delay: 60_000 }, { delay: 3_600_000 }]);
    await vi.waitUntil(async () => (await stage.readOne(queueName)).delayedJobs === 2);
    return queue;
  };

  it('counts jobs as ready whether they wait, have a priority or were delayed until now', async () => {
    await fill();
    expect(await stage.readOne(queueName)).toMatchObject({
      readyJobs: 6,
      delayedJobs: 2,
      activeJobs: 0,
      pausedJobs: 0,
      isPaused: false,
    });
  });

  it('counts every job of the millisecond in which it is due, and none before', async () => {
    const dueMs = Date.now() + 60_000;
    const options = { timestamp: dueMs - 90_000, delay: 90_000 };
    await addInOrder(stage.application.queue(queueName), [options, options, options]);
    expect(await stage.readOne(queueName, dueMs - 1)).toMatchObject({ readyJobs: 0 });
    expect(await stage.readOne(queueName, dueMs)).toMatchObject({
      readyJobs: 3,
      oldestWaitSeconds: 0,
    });
  });

  it('counts neither parents that wait for children nor finished jobs', async () => {
    await stage.application.flows().add({
      name: 'parent',
      queueName,
      children: [{ name: 'child', queueName: `${queueName}-children` }],
    });
    await addInOrder(stage.application.queue(queueName), [{}, {}]);
    const worker = stage.application.work(queueName, (job) =>
      job.id === '2' ? Promise.resolve() : Promise.reject(new Error('on purpose')),
    );
    await vi.waitUntil(async () => (await stage.client.zcard(key('failed'))) === 1);
    await vi.waitUntil(async () => (await stage.client.zcard(key('completed'))) === 1);
    await worker.close();
    expect(await stage.readOne(queueName)).toMatchObject({
      readyJobs: 0,
      activeJobs: 0,
      delayedJobs: 0,
      oldestWaitSeconds: null,
    });
  });

  it('counts the jobs that a pause holds back, and as ready again after it', async () => {
    const queue = await fill();
    await queue.pause();
    await addInOrder(queue, [{}, { priority: 1 }]);
    // Version 5 moves the jobs to a list of their own, version 6 does not.
    expect(await stage.client.llen(key(major === 5 ? 'paused' : 'wait'))).toBe(4);
    expect(await stage.readOne(queueName)).toMatchObject({
      readyJobs: 0,
      pausedJobs: 8,
      delayedJobs: 2,
      isPaused: true,
      oldestWaitSeconds: null,
    });
    await queue.resume();
    expect(await stage.readOne(queueName)).toMatchObject({
      readyJobs: 8,
      pausedJobs: 0,
      isPaused: false,
      oldestWaitSeconds: expect.any(Number) as number,
    });
  });

  it('tells that an empty queue is paused', async () => {
    await stage.application.queue(queueName).pause();
    expect(await stage.readOne(queueName)).toMatchObject({ pausedJobs: 0, isPaused: true });
  });

  it('still tells which jobs run while the queue is paused', async () => {
    const holding = await stage.application.hold(queueName);
    const queue = stage.application.queue(queueName);
    await addInOrder(queue, [{}, {}]);
    await holding.taken();
    await queue.pause();
    expect(await stage.readOne(queueName)).toMatchObject({ activeJobs: 1, pausedJobs: 1 });
  });

  it('tells the cap on the concurrency of the queue, busy or idle', async () => {
    const queue = stage.application.queue(queueName);
    expect(await stage.readOne(queueName)).toMatchObject({ concurrencyLimit: null });
    await queue.setGlobalConcurrency(7);
    expect(await stage.readOne(queueName)).toMatchObject({ concurrencyLimit: 7 });
    await queue.add('job', {});
    expect(await stage.readOne(queueName)).toMatchObject({ concurrencyLimit: 7, readyJobs: 1 });
  });

  it('tells for how long the queue’s rate limit holds its jobs back', async () => {
    const queue = stage.application.queue(queueName);
    await queue.setGlobalRateLimit(2, 600_000);
    await addInOrder(queue, [{}, {}, {}]);
    const holding = await stage.application.hold(queueName);
    await holding.taken();
    expect(await stage.readOne(queueName)).toMatchObject({ rateLimitedForSeconds: null });
    holding.release();
    await holding.taken();
    const { readyJobs, rateLimitedForSeconds } = await stage.readOne(queueName);
    expect(readyJobs).toBe(1);
    expect(rateLimitedForSeconds).toBeGreaterThan(500);
    expect(rateLimitedForSeconds).toBeLessThanOrEqual(600);
  });

  it('tells for how long a limit set by hand holds the jobs back', async () => {
    const queue = stage.application.queue(queueName);
    await addInOrder(queue, [{}]);
    await queue.rateLimit(600_000);
    const { rateLimitedForSeconds } = await stage.readOne(queueName);
    expect(rateLimitedForSeconds).toBeGreaterThan(500);
    await queue.removeRateLimitKey();
    expect(await stage.readOne(queueName)).toMatchObject({ rateLimitedForSeconds: null });
  });

  it('does not take the limit that a worker keeps to itself for the queue’s', async () => {
    const limiter = { max: 1, duration: 600_000 };
    const holding = await stage.application.hold(queueName, { limiter });
    await addInOrder(stage.application.queue(queueName), [{}, {}]);
    await holding.taken();
    expect(await stage.readOne(queueName)).toMatchObject({
      readyJobs: 1,
      rateLimitedForSeconds: null,
    });
  });

  it('counts the marker that version 4 left at the tail of a list neither as a job nor as the oldest', async () => {
    await addInOrder(stage.application.queue(queueName), [{ timestamp: Date.now() - 60_000 }, {}]);
    await stage.client.rpush(key('wait'), '0:1700000000000');
    await stage.client.rpush(key('paused'), '0:1700000000000');
    const { readyJobs, pausedJobs, oldestWaitSeconds } = await stage.readOne(queueName);
    expect({ readyJobs, pausedJobs }).toEqual({ readyJobs: 2, pausedJobs: 0 });
    expect(oldestWaitSeconds).toBeGreaterThanOrEqual(60);
    await stage.client.ltrim(key('wait'), -1, -1);
    expect(await stage.readOne(queueName)).toMatchObject({ readyJobs: 0, oldestWaitSeconds: null });
  });

  it('leaves the age open when the job of an id is gone', async () => {
    await addInOrder(stage.application.queue(queueName), [{}, { delay: 60_000 }]);
    await stage.client.del(key('1'));
    expect(await stage.readOne(queueName)).toMatchObject({ readyJobs: 1, oldestWaitSeconds: null });
  });

  it('leaves out who runs a job when the worker has no name', async () => {
    const holding = await stage.application.hold(queueName);
    await addInOrder(stage.application.queue(queueName), [{}]);
    const job = await holding.taken();
    expect(await stage.readOne(queueName)).toMatchObject({
      running: [{ jobId: job.id, worker: null, startedAtMs: job.processedOn }],
    });
  });

  it('never takes a job for orphaned while workers are at work', async () => {
    const queue = stage.application.queue(queueName);
    let finished = 0;
    const process = async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      if (++finished % 5 === 0) throw new Error('on purpose');
    };
    const workers = [1, 2, 3].map(() =>
      stage.application.work(queueName, process, { concurrency: 10 }),
    );
    const jobs = Array.from({ length: 1_500 }, (_, index) => ({
      name: 'job',
      data: {},
      opts: { attempts: 2, ...(index % 3 === 0 ? { priority: 5, backoff: 3 } : {}) },
    }));
    await queue.addBulk(jobs);
    let busyReadings = 0;
    for (;;) {
      const reading = await stage.readOne(queueName);
      expect(reading.orphanedJobIds).toEqual([]);
      expect(reading.running).toHaveLength(reading.activeJobs);
      if (reading.activeJobs > 0) busyReadings++;
      if (reading.activeJobs + reading.readyJobs + reading.delayedJobs === 0) break;
    }
    expect(finished).toBeGreaterThanOrEqual(1_500);
    expect(busyReadings).toBeGreaterThan(20);
    await Promise.all(workers.map((worker) => worker.close()));
  });
});
