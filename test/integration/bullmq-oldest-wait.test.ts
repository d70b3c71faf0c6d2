import type { Job, Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { addInOrder, bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';

const seconds = 1_000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const days = 24 * hours;

describe.each(bullmqMajors)('the age of the oldest job of BullMQ $major', ({ library }) => {
  let stage: BullmqStage;
  let queue: Queue;
  let queueName = '';
  let queuesOpened = 0;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());
  beforeEach(() => {
    queueName = `mail-${++queuesOpened}`;
    queue = stage.application.queue(queueName);
  });

  /** A time well after everything the test does, so that ages are exact and nothing is waited for. */
  const lateMs = Date.now() + hours;
  const ago = (durationMs: number) => lateMs - durationMs;
  /** Since when the reading says that the oldest job has been ready, in ms. */
  const oldestReadyAtMs = async (nowMs = lateMs) => {
    const { oldestWaitSeconds } = await stage.readOne(queueName, nowMs);
    return oldestWaitSeconds === null ? null : Math.round(nowMs - oldestWaitSeconds * 1000);
  };
  const processedOn = async (job: Job | undefined) =>
    Number(await stage.client.hget(`bull:${queueName}:${job?.id ?? ''}`, 'processedOn'));
  /** When the first of the delayed jobs is due. */
  const delayedScoreMs = async () => {
    const [, score] = await stage.client.zrange(
      `bull:${queueName}:delayed`,
      '0',
      '0',
      'WITHSCORES',
    );
    return Math.floor(Number(score) / 4096);
  };
  const waitingIds = () => stage.client.lrange(`bull:${queueName}:wait`, 0, -1);

  it('is the time since the first of the plain jobs was added', async () => {
    await addInOrder(
      queue,
      [30, 20, 10].map((age) => ({ timestamp: ago(age * minutes) })),
    );
    expect(await oldestReadyAtMs()).toBe(ago(30 * minutes));
  });

  it('is none without a job that is ready', async () => {
    await queue.add('job', {}, { delay: 3 * days });
    expect(await oldestReadyAtMs()).toBeNull();
  });

  it('is never negative when the clock of a producer is ahead', async () => {
    await queue.add('job', {}, { timestamp: lateMs + 5 * minutes });
    expect(await oldestReadyAtMs()).toBe(lateMs);
  });

  describe('with delayed jobs', () => {
    it('begins when the delay is over, though no worker was there to promote the job', async () => {
      await addInOrder(queue, [
        { timestamp: ago(5 * hours), delay: 3 * hours },
        { timestamp: ago(5 * hours), delay: 4 * hours },
        { timestamp: ago(5 * hours), delay: 6 * hours },
        { timestamp: ago(50 * minutes) },
      ]);
      expect(await oldestReadyAtMs()).toBe(ago(2 * hours));
    });

    it('begins when the delay is over, after a worker has promoted the job', async () => {
      const holding = await stage.application.hold(queueName);
      await addInOrder(queue, [{}]);
      await holding.taken();
      await addInOrder(queue, [{}, { timestamp: Date.now() - 5 * hours, delay: 3 * hours }]);
      const dueAtMs = await delayedScoreMs();
      holding.release();
      await holding.taken();
      expect(await waitingIds()).toHaveLength(1);
      expect(await oldestReadyAtMs()).toBe(dueAtMs);
    });

    it('counts a job that was promoted late for as long as it was due, though newer ones go first', async () => {
      const holding = await stage.application.hold(queueName);
      await addInOrder(queue, [{}]);
      await holding.taken();
      await addInOrder(queue, [{}, { timestamp: Date.now() - 2 * hours, delay: hours }, {}]);
      const dueAtMs = await delayedScoreMs();
      holding.release();
      await holding.taken();
      expect(await waitingIds()).toHaveLength(2);
      expect(await oldestReadyAtMs()).toBe(dueAtMs);
    });

    it('does not let a job that was promoted by hand, before its time, hide the others', async () => {
      const [early] = await addInOrder(queue, [{ delay: 3 * days }]);
      await early?.promote();
      expect(await oldestReadyAtMs()).toBe(lateMs);
      await addInOrder(queue, [{ timestamp: ago(7 * minutes) }, { timestamp: ago(6 * minutes) }]);
      expect(await oldestReadyAtMs()).toBe(ago(7 * minutes));
    });

    it('begins at the turn of a job scheduler, not when that turn was planned', async () => {
      await queue.upsertJobScheduler('daily', {
        every: 10 * minutes,
        startDate: Date.now() + 2 * minutes,
      });
      const turnMs = await delayedScoreMs();
      expect(await oldestReadyAtMs(turnMs - 1)).toBeNull();
      expect(await oldestReadyAtMs(turnMs + 3 * minutes)).toBe(turnMs);
    });

    it('begins at the turn of a job scheduler also after a worker has promoted the job', async () => {
      const holding = await stage.application.hold(queueName);
      await addInOrder(queue, [{}]);
      await holding.taken();
      const scheduled = await queue.upsertJobScheduler('often', {
        every: days,
        startDate: Date.now() + seconds,
      });
      const turnMs = await delayedScoreMs();
      await addInOrder(queue, [{}]);
      await vi.waitUntil(() => Date.now() > turnMs + 5, { timeout: 10_000 });
      holding.release();
      await holding.taken();
      expect(await waitingIds()).toEqual([scheduled.id]);
      // The job's own times and its score were taken by two looks at the clock.
      const readyAtMs = (await oldestReadyAtMs()) ?? 0;
      expect(Math.abs(readyAtMs - turnMs)).toBeLessThan(seconds / 2);
    });
  });

  describe('with retried jobs', () => {
    /** Adds a job that fails once, then others to keep the worker busy; the failed job is in `wait` at the end. */
    const retryOnce = async (options: { backoff?: number | { type: string; delay: number } }) => {
      const holding = await stage.application.hold(queueName);
      const [failing] = await addInOrder(queue, [
        { attempts: 3, timestamp: Date.now() - 5 * hours, ...options },
      ]);
      await holding.taken();
      await addInOrder(queue, [{}]);
      holding.fail();
      await holding.taken();
      if (options.backoff !== undefined) {
        await vi.waitUntil(async () => (await stage.readOne(queueName)).readyJobs === 1);
        await addInOrder(queue, [{}]);
        holding.release();
        await holding.taken();
      }
      expect(await waitingIds()).toEqual([failing?.id]);
      return { failing, holding };
    };

    it('begins with the failed run when the job is retried at once', async () => {
      const { failing } = await retryOnce({});
      expect(await oldestReadyAtMs()).toBe(await processedOn(failing));
    });

    it('begins after a fixed back-off', async () => {
      const { failing } = await retryOnce({ backoff: 200 });
      expect(await oldestReadyAtMs()).toBe((await processedOn(failing)) + 200);
    });

    it('begins after an exponential back-off, which doubles', async () => {
      const backoff = { type: 'exponential', delay: 100 };
      const { failing, holding } = await retryOnce({ backoff });
      expect(await oldestReadyAtMs()).toBe((await processedOn(failing)) + 100);

      holding.release();
      await holding.taken();
      await addInOrder(queue, [{}]);
      holding.fail();
      await holding.taken();
      await vi.waitUntil(async () => (await stage.readOne(queueName)).readyJobs === 1);
      await addInOrder(queue, [{}]);
      holding.release();
      await holding.taken();
      expect(await waitingIds()).toEqual([failing?.id]);
      expect(await oldestReadyAtMs()).toBe((await processedOn(failing)) + 200);
    });

    it('is exact while the job is still where it was delayed', async () => {
      const holding = await stage.application.hold(queueName);
      const [failing] = await addInOrder(queue, [
        { attempts: 3, backoff: { type: 'fixed', delay: 50_000, jitter: 0.5 } },
      ]);
      await holding.taken();
      holding.fail();
      await vi.waitUntil(async () => (await stage.readOne(queueName)).delayedJobs === 1);
      const score = await stage.client.zscore(`bull:${queueName}:delayed`, failing?.id ?? '');
      expect(await oldestReadyAtMs()).toBe(Math.floor(Number(score) / 4096));
    });

    it('does not count the days since a job failed that is retried by hand', async () => {
      const holding = await stage.application.hold(queueName);
      const [failing] = await addInOrder(queue, [{ timestamp: ago(7 * days) }]);
      await holding.taken();
      holding.fail();
      await vi.waitUntil(async () => (await queue.getFailedCount()) === 1);
      await holding.worker.close();
      await (await queue.getJob(failing?.id ?? ''))?.retry();
      expect(await stage.readOne(queueName, lateMs)).toMatchObject({
        readyJobs: 1,
        oldestWaitSeconds: null,
      });
      await addInOrder(
        queue,
        [3, 2, 1].map((age) => ({ timestamp: ago(age * minutes) })),
      );
      expect(await oldestReadyAtMs()).toBe(ago(3 * minutes));
    });

    it('does not take a retried job for older than the plain ones that it queues behind', async () => {
      const holding = await stage.application.hold(queueName);
      await addInOrder(queue, [{ attempts: 2 }]);
      const failing = await holding.taken();
      await addInOrder(
        queue,
        [4, 3, 2].map((age) => ({ timestamp: ago(age * minutes) })),
      );
      holding.fail();
      await holding.taken();
      expect((await waitingIds())[0]).toBe(failing.id);
      expect(await oldestReadyAtMs()).toBe(ago(3 * minutes));
    });
  });

  describe('with jobs that jump the queue', () => {
    it('is that of the first LIFO job', async () => {
      await addInOrder(
        queue,
        [30, 20, 10].map((age) => ({ lifo: true, timestamp: ago(age * minutes) })),
      );
      expect(await oldestReadyAtMs()).toBe(ago(30 * minutes));
    });

    it.each([1, 2, 3, 20, 63, 64, 65])('looks past %i LIFO jobs', async (count) => {
      const plain = Array.from({ length: 40 }, (_, index) => ({ timestamp: ago(hours - index) }));
      const lifo = Array.from({ length: count }, () => ({ lifo: true, timestamp: ago(minutes) }));
      for (const options of [plain, lifo])
        await queue.addBulk(options.map((opts) => ({ name: 'job', data: {}, opts })));
      expect(await oldestReadyAtMs()).toBe(ago(hours));
    });

    it('begins with its last start for a job that a worker gave back', async () => {
      const holding = await stage.application.hold(queueName);
      await addInOrder(queue, [{ timestamp: Date.now() - 3 * hours }]);
      const job = await holding.taken();
      await holding.handBack();
      expect(await waitingIds()).toEqual([job.id]);
      expect(await oldestReadyAtMs()).toBe(await processedOn(job));
    });

    it('is not that of a job given back while others wait for longer', async () => {
      const holding = await stage.application.hold(queueName);
      const [, second] = await addInOrder(
        queue,
        [50, 40, 30].map((age) => ({ timestamp: Date.now() - age * minutes })),
      );
      const job = await holding.taken();
      await holding.handBack();
      expect((await waitingIds()).at(-1)).toBe(job.id);
      expect(await oldestReadyAtMs()).toBe(second?.timestamp);
    });

    it('ignores for how long the parent of a flow waited for its children', async () => {
      const holding = await stage.application.hold(`${queueName}-children`);
      await stage.application.flows().add({
        name: 'parent',
        queueName,
        opts: { timestamp: ago(5 * days) },
        children: [{ name: 'child', queueName: `${queueName}-children` }],
      });
      await holding.taken();
      expect(await stage.readOne(queueName)).toMatchObject({ readyJobs: 0, activeJobs: 0 });
      holding.release();
      await vi.waitUntil(async () => (await waitingIds()).length === 1);
      expect(await oldestReadyAtMs()).toBeNull();
      await addInOrder(
        queue,
        [3, 2, 1].map((age) => ({ timestamp: ago(age * minutes) })),
      );
      expect(await oldestReadyAtMs()).toBe(ago(3 * minutes));
    });
  });

  describe('with prioritized jobs', () => {
    it('is that of the first job of whichever priority waits longest', async () => {
      await addInOrder(queue, [
        { priority: 2_097_151, timestamp: ago(50 * minutes) },
        { priority: 7, timestamp: ago(20 * minutes) },
        { priority: 1, timestamp: ago(5 * minutes) },
        { timestamp: ago(10 * minutes) },
      ]);
      expect(await oldestReadyAtMs()).toBe(ago(50 * minutes));
    });

    it('is not that of a job given back while others of its priority wait for longer', async () => {
      const holding = await stage.application.hold(queueName);
      const [, second] = await addInOrder(
        queue,
        [50, 40, 30].map((age) => ({ priority: 3, timestamp: Date.now() - age * minutes })),
      );
      await holding.taken();
      await holding.handBack();
      expect(await stage.readOne(queueName)).toMatchObject({ readyJobs: 3 });
      expect(await oldestReadyAtMs()).toBe(second?.timestamp);
    });
  });
});
