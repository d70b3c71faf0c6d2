import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';
import { poolOn, until, type Pool } from '../support/pool.ts';
import { descendantsOf, stillRunning } from '../support/processes.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import {
  startWorkerProcess,
  type Scenario,
  type WorkerProcess,
} from '../support/worker-process.ts';
import type { JobsOptions } from 'bullmq';

const libraries = { 6: 'bullmq', 5: 'bullmq-v5' } as const;
const sandbox = fileURLToPath(new URL('../support/sandboxed-processor.cjs', import.meta.url));

describe.each(bullmqMajors)(
  'a worker process with BullMQ $major on SIGTERM',
  ({ major, library }) => {
    let stage: BullmqStage;
    let pool: Pool;
    let processes: WorkerProcess[];

    beforeEach(async () => {
      stage = await startBullmqStage(library);
      pool = poolOn(stage.client);
      processes = [];
    });
    afterEach(async () => {
      await Promise.all(processes.map((each) => each.stop()));
      await stage.stop();
    });

    async function start(dyno: string, scenario: Partial<Scenario> = {}): Promise<WorkerProcess> {
      const process = startWorkerProcess(stage.server.url, dyno, {
        library: libraries[major],
        // An idle neighbour that is not woken would not look before the test is over.
        workers: [{ queue: 'emails', concurrency: 10, drainDelay: 60 }],
        graceSeconds: 1,
        ...scenario,
      });
      processes.push(process);
      await pool.until(dyno, 'working');
      return process;
    }

    const minuteLong = { workMs: 60_000, heeds: false };

    it('lets running jobs finish within the grace, takes no other, and ends', async () => {
      const queue = stage.application.queue('emails');
      const dyno = await start('worker.1', { graceSeconds: 20 });
      await queue.add('short', { workMs: 1_500 });
      await dyno.until('started');
      dyno.terminate();
      await pool.until('worker.1', 'closing');
      await queue.add('late', { workMs: 0 });
      expect(await dyno.exited).toBe(0);
      expect(dyno.jobs('finished')).toEqual(['short']);
      expect(await pool.handedBackJobs()).toBe(0);
      expect(await queue.getJobCounts('completed', 'wait')).toMatchObject({
        completed: 1,
        wait: 1,
      });
      expect(await pool.heartbeats()).toEqual([]);
    });

    it('ends without delay when it runs nothing', async () => {
      const dyno = await start('worker.1', { graceSeconds: 20 });
      dyno.terminate();
      expect(await dyno.exited).toBe(0);
      expect(await pool.heartbeats()).toEqual([]);
    });

    it('hands back what does not finish, to start again elsewhere at once and at no cost', async () => {
      const queue = stage.application.queue('emails');
      const dyno = await start('worker.1');
      const kinds: readonly { name: string; data: object; options: JobsOptions }[] = [
        { name: 'plain', data: minuteLong, options: {} },
        { name: 'lifo', data: minuteLong, options: { lifo: true } },
        { name: 'prioritized', data: minuteLong, options: { priority: 3 } },
        { name: 'heeding', data: { ...minuteLong, heeds: true }, options: {} },
        {
          name: 'heeding-prioritized',
          data: { ...minuteLong, heeds: true },
          options: { priority: 3 },
        },
      ];
      // With a single attempt, one that was used up would fail the job.
      for (const { name, data, options } of kinds)
        await queue.add(name, data, { ...options, attempts: 1 });
      await dyno.until('started', kinds.length);
      const other = await start('worker.2');
      dyno.terminate();
      expect(await dyno.exited).toBe(0);
      await other.until('started', kinds.length);
      expect(await pool.handedBackJobs()).toBe(kinds.length);
      expect([...other.jobs('started')].sort()).toEqual(kinds.map(({ name }) => name).sort());
      expect([...dyno.jobs('aborted')].sort()).toEqual(['heeding', 'heeding-prioritized']);
      expect(dyno.jobs('finished')).toEqual([]);
      for (const job of await queue.getActive()) {
        expect(job.attemptsMade).toBe(0);
        expect(job.stalledCounter).toBe(0);
      }
      expect(await queue.getJobCounts('active', 'failed', 'wait', 'delayed')).toEqual({
        active: kinds.length,
        failed: 0,
        wait: 0,
        delayed: 0,
      });
    });

    it.each([{}, { lifo: true }, { priority: 3 }])(
      'wakes an idle neighbour for the only job that it hands back (%j)',
      async (options) => {
        const queue = stage.application.queue('emails');
        const dyno = await start('worker.1');
        await queue.add('long', minuteLong, { ...options, attempts: 1 });
        await dyno.until('started');
        const other = await start('worker.2');
        dyno.terminate();
        expect(await dyno.exited).toBe(0);
        await other.until('started');
      },
    );

    it('hands back also a job that is on its way when there is no grace', async () => {
      const queue = stage.application.queue('emails');
      const dyno = await start('worker.1', { graceSeconds: 0 });
      await queue.addBulk(
        Array.from({ length: 400 }, () => ({ name: 'job', data: { workMs: 5 } })),
      );
      await dyno.until('finished', 50);
      await queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'long', data: minuteLong })));
      dyno.terminate();
      expect(await dyno.exited).toBe(0);
      expect(await queue.getJobCounts('active', 'failed')).toEqual({ active: 0, failed: 0 });
      const { completed = 0, wait = 0 } = await queue.getJobCounts('completed', 'wait');
      expect(completed + wait).toBe(420);
      const handedBack = await queue
        .getJobs('wait')
        .then((jobs) => jobs.filter(({ attemptsStarted }) => attemptsStarted > 0));
      expect(await pool.handedBackJobs()).toBe(handedBack.length);
      expect(new Set(dyno.jobs('started')).size).toBeGreaterThan(0);
    });

    it('ends a drained process too', async () => {
      const dyno = await start('worker.1');
      await pool.mark('worker.1');
      await pool.until('worker.1', 'drained');
      dyno.terminate();
      expect(await dyno.exited).toBe(0);
      expect(await pool.heartbeats()).toEqual([]);
    });

    it('bears repeated signals', async () => {
      const queue = stage.application.queue('emails');
      // What is left to say travels slowly, so that signals come while it is said.
      const proxy = await startTcpProxy(Number(new URL(stage.server.url).port));
      proxy.delayMs = 200;
      const redisUrl = proxy.url('redis');
      const dyno = await start('worker.1', { redisUrl });
      await queue.add('long', minuteLong, { attempts: 1 });
      await dyno.until('started');
      const signals = setInterval(() => {
        dyno.terminate();
      }, 20);
      const code = await dyno.exited;
      clearInterval(signals);
      proxy.stop();
      expect(code).toBe(0);
      expect(await queue.getJobCounts('wait', 'active', 'failed')).toMatchObject({
        wait: 1,
        active: 0,
        failed: 0,
      });
    });

    it('leaves the end to a listener of the application, and tells it when everything is handed back', async () => {
      const queue = stage.application.queue('emails');
      const dyno = await start('worker.1', { listens: true });
      await queue.add('long', minuteLong, { attempts: 1 });
      await dyno.until('started');
      dyno.terminate();
      expect(await dyno.exited).toBe(7);
      expect(dyno.events.map(({ event }) => event).slice(0, 3)).toEqual([
        'started',
        'heard',
        'closed',
      ]);
      expect(await queue.getJobCounts('wait', 'active', 'failed')).toMatchObject({
        wait: 1,
        active: 0,
        failed: 0,
      });
    });

    it('cannot make a job end twice in a process that lives on', async () => {
      const queue = stage.application.queue('emails');
      const dyno = await start('worker.1', { listens: true, stays: true });
      await queue.add('deaf', { workMs: 3_000, heeds: false }, { attempts: 1 });
      await queue.add('heeding', { workMs: 3_000, heeds: true }, { attempts: 1 });
      await dyno.until('started', 2);
      dyno.terminate();
      await dyno.until('closed');
      const other = await start('worker.2');
      await other.until('finished', 2);
      await dyno.until('finished');
      expect(dyno.jobs('finished')).toEqual(['deaf']);
      await sleep(500);
      expect(await queue.getJobCounts('completed', 'failed', 'wait', 'active')).toEqual({
        completed: 2,
        failed: 0,
        wait: 0,
        active: 0,
      });
      dyno.terminate();
    });

    it.each([false, true])(
      'kills sandboxed processors once their jobs are handed back (threads: %s)',
      async (useWorkerThreads) => {
        const directory = await mkdtemp(join(tmpdir(), 'autoscaler-ledger-'));
        const ledger = join(directory, 'ledger');
        const entries = async (event: string) =>
          (await readFile(ledger, 'utf8').catch(() => ''))
            .split('\n')
            .filter((line) => line.includes(event));
        try {
          const queue = stage.application.queue('emails');
          const dyno = await start('worker.1', {
            sandbox,
            workers: [{ queue: 'emails', concurrency: 2, useWorkerThreads }],
          });
          const data = { ledger, workMs: 3_000 };
          await queue.add('first', data, { attempts: 1 });
          await queue.add('second', data, { attempts: 1 });
          await until(async () => (await entries('started')).length === 2);
          const children = descendantsOf(dyno.pid);
          expect(children).toHaveLength(useWorkerThreads ? 0 : 2);
          dyno.terminate();
          expect(await dyno.exited).toBe(0);
          await until(() => stillRunning(children).length === 0);
          await sleep(3_000);
          expect(await entries('finished')).toEqual([]);
          expect(await queue.getJobCounts('wait', 'active', 'failed')).toMatchObject({
            wait: 2,
            active: 0,
            failed: 0,
          });
        } finally {
          await rm(directory, { recursive: true });
        }
      },
    );

    it('ends in time when Redis is away', async () => {
      const dyno = await start('worker.1');
      await stage.application.queue('emails').add('long', minuteLong);
      await dyno.until('started');
      await stage.server.stop();
      dyno.terminate();
      expect(await dyno.exited).toBe(0);
    });
  },
);

it('runs the example of the documentation, which imports the package by its name', async () => {
  const server = await startRedis();
  const client = new Redis(server.url);
  const child = spawn(process.execPath, ['config/worker-example.js'], {
    env: { PATH: process.env['PATH'] ?? '', REDIS_URL: server.url, DYNO: 'worker.1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const heartbeat = await poolOn(client).until('worker.1', 'working');
    expect(heartbeat.concurrency).toBe(12);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    client.disconnect();
    await server.stop();
  }
});
