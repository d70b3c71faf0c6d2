import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QueueSource } from '../../src/queues/queue-source.ts';
import { reading } from '../support/builders.ts';

/** An application with its queues on a server, and what may happen to them. Ages are made by a clock set forward. */
export type QueueSourceStage = {
  /** A source that reads as if it were `laterMs` later than now. */
  source(queues: readonly string[], laterMs?: number): QueueSource;
  addJobs(queue: string, count: number): Promise<void>;
  /** Adds a job and waits until a live worker of this name holds one; returns the id of the job that is held. */
  runJob(queue: string, worker: string): Promise<string>;
  /** Adds a job and lets a worker take one and be gone without finishing it; returns the id of that job. */
  orphanJob(queue: string): Promise<string>;
  addDelayedJob(queue: string, delayMs: number): Promise<void>;
  pause(queue: string): Promise<void>;
  /** Makes this queue, and no other, impossible to read. */
  spoil(queue: string): Promise<void>;
  /** Everything the server holds, to compare. */
  contents(): Promise<unknown>;
  /** From now on the server accepts connections and commands, and answers nothing. */
  hangServer(): void;
  stopServer(): Promise<void>;
  stop(): Promise<void>;
};

/** What the loop relies on, whatever the queue system. */
export function describeQueueSource(name: string, start: () => Promise<QueueSourceStage>): void {
  describe(`${name} as a queue source`, () => {
    let stage: QueueSourceStage;
    beforeEach(async () => (stage = await start()));
    afterEach(() => stage.stop());
    const soon = () => AbortSignal.timeout(20_000);
    const readOne = async (queue: string, laterMs = 0) => {
      const { queues, unreadableQueues } = await stage.source([queue], laterMs).read(soon());
      expect(unreadableQueues).toEqual([]);
      expect(queues).toHaveLength(1);
      return queues[0];
    };

    it('finds a queue that exists nowhere empty', async () => {
      const { addedJobs, unfinishedJobs, ...empty } = reading({ queue: 'nowhere' });
      const found = await readOne('nowhere');
      expect(found).toMatchObject(empty);
      // What does not count its jobs says so; what does has seen none.
      expect([addedJobs, 0]).toContain(found?.addedJobs);
      expect([unfinishedJobs, 0]).toContain(found?.unfinishedJobs);
    });

    it('reads the queues it was given, in their order', async () => {
      await stage.addJobs('many', 5);
      await stage.addJobs('few', 2);
      await stage.addJobs('others', 7);
      const { queues } = await stage.source(['many', 'none', 'few']).read(soon());
      expect(queues.map(({ queue, readyJobs }) => [queue, readyJobs])).toEqual([
        ['many', 5],
        ['none', 0],
        ['few', 2],
      ]);
    });

    it('tells how long the oldest job has been ready', async () => {
      const beforeMs = Date.now();
      await stage.addJobs('mail', 3);
      const reading = await readOne('mail', 90_000);
      expect(reading?.oldestWaitSeconds).toBeGreaterThanOrEqual(90);
      expect(reading?.oldestWaitSeconds).toBeLessThanOrEqual(90 + (Date.now() - beforeMs) / 1000);
    });

    it('counts a job as ready from the moment its delay is over, also without any worker', async () => {
      const beforeMs = Date.now();
      await stage.addDelayedJob('mail', 60_000);
      expect(await readOne('mail')).toMatchObject({
        readyJobs: 0,
        delayedJobs: 1,
        oldestWaitSeconds: null,
      });
      const due = await readOne('mail', 90_000);
      expect(due).toMatchObject({ readyJobs: 1, delayedJobs: 0 });
      expect(due?.oldestWaitSeconds).toBeGreaterThanOrEqual(30);
      expect(due?.oldestWaitSeconds).toBeLessThanOrEqual(30 + (Date.now() - beforeMs) / 1000);
    });

    it('counts nothing as ready while the queue is paused', async () => {
      await stage.addJobs('mail', 3);
      await stage.addDelayedJob('mail', 1_000);
      await stage.pause('mail');
      expect(await readOne('mail', 60_000)).toMatchObject({
        readyJobs: 0,
        pausedJobs: 4,
        isPaused: true,
        oldestWaitSeconds: null,
      });
    });

    it('tells which worker holds which job', async () => {
      const jobId = await stage.runJob('mail', 'worker.3');
      expect(await readOne('mail')).toMatchObject({
        readyJobs: 0,
        activeJobs: 1,
        orphanedJobs: 0,
        running: [{ jobId, worker: 'worker.3', startedAtMs: expect.any(Number) as number }],
      });
    });

    it('tells a job whose worker is gone from one that runs', async () => {
      const orphan = await stage.orphanJob('mail');
      const jobId = await stage.runJob('mail', 'worker.1');
      expect(await readOne('mail')).toMatchObject({
        activeJobs: 1,
        orphanedJobs: 1,
        running: [{ jobId }],
        orphanedJobIds: [orphan],
      });
    });

    it('names the queue that cannot be read, and reads the others', async () => {
      await stage.addJobs('mail', 3);
      await stage.addJobs('images', 2);
      await stage.spoil('mail');
      const { queues, unreadableQueues } = await stage.source(['mail', 'images']).read(soon());
      expect(queues).toMatchObject([{ queue: 'images', readyJobs: 2 }]);
      expect(unreadableQueues).toEqual([
        { queue: 'mail', why: expect.stringMatching(/.{20}/) as string },
      ]);
    });

    it('changes nothing on the server', async () => {
      await stage.addJobs('mail', 3);
      await stage.addDelayedJob('mail', 1_000);
      await stage.orphanJob('mail');
      await stage.addJobs('images', 2);
      await stage.pause('images');
      const before = await stage.contents();
      for (const laterMs of [0, 60_000])
        await stage.source(['mail', 'images', 'nowhere'], laterMs).read(soon());
      expect(await stage.contents()).toEqual(before);
    });

    it('says so when the server is gone', async () => {
      const source = stage.source(['mail']);
      await source.read(soon());
      await stage.stopServer();
      await expect(source.read(AbortSignal.timeout(2_000))).rejects.toMatchObject({
        code: 'QUEUE_UNREADABLE',
      });
    });

    it('gives up at the deadline when the server hangs', async () => {
      const source = stage.source(['mail']);
      await source.read(soon());
      stage.hangServer();
      await expect(source.read(AbortSignal.timeout(300))).rejects.toMatchObject({
        code: 'QUEUE_UNREADABLE',
      });
    });
  });
}
