import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { FinishedJob, QueueReading } from '../../src/decision/types.ts';
import { createBullmqQueues } from '../../src/queues/bullmq/bullmq-queues.ts';
import { bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';
import { memory, observation, policy } from '../support/builders.ts';
import { contentsOf } from '../support/redis-contents.ts';

const seconds = 1_000;

describe.each(bullmqMajors)('what BullMQ $major tells of its jobs beyond counts', ({ library }) => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());
  beforeEach(() => stage.client.flushall());

  /** One source that reads again and again, as the daemon does. */
  function follow(...queues: readonly string[]) {
    const source = createBullmqQueues({
      redis: stage.connection,
      queues,
      prefix: 'bull',
      nowMs: Date.now,
    });
    return async () => {
      const found = await source.read(AbortSignal.timeout(20_000));
      expect(found.unreadableQueues).toEqual([]);
      return found.queues;
    };
  }
  function followOne(queue: string): () => Promise<QueueReading> {
    const read = follow(queue);
    return async () => {
      const [reading] = await read();
      if (reading === undefined) throw new Error('no reading');
      return reading;
    };
  }
  const ended = ({ addedJobs, unfinishedJobs }: QueueReading) =>
    (addedJobs ?? NaN) - (unfinishedJobs ?? NaN);

  it('names jobs that nobody recovers, until they are recovered as the runbook says', async () => {
    const queue = stage.application.queue('mail');
    const holding = await stage.application.hold('mail');
    await queue.add('letter', { to: 'you' }, { attempts: 3 });
    const { id = '' } = await holding.taken();
    await holding.worker.close(true);
    await stage.client.del(`bull:mail:${id}:lock`);
    const read = followOne('mail');
    const seenAtMs = Date.now();
    const decideAt = async (observedAtMs: number, remembered = memory()) => {
      const queues = [await read()];
      return decide(observation(0, { observedAtMs, queues }), policy(), remembered);
    };

    const first = await decideAt(seenAtMs);
    expect(first.decision.stuck).toEqual([]);
    const later = await decideAt(seenAtMs + 660 * seconds, first.memory);
    expect(later.decision.stuck).toMatchObject([
      { queue: 'mail', kind: 'orphaned', jobIds: [id], sinceMs: seenAtMs },
    ]);
    expect(await stage.client.hget(`bull:mail:${id}`, 'name')).toBe('letter');

    const job: Job | undefined = await queue.getJob(id);
    if (job === undefined) throw new Error('the orphaned job is gone');
    await job.remove();
    await queue.add(job.name, job.data, job.opts);
    expect(await queue.getWaiting()).toMatchObject([
      { name: 'letter', data: { to: 'you' }, opts: { attempts: 3 } },
    ]);
    const last = await decideAt(seenAtMs + 720 * seconds, later.memory);
    expect(last.decision).toMatchObject({ stuck: [], recommendedWorkers: 1 });
  });

  describe('of workers that keep their event loop busy', () => {
    const workers: ChildProcess[] = [];
    afterEach(() => {
      for (const worker of workers.splice(0)) worker.kill('SIGKILL');
    });

    /** A process whose worker cannot renew the lock of a job while it runs it. */
    function startHangingWorker(maxStalledCount: number): void {
      const options = {
        ...{ connection: { url: stage.server.url }, maxStalledCount, name: 'worker.1' },
        ...{ lockDuration: 200, stalledInterval: 100 },
      };
      const code = `
        import { Worker } from '${library === bullmqMajors[0].library ? 'bullmq' : 'bullmq-v5'}';
        const hang = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        new Worker('mail', async () => hang(), ${JSON.stringify(options)}).on('error', () => {});`;
      workers.push(
        spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' }),
      );
    }

    /** What is found once it is said that jobs stall, as if a minute lay between two looks that see some. */
    async function foundStalling() {
      const read = followOne('mail');
      let remembered = memory();
      let observedAtMs = Date.now();
      return vi.waitUntil(
        async () => {
          const reading = await read();
          const seen = observation(0, { observedAtMs, queues: [reading] });
          const { decision, memory: next } = decide(seen, policy(), remembered);
          if (reading.stalledJobs.length > 0) observedAtMs += 60 * seconds;
          remembered = next;
          return decision.stuck.find(({ kind }) => kind === 'stalling');
        },
        { timeout: 60_000, interval: 100 },
      );
    }

    it('tells a job that is put back three times', async () => {
      const { id } = await stage.application.queue('mail').add('poison', {});
      startHangingWorker(100);
      expect(await foundStalling()).toMatchObject({ queue: 'mail', jobIds: [id] });
      expect(await stage.client.hget(`bull:mail:${id ?? ''}`, 'stc')).toMatch(/^([3-9]|\d{2,})$/);
    });

    it('tells jobs that stall once each, though BullMQ lets them fail and none is kept', async () => {
      const queue = stage.application.queue('mail');
      const ids: (string | undefined)[] = [];
      for (let index = 0; index < 12; index += 1)
        ids.push((await queue.add('letter', {}, { removeOnFail: true })).id);
      startHangingWorker(0);
      const { jobIds } = await foundStalling();
      expect(jobIds).toHaveLength(3);
      expect(ids).toEqual(expect.arrayContaining([...jobIds]));
    });
  });

  it('counts every job that ended, however it was added and whatever became of it', async () => {
    const queue = stage.application.queue('mail');
    let starts = 0;
    const worker = stage.application.work(
      'mail',
      async (job) => {
        starts += 1;
        await sleep(2);
        if (job.name === 'shaky' && job.attemptsMade === 0) throw new Error('on purpose');
        if (job.name === 'hopeless') throw new Error('on purpose');
      },
      { concurrency: 5 },
    );
    const read = followOne('mail');
    const before = await read();
    await queue.addBulk([
      ...Array.from({ length: 40 }, () => ({ name: 'plain', data: {} })),
      ...Array.from({ length: 30 }, () => ({
        name: 'gone',
        data: {},
        opts: { removeOnComplete: true, removeOnFail: true },
      })),
      ...Array.from({ length: 20 }, (_, index) => ({
        name: 'shaky',
        data: {},
        opts: { attempts: 2, backoff: index % 2 === 0 ? 0 : 20, priority: index % 3 },
      })),
      ...Array.from({ length: 10 }, () => ({
        name: 'hopeless',
        data: {},
        opts: { attempts: 2 },
      })),
      ...Array.from({ length: 10 }, () => ({ name: 'later', data: {}, opts: { delay: 50 } })),
      { name: 'named', data: {}, opts: { jobId: 'the-same' } },
      { name: 'never', data: {}, opts: { delay: 3_600_000 } },
    ]);
    // BullMQ counts an add that it drops for its id; it has ended at once.
    await queue.add('named', {}, { jobId: 'the-same' });
    await stage.application.flows().add({
      name: 'parent',
      queueName: 'mail',
      children: [{ name: 'child', queueName: 'mail' }],
    });

    await vi.waitUntil(async () => (await read()).unfinishedJobs === 1, { timeout: 20_000 });
    const after = await read();
    expect((after.addedJobs ?? 0) - (before.addedJobs ?? 0)).toBe(115);
    expect(ended(after) - ended(before)).toBe(114);
    expect(starts).toBe(143);
    await worker.close();
  });

  it('counts the parents that wait for their children as unfinished', async () => {
    await stage.application.flows().add({
      name: 'parent',
      queueName: 'parents',
      children: [{ name: 'child', queueName: 'children' }],
    });
    expect(await stage.readOne('parents')).toMatchObject({ readyJobs: 0, unfinishedJobs: 1 });
  });

  it('counts arrivals of a queue that is idle at both readings', async () => {
    const queue = stage.application.queue('mail');
    const worker = stage.application.work('mail', () => Promise.resolve(), {});
    const read = followOne('mail');
    expect(await read()).toMatchObject({ addedJobs: 0, unfinishedJobs: 0 });
    await queue.addBulk(Array.from({ length: 7 }, () => ({ name: 'job', data: {} })));
    await vi.waitUntil(async () => (await stage.client.zcard('bull:mail:completed')) === 7);
    expect(await read()).toMatchObject({ addedJobs: 7, unfinishedJobs: 0, readyJobs: 0 });
    await worker.close();
  });

  it('names all jobs of a short line in the order in which they run', async () => {
    const queue = stage.application.queue('mail');
    await queue.add('due', {}, { delay: 1 });
    await queue.add('second', {});
    await queue.add('third', {});
    await queue.add('first', {}, { lifo: true });
    await queue.add('fifth', {}, { priority: 7 });
    await queue.add('fourth', {}, { priority: 2 });
    await sleep(10);
    const { readyJobNames } = await stage.readOne('mail');
    expect(readyJobNames).toEqual(['first', 'second', 'third', 'fourth', 'fifth', 'due']);
  });

  it('names jobs at even distances of a long line', async () => {
    const queue = stage.application.queue('mail');
    const add = (from: number, to: number, priority?: number) =>
      queue.addBulk(
        Array.from({ length: to - from }, (_, index) => ({
          name: `job-${String(from + index)}`,
          data: {},
          opts: priority === undefined ? {} : { priority },
        })),
      );
    await add(0, 600);
    await add(600, 960, 3);
    const { readyJobNames } = await stage.readOne('mail');
    const places = readyJobNames.map((name) => Number(name.slice(4)));
    expect(places).toEqual(Array.from({ length: 48 }, (_, index) => 20 * index + 10));
  });

  it('names no job of a paused queue, and tells what runs there all the same', async () => {
    const holding = await stage.application.hold('mail');
    const queue = stage.application.queue('mail');
    await queue.add('runs', {});
    await queue.add('waits', {});
    await holding.taken();
    await queue.pause();
    const { readyJobNames, running, unfinishedJobs } = await stage.readOne('mail');
    expect(readyJobNames).toEqual([]);
    expect(running.map(({ jobName }) => jobName)).toEqual(['runs']);
    expect(unfinishedJobs).toBe(2);
  });

  it('names fewer jobs of each queue when many are busy', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `queue-${String(index)}`);
    const pipeline = stage.client.pipeline();
    for (const name of names)
      for (let job = 1; job <= 50; job += 1) {
        pipeline.lpush(`bull:${name}:wait`, String(job));
        pipeline.hset(`bull:${name}:${String(job)}`, 'name', `job-${String(job)}`);
      }
    await pipeline.exec();
    const queues = await follow(...names)();
    const counts = queues.map(({ readyJobNames }) => readyJobNames.length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(480);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
  });

  it.each([3, 200])('tells when %i delayed jobs become due, to 5 s', async (each) => {
    const queue = stage.application.queue('mail');
    const nowMs = Date.now();
    const at = (delay: number) =>
      Array.from({ length: each }, () => ({
        name: 'later',
        data: {},
        opts: { delay, timestamp: nowMs },
      }));
    await queue.addBulk([...at(12_000), ...at(63_000), ...at(119_000), ...at(125_000), ...at(-1)]);
    const { dueSoon, delayedJobs } = await stage.readOne('mail', nowMs);
    expect(delayedJobs).toBe(4 * each);
    const after = dueSoon.map(({ dueAtMs, jobs }) => [(dueAtMs - nowMs) / seconds, jobs]);
    expect(after).toEqual([
      [10, each],
      [60, each],
      [115, each],
    ]);
  });

  it('tells the next run of a job scheduler, which is one delayed job', async () => {
    const queue = stage.application.queue('mail');
    const worker = stage.application.work('mail', () => Promise.resolve(), {});
    await queue.upsertJobScheduler('often', { every: 30_000 }, { name: 'scheduled' });
    await vi.waitUntil(async () => (await stage.client.zcard('bull:mail:delayed')) === 1);
    const nextMs = Number((await queue.getJobSchedulers())[0]?.next);
    const nowMs = Date.now();
    const { dueSoon } = await stage.readOne('mail', nowMs);
    expect(dueSoon).toHaveLength(1);
    expect(dueSoon[0]?.jobs).toBe(1);
    expect(Math.abs((dueSoon[0]?.dueAtMs ?? 0) - nextMs)).toBeLessThanOrEqual(5_000);
    await worker.close();
  });

  describe('how long jobs ran', () => {
    const remove = { removeOnComplete: true, removeOnFail: true };

    it('tells it of short ones and of one that outlasts readings, though none is kept', async () => {
      const queue = stage.application.queue('mail');
      await queue.add('long', { ms: 1_500 }, remove);
      const run = (job: Job<{ ms: number }>) => sleep(job.data.ms);
      const worker = stage.application.work('mail', run, { concurrency: 3 });
      const read = followOne('mail');
      await vi.waitUntil(async () => (await read()).activeJobs === 1);
      const jobs = Array.from({ length: 20 }, () => ({
        name: 'short',
        data: { ms: 50 },
        opts: remove,
      }));
      await queue.addBulk(jobs);
      const finished = [];
      for (let tick = 0; tick < 5; tick += 1) {
        await sleep(400);
        finished.push((await read()).finished);
      }
      const all = finished.flat();
      const of = (name: string) => all.filter(({ jobName }) => jobName === name);
      expect(all).toHaveLength(21);
      expect(of('short')).toHaveLength(20);
      for (const { durationSeconds } of of('short')) {
        expect(durationSeconds).toBeGreaterThanOrEqual(0.045);
        expect(durationSeconds).toBeLessThan(0.3);
      }
      expect(of('long')).toHaveLength(1);
      expect(of('long')[0]?.durationSeconds).toBeGreaterThanOrEqual(1.45);
      expect(of('long')[0]?.durationSeconds).toBeLessThan(2);
      await worker.close();
    });

    it('tells how long they waited, over several readings too, and not how long they were delayed', async () => {
      const queue = stage.application.queue('mail');
      const worker = stage.application.work('mail', () => sleep(10), { autorun: false });
      const addedMs = Date.now();
      await queue.add('patient', {}, remove);
      await queue.add('delayed', {}, { ...remove, delay: 300 });
      const read = followOne('mail');
      for (let look = 0; look < 3; look += 1) {
        await sleep(200);
        await read();
      }
      const lateMs = Date.now();
      await queue.add('late', {}, remove);
      const startedMs = Date.now();
      void worker.run();
      const finished: FinishedJob[] = [];
      await vi.waitUntil(
        async () => finished.push(...(await read()).finished) >= 0 && finished.length === 3,
        20_000,
      );
      const endedMs = Date.now();
      await worker.close();
      const waits = new Map(finished.map(({ jobName, waitSeconds }) => [jobName, waitSeconds]));
      // The delayed job is gone before it could be asked for its name, unless it was seen next in line.
      const delayed = waits.get('delayed') ?? waits.get(null) ?? 0;
      expect(waits.get('patient')).toBeGreaterThanOrEqual((startedMs - addedMs - 100) / 1000);
      expect(waits.get('patient')).toBeLessThanOrEqual((endedMs - addedMs) / 1000);
      expect(waits.get('late')).toBeLessThanOrEqual((endedMs - lateMs) / 1000);
      expect(delayed).toBeLessThanOrEqual((endedMs - addedMs - 300) / 1000);
    });

    it('counts from the last start of a job that failed before', async () => {
      const queue = stage.application.queue('mail');
      const holding = await stage.application.hold('other');
      const worker = stage.application.work('mail', async ({ attemptsMade }) => {
        await sleep(attemptsMade === 0 ? 600 : 100);
        throw new Error('on purpose');
      });
      await queue.add('shaky', {}, { ...remove, attempts: 2, backoff: 1 });
      const read = followOne('mail');
      await vi.waitUntil(async () => (await read()).activeJobs === 1);
      await vi.waitUntil(async () => (await stage.client.exists('bull:mail:1')) === 0, 5_000);
      const { finished } = await read();
      expect(finished).toHaveLength(1);
      expect(finished[0]?.durationSeconds).toBeGreaterThanOrEqual(0.095);
      expect(finished[0]?.durationSeconds).toBeLessThan(0.4);
      await Promise.all([worker.close(), holding.worker.close()]);
    });

    it('reads no further than a few huge results, and sends none of them', async () => {
      const queue = stage.application.queue('mail');
      const holding = await stage.application.hold('mail', { name: 'worker.1' });
      await queue.add('first', {}, remove);
      await holding.taken();
      const read = followOne('mail');
      await read();
      const huge = 'x'.repeat(2_000_000);
      for (let index = 0; index < 20; index += 1)
        await stage.client.xadd(
          ...(['bull:mail:events', '*', 'event', 'completed', 'jobId', '1'] as const),
          ...['returnvalue', huge],
        );
      await stage.client.config('RESETSTAT');
      const { finished } = await read();
      expect(finished.length).toBeGreaterThanOrEqual(1);
      expect(finished.length).toBeLessThanOrEqual(3);
      const statistics = await stage.client.info('stats');
      const sent = Number(/total_net_output_bytes:(\d+)/.exec(statistics)?.[1]);
      expect(sent).toBeLessThan(20_000);
    });

    it('tells nothing rather than something wrong when the stream was cut in between', async () => {
      const queue = stage.application.queue('mail');
      const worker = stage.application.work('mail', () => sleep(10), { concurrency: 2 });
      const holding = await stage.application.hold('held');
      await queue.add('job', {}, { ...remove, delay: 3_600_000 });
      const read = followOne('mail');
      await read();
      await queue.addBulk(
        Array.from({ length: 30 }, () => ({ name: 'job', data: {}, opts: remove })),
      );
      await vi.waitUntil(async () => (await stage.client.llen('bull:mail:wait')) === 0);
      await stage.client.xtrim('bull:mail:events', 'MAXLEN', 20);
      expect((await read()).finished).toEqual([]);
      await Promise.all([worker.close(), holding.worker.close()]);
    });

    it('reads a queue whose event stream is something else', async () => {
      const queue = stage.application.queue('mail');
      await queue.add('job', {});
      await stage.client.set('bull:mail:events', 'not a stream');
      await stage.client.del('bull:mail:id');
      await stage.client.rpush('bull:mail:id', 'not a number');
      const read = followOne('mail');
      await read();
      expect(await read()).toMatchObject({ readyJobs: 1, finished: [], addedJobs: null });
    });

    it('follows each of many busy queues in turn', async () => {
      const names = Array.from({ length: 50 }, (_, index) => `queue-${String(index)}`);
      for (const name of names) {
        await stage.client.lpush(`bull:${name}:wait`, 'waits');
        await stage.client.xadd(`bull:${name}:events`, '*', 'event', 'waiting', 'jobId', 'waits');
      }
      const read = follow(...names);
      const told = new Set<string>();
      for (let tick = 0; tick < 6; tick += 1) {
        for (const name of names)
          for (const event of ['active', 'completed'])
            await stage.client.xadd(`bull:${name}:events`, '*', 'event', event, 'jobId', 'one');
        const queues = await read();
        const speaking = queues.filter(({ finished }) => finished.length > 0);
        expect(speaking.length).toBeLessThanOrEqual(10);
        for (const { queue } of speaking) told.add(queue);
      }
      expect(told.size).toBe(50);
    });
  });

  it('tells hostile names as they are, cut to a bearable length', async () => {
    const queue = stage.application.queue('mail');
    const names = [
      'line\nbreak\\n\\ and \u0000 nul',
      '"quoted" {} [] ,',
      '__proto__',
      'ünïcödé 队列 😀',
      ' ',
      '0',
      'x'.repeat(4_000),
    ];
    const holding = await stage.application.hold('mail', { name: 'line\nbreak' });
    await queue.add('line\nbreak', {});
    await holding.taken();
    for (const name of names) await queue.add(name, {});
    const { readyJobNames, running } = await stage.readOne('mail');
    expect(readyJobNames).toEqual([...names.slice(0, -1), 'x'.repeat(128)]);
    expect(running).toMatchObject([{ jobName: 'line\nbreak', worker: 'line\nbreak' }]);
  });

  it('changes nothing, reading after reading', async () => {
    const holding = await stage.application.hold('mail', { name: 'worker.1' });
    const queue = stage.application.queue('mail');
    for (const opts of [{}, {}, { priority: 1 }, { delay: 1 }, { delay: 20_000 }])
      await queue.add('job', {}, opts);
    await holding.taken();
    const read = followOne('mail');
    const before = await contentsOf(stage.client);
    for (let tick = 0; tick < 3; tick += 1) await read();
    expect(await contentsOf(stage.client)).toEqual(before);
  });
});
