import * as bullmq from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  companionsKey,
  handedBackScript,
  heartbeatGoneMs,
  heartbeatScript,
  marksKey,
  workersKey,
} from '../../src/drain/protocol.ts';
import { startApplication, type Application, type HoldingWorker } from '../support/bullmq.ts';
import { runCommand, startDaemon, type LogLine, type RunningDaemon } from '../support/daemon.ts';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

type Blocked = { dyno: string; verdict: string; since: string; jobs: Record<string, unknown>[] };
type Report = { outcome: string; blocked: Blocked[]; desiredWorkers: number };

let redis: RedisServer;
let client: Redis;
let heroku: ScriptedHeroku;
let application: Application;
const daemons: RunningDaemon[] = [];

beforeEach(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  heroku = await startScriptedHeroku({ worker: { quantity: 5, size: 'Standard-1X' } });
  application = startApplication(bullmq, redis.url);
});

afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    daemon.kill('SIGKILL');
    await daemon.finished;
  }
  await application.close();
  client.disconnect();
  await heroku.stop();
  await redis.stop();
});

const environment = (changes: Record<string, string> = {}) => ({
  ...{ REDIS_URL: redis.url, QUEUES: 'emails', EVENTS_PER_WORKER: '10' },
  ...{ HEROKU_APP_NAME: 'demo', HEROKU_API_KEY: heroku.token, HEROKU_API_URL: heroku.url },
  // A tick that is due sooner than in an hour is one that a drain asked for.
  ...{ POLL_INTERVAL: '1h', SCALE_DOWN_STABILIZATION: '0s' },
  ...changes,
});

function daemon(changes: Record<string, string> = {}): RunningDaemon {
  const started = startDaemon(environment(changes));
  daemons.push(started);
  return started;
}

async function once(changes: Record<string, string> = {}): Promise<Report> {
  const { stdout } = await runCommand(['once', '--json'], environment(changes));
  const [report] = (JSON.parse(stdout) as { pools: Report[] }).pools;
  if (!report) throw new Error(stdout);
  return report;
}

const workers = () => heroku.formation['worker']?.quantity;
const tickWith = (outcome: string) => (line: LogLine) => line['outcome'] === outcome;
const everMarked = async () => (await client.hkeys(marksKey('worker'))).toSorted();
/** Those of them that were not removed. */
const marked = async () =>
  (await everMarked()).filter((name) => Number(name.split('.')[1]) <= (workers() ?? 0));

/** Five workers, of which the third holds a job; they are named after their dynos unless a test says otherwise. */
async function fiveWorkers(nameOf = (ordinal: number) => `worker.${String(ordinal)}`) {
  const queue = application.queue('emails');
  const holder: HoldingWorker = await application.hold('emails', { name: nameOf(3) });
  const { id } = await queue.add('send', {});
  await holder.taken();
  for (const ordinal of [1, 2, 4, 5]) await application.hold('emails', { name: nameOf(ordinal) });
  return { queue, holder, jobId: id };
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
  const value = new RegExp(`^${name}\\{pool="worker"\\} (\\S+)$`, 'm').exec(text)?.[1];
  return Number(value);
}

describe('workers named after their dynos', () => {
  test('are removed only when they run nothing, and the next tick comes soon', async () => {
    const port = await freePort();
    const { holder, jobId } = await fiveWorkers();
    const running = daemon({ PORT: String(port) });

    const line = await running.until(tickWith('draining'));
    expect(workers()).toBe(3);
    expect(line).toMatchObject({ blocked: [{ dyno: 'worker.3', jobs: [{ jobId }] }] });
    expect(line['msg']).toContain(`waits for worker.3, which runs job ${String(jobId)} of emails`);
    await expect.poll(() => metric(port, 'autoscaler_blocked_workers')).toBe(1);
    expect(await metric(port, 'autoscaler_draining_workers')).toBe(2);
    const status = (await (await fetch(`http://127.0.0.1:${String(port)}/status.json`)).json()) as {
      pools: Report[];
    };
    expect(status.pools[0]?.blocked).toMatchObject([{ dyno: 'worker.3', jobs: [{ jobId }] }]);

    holder.release();
    await running.until(tickWith('scaled'));
    expect(workers()).toBe(1);
    await expect.poll(() => metric(port, 'autoscaler_blocked_workers')).toBe(0);
    expect(await metric(port, 'autoscaler_drain_duration_seconds_count')).toBe(2);
  });

  test('stay, and are marked no longer, when they are needed again', async () => {
    const port = await freePort();
    const { queue } = await fiveWorkers();
    const running = daemon({ PORT: String(port) });
    await running.until(tickWith('draining'));
    expect(await marked()).toEqual(['worker.2', 'worker.3']);

    // Four more jobs are taken at once; 25 are left for which three workers are wanted.
    await queue.addBulk(Array.from({ length: 29 }, () => ({ name: 'send', data: {} })));
    const line = await running.until(tickWith('held'));
    expect(line['cancelled']).toEqual(expect.arrayContaining(['worker.2', 'worker.3']));
    expect(await marked()).toEqual([]);
    // Those that were removed may not have ended yet: they are still not to take any.
    expect(await everMarked()).toEqual(['worker.4', 'worker.5']);
    expect(workers()).toBe(3);
    await expect.poll(() => metric(port, 'autoscaler_drains_cancelled_total')).toBe(2);
  });

  test('are named by `once` while they are in the way, since when it began, whoever asks', async () => {
    const { jobId } = await fiveWorkers();
    const first = await once();
    expect(first).toMatchObject({
      ...{ outcome: 'draining', desiredWorkers: 1 },
      blocked: [{ dyno: 'worker.3', verdict: 'busy', jobs: [{ queue: 'emails', jobId }] }],
    });
    expect(workers()).toBe(3);
    // A new process goes on where the last one was.
    const second = await once();
    expect(second.outcome).toBe('draining');
    expect(second.blocked[0]?.since).toBe(first.blocked[0]?.since);
    const { stdout } = await runCommand(['once'], environment());
    expect(stdout).toContain(`waits for worker.3: job ${String(jobId)} of emails`);
  });

  test('are asked no more after DRAIN_TIMEOUT, and stay', async () => {
    await fiveWorkers();
    const running = daemon({ DRAIN_TIMEOUT: '4s', POLL_INTERVAL: '1s' });
    await running.until(tickWith('draining'));
    await running.until(tickWith('held'));
    expect(await marked()).toEqual([]);
    expect(workers()).toBe(3);
    const seen = running.log.length;
    await running.until(
      (line) => line['outcome'] === 'draining' && running.log.indexOf(line) > seen,
    );
    expect(await marked()).toEqual(['worker.2', 'worker.3']);
  });

  test('go with their jobs when protection is off', async () => {
    await fiveWorkers();
    expect(await once({ PROTECT_JOBS: 'off' })).toMatchObject({ outcome: 'scaled', blocked: [] });
    expect(workers()).toBe(1);
  });
});

describe('workers without names', () => {
  const nameless = () => fiveWorkers(() => '');

  test('are removed, and it is said once that nobody knows what they run', async () => {
    const port = await freePort();
    await nameless();
    const running = daemon({ PORT: String(port) });
    await running.until(tickWith('scaled'));
    expect(workers()).toBe(1);
    const warning = await running.until(({ unknown }) => unknown !== undefined);
    expect(warning['level']).toBe('warn');
    expect(warning['msg']).toContain('joinPool');
    await expect.poll(() => metric(port, 'autoscaler_unnamed_jobs')).toBe(1);
  });

  test('stay when protection is strict', async () => {
    await nameless();
    const { outcome, blocked } = await once({ PROTECT_JOBS: 'strict' });
    expect(outcome).toBe('draining');
    expect(blocked.map(({ verdict }) => verdict)).toEqual(Array(4).fill('unknown'));
    expect(workers()).toBe(5);
  });
});

describe('companions', () => {
  /** Plays the companions of five dynos: they drain when they are asked to, as soon as they run nothing. */
  function playCompanions(busy: Set<string>) {
    const obeyed = new Map<string, boolean>();
    const beat = async (dyno: string) => {
      const isBusy = busy.has(dyno);
      const state = obeyed.get(dyno) ? (isBusy ? 'draining' : 'drained') : 'working';
      const heartbeat = JSON.stringify({ dyno, state, activeJobs: isBusy ? 1 : 0, concurrency: 1 });
      const keys = [workersKey('worker'), marksKey('worker'), companionsKey('worker')];
      const words = [`process of ${dyno}`, heartbeat, dyno, heartbeatGoneMs, 3_600_000];
      const reply = await client.eval(heartbeatScript, keys.length, ...keys, ...words);
      const [nowMs = 0, untilMs = 0] = (reply as string[]).map(Number);
      obeyed.set(dyno, untilMs > nowMs);
    };
    const beatAll = () =>
      Promise.all([1, 2, 3, 4, 5].map((ordinal) => beat(`worker.${String(ordinal)}`)));
    const timer = setInterval(() => void beatAll().catch(() => undefined), 200);
    return {
      beatAll,
      obeying: () => [...obeyed].flatMap(([dyno, isAsked]) => (isAsked ? [dyno] : [])),
      stop: () => {
        clearInterval(timer);
      },
    };
  }

  test('that run nothing are drained and removed in one tick', async () => {
    const pool = playCompanions(new Set());
    await pool.beatAll();
    expect(await once()).toMatchObject({ outcome: 'scaled', blocked: [] });
    expect(workers()).toBe(1);
    pool.stop();
  });

  test('are asked to drain, and removed when they say that they have', async () => {
    const busy = new Set(['worker.4']);
    const pool = playCompanions(busy);
    await pool.beatAll();
    const running = daemon();
    const line = await running.until(tickWith('draining'));
    expect(line).toMatchObject({ blocked: [{ dyno: 'worker.4', verdict: 'busy' }] });
    expect(workers()).toBe(4);
    expect(pool.obeying()).not.toContain('worker.1');

    busy.clear();
    await running.until(tickWith('scaled'));
    expect(workers()).toBe(1);
    pool.stop();
  });

  test('are counted on by a daemon that starts anew for how many jobs they handed back', async () => {
    const pool = playCompanions(new Set(['worker.5']));
    await pool.beatAll();
    for (const handedBack of [1, 2]) {
      await client.eval(handedBackScript, 1, companionsKey('worker'));
      const port = await freePort();
      const running = daemon({ PORT: String(port) });
      await running.until(tickWith('draining'));
      await expect.poll(() => metric(port, 'autoscaler_jobs_handed_back_total')).toBe(handedBack);
      running.kill('SIGTERM');
      await running.finished;
    }
    pool.stop();
  });

  test('go on when they are needed again', async () => {
    const pool = playCompanions(new Set(['worker.5']));
    await pool.beatAll();
    const running = daemon();
    await running.until(tickWith('draining'));
    const queue = application.queue('emails');
    await queue.addBulk(Array.from({ length: 70 }, () => ({ name: 'send', data: {} })));
    await running.until(tickWith('scaled'));
    expect(workers()).toBe(7);
    await expect.poll(() => pool.obeying()).toEqual([]);
    pool.stop();
  });
});
