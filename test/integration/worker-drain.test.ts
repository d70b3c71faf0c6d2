import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { joinPool, type JoinPoolOptions, type PoolMembership } from '../../src/worker/index.ts';
import { bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';
import { poolOn, until, type Pool } from '../support/pool.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { Job, Worker } from 'bullmq';

/** Every third job is prioritized: such jobs wait in another place. */
const priorityOf = (index: number) => (index % 3 === 0 ? { priority: 2 } : {});

describe.each(bullmqMajors)('a worker of BullMQ $major in a pool', ({ major, library }) => {
  let stage: BullmqStage;
  let pool: Pool;
  let memberships: PoolMembership[];

  beforeEach(async () => {
    stage = await startBullmqStage(library, 'shop');
    pool = poolOn(stage.client);
    memberships = [];
  });
  afterEach(async () => {
    await Promise.all(memberships.map((each) => each.close()));
    await stage.stop();
  });

  function join(dyno: string, workers: Worker[], options: JoinPoolOptions = {}): PoolMembership {
    process.env['DYNO'] = dyno;
    try {
      const membership = joinPool(workers, { redisUrl: stage.server.url, ...options });
      memberships.push(membership);
      return membership;
    } finally {
      delete process.env['DYNO'];
    }
  }

  /** A worker in the pool that notes which jobs it ran. */
  function joined(dyno = 'worker.2') {
    const ran: (string | undefined)[] = [];
    const worker = stage.application.work('emails', (job: Job) => {
      ran.push(job.id);
      return Promise.resolve();
    });
    return { worker, ran, membership: join(dyno, [worker]) };
  }

  it('says which dyno it is, since when, and how much it does', async () => {
    const queue = stage.application.queue('emails');
    const busy = await stage.application.hold('emails', { concurrency: 3 });
    const other = stage.application.work('reports', () => Promise.resolve(), { concurrency: 2 });
    await queue.add('job', {});
    await busy.taken();
    join('worker.2', [busy.worker, other]);
    await pool.until('worker.2', 'working');
    const [heartbeat, ...more] = await pool.heartbeats();
    expect(more).toEqual([]);
    expect(heartbeat).toMatchObject({ dyno: 'worker.2', activeJobs: 1, concurrency: 5 });
    const [seconds, microseconds] = await stage.client.time();
    const nowMs = Number(seconds) * 1000 + Number(microseconds) / 1000;
    expect(heartbeat?.atMs).toBeGreaterThan(nowMs - 5_000);
    expect(heartbeat?.startedAtMs).toBeLessThanOrEqual(nowMs);
    busy.release();
  });

  it('says how it is again and again, and no more once it has left', async () => {
    const { membership, worker } = joined();
    const first = await pool.until('worker.2', 'working');
    await until(async () => (await pool.heartbeats()).some(({ atMs }) => atMs > first.atMs));
    await membership.close();
    await membership.close();
    expect(await pool.heartbeats()).toEqual([]);
    await sleep(1_000);
    expect(await pool.heartbeats()).toEqual([]);
    expect(worker.isRunning()).toBe(true);
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });

  it('tells apart two processes that share the name of a dyno', async () => {
    const [first, second] = [joined(), joined()];
    await until(async () => (await pool.heartbeats()).length === 2);
    await first.membership.close();
    expect(await pool.heartbeats()).toHaveLength(1);
    await second.membership.close();
  });

  it('needs one connection for all workers of the process', async () => {
    const workers = ['emails', 'reports', 'images'].map((name) =>
      stage.application.work(name, () => Promise.resolve()),
    );
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    const clients = async () => ((await stage.client.client('LIST')) as string).trim().split('\n');
    const before = await clients();
    const membership = join('worker.2', workers);
    await pool.until('worker.2', 'working');
    await pool.mark('worker.2');
    await pool.until('worker.2', 'drained');
    await pool.lift('worker.2');
    await pool.until('worker.2', 'working');
    const ours = (await clients()).filter((line) => line.includes('backlog-autoscaler:worker'));
    expect(ours).toHaveLength(1);
    await until(async () => (await clients()).length === before.length + 1);
    await membership.close();
    await until(async () => (await clients()).length === before.length);
  });

  it('needs no address when it is to use that of the workers', async () => {
    const worker = stage.application.work('emails', () => Promise.resolve());
    join('worker.2', [worker], { redisUrl: undefined, pool: 'mailers' });
    await poolOn(stage.client, 'mailers').until('worker.2', 'working');
  });

  it('keeps its heartbeats where it is told to', async () => {
    const elsewhere = `${stage.server.url}/1`;
    const worker = stage.application.work('emails', () => Promise.resolve());
    join('worker.2', [worker], { redisUrl: elsewhere });
    const there = stage.client.duplicate({ db: 1 });
    await poolOn(there).until('worker.2', 'working');
    expect(await pool.heartbeats()).toEqual([]);
    there.disconnect();
  });

  it('finishes what it runs, takes nothing more, and only then is drained', async () => {
    const queue = stage.application.queue('emails');
    const busy = await stage.application.hold('emails', { concurrency: 2 });
    const idle = stage.application.work('reports', () => Promise.resolve());
    join('worker.2', [busy.worker, idle]);
    await queue.add('job', {});
    await busy.taken();
    await pool.mark('worker.2');
    await pool.until('worker.2', 'draining');
    await until(() => idle.isPaused() && !idle.isRunning());
    await queue.add('job', {});
    await sleep(1_200);
    expect(await pool.heartbeats()).toMatchObject([{ state: 'draining', activeJobs: 1 }]);
    busy.release();
    expect(await pool.until('worker.2', 'drained')).toMatchObject({ activeJobs: 0 });
    expect(await queue.getWaitingCount()).toBe(1);
  });

  it('leaves the jobs to its neighbour while it is drained, and takes them again when it may', async () => {
    const queue = stage.application.queue('emails');
    const { ran } = joined('worker.2');
    await pool.mark('worker.2');
    await pool.until('worker.2', 'drained');
    const neighbour = joined('worker.1');
    await queue.add('job', {});
    await until(() => neighbour.ran.length === 1);
    await neighbour.worker.close();
    await queue.add('job', {});
    await pool.lift('worker.2');
    await until(() => ran.length === 1);
    expect((await pool.until('worker.2', 'working')).state).toBe('working');
  });

  it('says that it works before it takes a job again, so that nobody believes it drained', async () => {
    // What the companion says travels more slowly than what the worker does.
    const proxy = await startTcpProxy(Number(new URL(stage.server.url).port));
    proxy.delayMs = 100;
    const stateAtStart: (string | undefined)[] = [];
    const worker = stage.application.work('emails', async () => {
      stateAtStart.push((await pool.heartbeats())[0]?.state);
    });
    const membership = join('worker.2', [worker], {
      redisUrl: proxy.url('redis'),
    });
    await pool.mark('worker.2');
    await pool.until('worker.2', 'drained');
    await stage.application.queue('emails').add('job', {});
    await pool.lift('worker.2');
    await until(() => stateAtStart.length === 1);
    expect(stateAtStart).toEqual(['working']);
    await membership.close();
    proxy.stop();
  });

  it('takes jobs again when the mark is not renewed', async () => {
    const queue = stage.application.queue('emails');
    const { ran } = joined();
    await pool.mark('worker.2', 4_000);
    await pool.until('worker.2', 'drained');
    await queue.add('job', {});
    await until(() => ran.length === 1);
    await pool.until('worker.2', 'working');
  });

  it('is marked again as easily as before', async () => {
    const queue = stage.application.queue('emails');
    const { ran } = joined();
    for (const round of [1, 2, 3]) {
      await pool.mark('worker.2');
      await pool.until('worker.2', 'drained');
      await queue.add('job', {});
      await pool.lift('worker.2');
      await until(() => ran.length === round);
    }
  });

  it('goes on when a drain is cancelled before it is drained', async () => {
    const queue = stage.application.queue('emails');
    const busy = await stage.application.hold('emails', { concurrency: 2 });
    join('worker.2', [busy.worker]);
    await queue.add('job', {});
    const first = await busy.taken();
    await pool.mark('worker.2');
    await pool.until('worker.2', 'draining');
    await until(() => busy.worker.isPaused());
    await queue.add('job', {});
    await pool.lift('worker.2');
    await pool.until('worker.2', 'working');
    // BullMQ 5 looks for further jobs only when one of those that run has ended.
    if (major === 5) busy.release();
    const second = await busy.taken();
    expect(second.id).not.toBe(first.id);
    busy.release();
  });

  it('takes jobs again when it leaves the pool while drained', async () => {
    const queue = stage.application.queue('emails');
    const { ran, membership } = joined();
    await pool.mark('worker.2');
    await pool.until('worker.2', 'drained');
    await membership.close();
    expect(await pool.heartbeats()).toEqual([]);
    await queue.add('job', {});
    await until(() => ran.length === 1);
  });

  it('leaves alone what the application itself paused or never started', async () => {
    const { worker } = joined();
    await worker.pause();
    const unstarted = stage.application.work('reports', () => Promise.resolve(), {
      autorun: false,
    });
    join('worker.3', [unstarted]);
    await pool.mark('worker.2');
    await pool.mark('worker.3');
    await pool.until('worker.2', 'drained');
    await pool.until('worker.3', 'drained');
    await pool.lift('worker.2');
    await pool.lift('worker.3');
    await pool.until('worker.2', 'working');
    await pool.until('worker.3', 'working');
    await sleep(1_000);
    expect(worker.isPaused()).toBe(true);
    expect(unstarted.isRunning()).toBe(false);
    expect(unstarted.isPaused()).toBe(false);
  });

  it('loses no job, runs none twice and starts none while drained, however often it is marked under load', async () => {
    const queue = stage.application.queue('emails');
    const dynos = ['worker.1', 'worker.2', 'worker.3'];
    const started: (string | undefined)[] = [];
    const startedWhileDrained: string[] = [];
    for (const dyno of dynos) {
      const worker = stage.application.work(
        'emails',
        async (job: Job<{ workMs: number }>) => {
          started.push(job.id);
          // While this job runs its dyno cannot become drained: if it is, it was so already when the job started.
          const own = (await pool.heartbeats()).find((each) => each.dyno === dyno);
          if (own?.state === 'drained') startedWhileDrained.push(dyno);
          await sleep(job.data.workMs);
        },
        { concurrency: 4 },
      );
      join(dyno, [worker]);
    }
    const total = 900;
    let added = 0;
    let drainsSeen = 0;
    while (added < total || started.length < total) {
      const dyno = dynos[Math.floor(Math.random() * dynos.length)] ?? '';
      await (Math.random() < 0.5 ? pool.mark(dyno, 2_000) : pool.lift(dyno));
      for (const end = Math.min(added + 30, total); added < end; added += 1)
        await queue.add('job', { workMs: Math.floor(Math.random() * 60) }, priorityOf(added));
      await sleep(Math.random() * 500);
      drainsSeen += (await pool.heartbeats()).filter(({ state }) => state === 'drained').length;
    }
    await until(async () => (await queue.getCompletedCount()) === total);
    expect(drainsSeen).toBeGreaterThan(0);
    expect(startedWhileDrained).toEqual([]);
    expect(started).toHaveLength(total);
    expect(new Set(started).size).toBe(total);
    expect(await queue.getFailedCount()).toBe(0);
  });

  it('survives that Redis goes away while it is drained, and comes back without the mark', async () => {
    const { ran } = joined();
    await pool.mark('worker.2');
    await pool.until('worker.2', 'drained');
    await stage.server.stop();
    await sleep(1_500);
    const again = await startRedis({ port: Number(new URL(stage.server.url).port) });
    try {
      await stage.application.queue('emails').add('job', {});
      await until(() => ran.length === 1);
      await pool.until('worker.2', 'working');
    } finally {
      await again.stop();
    }
  });

  it('does not pause a worker whose connection is broken, and does once it is not', async () => {
    const { worker, ran } = joined();
    await pool.until('worker.2', 'working');
    await stage.server.stop();
    const again = await startRedis({ port: Number(new URL(stage.server.url).port) });
    try {
      // The companion is back before the worker, which waits for a second before it connects again.
      await pool.mark('worker.2');
      await pool.until('worker.2', 'drained');
      expect(worker.isPaused()).toBe(true);
      await stage.application.queue('emails').add('job', {});
      await pool.lift('worker.2');
      await until(() => ran.length === 1);
    } finally {
      await again.stop();
    }
  });

  it('wakes the others when a pause swallowed the wake-up of a job', async () => {
    const queue = stage.application.queue('emails');
    // Prioritized and ordinary jobs wait in different places.
    for (const options of [{}, { priority: 1 }]) {
      const { worker, membership } = joined();
      await pool.until('worker.2', 'working');
      await pool.mark('worker.2');
      await until(() => worker.isPaused());
      await queue.add('job', {}, options);
      // What a worker does whose connection is cut in the moment in which it is woken.
      await stage.client.zrem('shop:emails:marker', '0');
      await until(async () => (await stage.client.zcard('shop:emails:marker')) === 1);
      await membership.close();
      await worker.close();
      await queue.obliterate({ force: true });
    }
  });
});
