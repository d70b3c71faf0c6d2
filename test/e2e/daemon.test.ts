import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { runCommand, startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

type Once = { pools: Record<string, unknown>[]; error?: Record<string, unknown> };

let redis: RedisServer;
let heroku: ScriptedHeroku;
let queue: Queue;
const daemons: RunningDaemon[] = [];

beforeEach(async () => {
  redis = await startRedis();
  heroku = await startScriptedHeroku();
  queue = new Queue('emails', { connection: { url: redis.url } });
  queue.on('error', () => undefined);
});

afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    daemon.kill('SIGKILL');
    await daemon.finished;
  }
  await queue.close().catch(() => undefined);
  await heroku.stop();
  await redis.stop();
});

function environment(changes: Record<string, string> = {}): Record<string, string> {
  return {
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: heroku.token,
    HEROKU_API_URL: heroku.url,
    EVENTS_PER_WORKER: '10',
    POLL_INTERVAL: '1s',
    SCALE_DOWN_STABILIZATION: '0s',
    ...changes,
  };
}

function daemon(changes: Record<string, string> = {}): RunningDaemon {
  const started = startDaemon(environment(changes));
  daemons.push(started);
  return started;
}

async function addJobs(count: number): Promise<void> {
  await queue.addBulk(Array.from({ length: count }, () => ({ name: 'send', data: {} })));
}

const patches = () =>
  heroku.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ body }) => JSON.parse(body) as unknown);

async function once(changes: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = await runCommand(['once', '--json'], environment(changes));
  return { exitCode, stderr, report: JSON.parse(stdout) as Once };
}

describe('once', () => {
  test('scales to what the backlog needs and says why, in one JSON document', async () => {
    await addJobs(45);
    const { exitCode, report } = await once();
    expect(exitCode).toBe(0);
    expect(report.pools).toHaveLength(1);
    expect(report.pools[0]).toMatchObject({
      pool: 'worker',
      currentWorkers: 2,
      recommendedWorkers: 5,
      desiredWorkers: 5,
      action: 'scale-up',
      limitedBy: 'none',
      steps: [{ step: 'recommend', workers: 5, why: '45 ready jobs ÷ 10 jobs per worker → 5' }],
      outcome: 'scaled',
    });
    expect(report.pools[0]).not.toHaveProperty('error');
    expect(patches()).toEqual([{ updates: [{ type: 'worker', quantity: 5 }] }]);
    expect(heroku.formation['worker']?.quantity).toBe(5);
  });

  test('remembers the recommendation of the run before', async () => {
    const stabilized = { SCALE_DOWN_STABILIZATION: '5m' };
    await addJobs(45);
    await once(stabilized);
    await queue.drain();
    const { report } = await once(stabilized);
    expect(report.pools[0]).toMatchObject({
      currentWorkers: 5,
      desiredWorkers: 5,
      limitedBy: 'stabilization',
      outcome: 'held',
    });
  });

  test('changes nothing in a dry run', async () => {
    await addJobs(45);
    const { exitCode, report } = await once({ DRY_RUN: 'true' });
    expect(exitCode).toBe(0);
    expect(report.pools[0]).toMatchObject({ outcome: 'dry-run', desiredWorkers: 5 });
    expect(patches()).toEqual([]);
  });

  test('needs no Heroku at all in a dry run', async () => {
    await addJobs(45);
    const { report } = await once({ DRY_RUN: 'true', HEROKU_APP_NAME: '', HEROKU_API_KEY: '' });
    expect(report.pools[0]).toMatchObject({
      outcome: 'dry-run',
      currentWorkers: null,
      desiredWorkers: 5,
    });
    expect(heroku.requests).toEqual([]);
  });

  test('clamps to the limit that Heroku names, in the same run', async () => {
    heroku.limitPerType = 3;
    await addJobs(45);
    const { exitCode, report } = await once();
    expect(exitCode).toBe(0);
    expect(report.pools[0]).toMatchObject({
      desiredWorkers: 3,
      limitedBy: 'platform-limit',
      outcome: 'scaled',
    });
    expect(heroku.formation['worker']?.quantity).toBe(3);
  });

  test('fails, and scales nothing, while one of its queues cannot be read', async () => {
    const client = new Redis(redis.url);
    await client.set('bull:broken:wait', 'not a list');
    client.disconnect();
    heroku.formation['worker'] = { quantity: 7, size: 'Standard-1X' };
    const { exitCode, report } = await once({ QUEUES: 'emails,broken' });
    expect(exitCode).toBe(1);
    expect(report.pools[0]).toMatchObject({
      error: { code: 'QUEUE_UNREADABLE' },
      limitedBy: 'blind',
    });
    expect(JSON.stringify(report)).toContain('broken');
    expect(patches()).toEqual([]);
  });

  test('fails when Redis is down, and still tells the workers', async () => {
    await redis.stop();
    const { exitCode, report } = await once();
    expect(exitCode).toBe(1);
    expect(report.pools[0]).toMatchObject({
      currentWorkers: 2,
      recommendedWorkers: null,
      desiredWorkers: null,
      action: 'hold',
      outcome: 'failed',
      steps: [{ step: 'recommend', workers: null }],
      error: { code: 'QUEUE_UNREADABLE' },
    });
    expect(patches()).toEqual([]);
  });

  test('fails when the token is refused, and shows it nowhere', async () => {
    await addJobs(45);
    const { exitCode, report, stderr } = await once({
      HEROKU_API_KEY: 'HRKU-wrong-token-987654321',
    });
    expect(exitCode).toBe(1);
    expect(report.pools[0]).toMatchObject({
      error: { code: 'TARGET_REJECTED' },
      recommendedWorkers: 5,
      currentWorkers: null,
    });
    expect(JSON.stringify(report) + stderr).not.toContain('wrong-token');
  });

  test('reads well without --json', async () => {
    await addJobs(45);
    const { stdout } = await runCommand(['once'], environment());
    expect(stdout).toContain('worker: 2 → 5 workers (scaled)');
    expect(stdout).toContain('45 ready jobs ÷ 10 jobs per worker → 5');
  });
});

describe('the daemon', () => {
  test('follows the backlog up and down, and ends with 0 when asked to', async () => {
    const running = daemon();
    await running.until(({ outcome }) => outcome === 'scaled');
    expect(heroku.formation['worker']?.quantity).toBe(1);
    await addJobs(70);
    await running.until(({ desiredWorkers }) => desiredWorkers === 7);
    await queue.drain();
    await running.until(
      ({ desiredWorkers, currentWorkers }) => currentWorkers === 7 && desiredWorkers === 1,
    );
    running.kill('SIGTERM');
    expect((await running.finished).exitCode).toBe(0);
    expect(
      patches().map((patch) => (patch as { updates: { quantity: number }[] }).updates[0]?.quantity),
    ).toEqual([1, 7, 1]);
  });

  test('serves metrics, health and status, which `web` repeats from what was published', async () => {
    const port = await freePort();
    const token = { METRICS_TOKEN: 'a-token-of-the-test' };
    const running = daemon({ PORT: String(port), ...token });
    await running.until(({ outcome }) => outcome !== undefined);
    const webPort = await freePort();
    const web = startDaemon({ REDIS_URL: redis.url, PORT: String(webPort), ...token }, ['web']);
    daemons.push(web);
    await expect
      .poll(() => get(webPort, '/healthz', ''), { timeout: 10_000 })
      .toMatchObject({ status: 200 });

    for (const place of [port, webPort]) {
      expect((await get(place, '/metrics', '')).status).toBe(401);
      expect((await get(place, '/metrics', token.METRICS_TOKEN)).text).toMatch(
        /^autoscaler_workers_desired\{pool="worker"\} 1$/m,
      );
      const status = JSON.parse(
        (await get(place, '/status.json', token.METRICS_TOKEN)).text,
      ) as Once;
      expect(status.pools[0]).toMatchObject({ pool: 'worker', desiredWorkers: 1 });
      expect((await get(place, '/', token.METRICS_TOKEN)).text).toContain('<html');
    }

    // While Redis is away, people see what was known, and that it is not the latest.
    const redisPort = Number(new URL(redis.url).port);
    await redis.stop();
    const page = async (place: number) => (await get(place, '/', token.METRICS_TOKEN)).text;
    const patience = { timeout: 20_000 };
    await expect.poll(() => page(port), patience).toContain('decisions cannot be read: Redis');
    await expect.poll(() => page(webPort), patience).toContain('This is what was known at');
    redis = await startRedis({ port: redisPort });
  }, 60_000);

  test('outlives an outage of Redis without touching the workers, and goes on after it', async () => {
    const port = Number(new URL(redis.url).port);
    heroku.formation['worker'] = { quantity: 6, size: 'Standard-1X' };
    const running = daemon({ MIN_WORKERS: '6' });
    await running.until(({ outcome }) => outcome === 'held');
    await redis.stop();
    await running.until(({ code }) => code === 'QUEUE_UNREADABLE');
    redis = await startRedis({ port });
    const lines = running.log.length;
    await running.until((line) => line['outcome'] === 'held' && running.log.indexOf(line) > lines);
    expect(patches()).toEqual([]);
    expect(running.log.every(({ level }) => level !== 'fatal')).toBe(true);
  });

  test('ends each tick although Redis hangs, and asks nothing of Heroku', async () => {
    const running = daemon({ MIN_WORKERS: '2' });
    await running.until(({ outcome }) => outcome === 'held');
    process.kill(redis.pid, 'SIGSTOP');
    await running.until(({ code }) => code === 'QUEUE_UNREADABLE');
    process.kill(redis.pid, 'SIGCONT');
    const lines = running.log.length;
    await running.until((line) => line['outcome'] === 'held' && running.log.indexOf(line) > lines);
    expect(patches()).toEqual([]);
  });

  test.each(['redis', 'heroku'] as const)(
    'ends with 0 when asked to while %s is away',
    async (which) => {
      const running = daemon();
      await running.until(({ outcome }) => outcome !== undefined);
      await (which === 'redis' ? redis.stop() : heroku.stop());
      await running.until(({ outcome }) => outcome === 'failed');
      running.kill('SIGTERM');
      expect((await running.finished).exitCode).toBe(0);
    },
  );

  test('looks after several pools, each in its own time', async () => {
    heroku.formation['mailer'] = { quantity: 1, size: 'Standard-1X' };
    await addJobs(30);
    const folder = await mkdtemp(join(tmpdir(), 'autoscaler-pools-'));
    const file = join(folder, 'pools.yml');
    await writeFile(
      file,
      'pools:\n  - { name: mail, processType: mailer, queues: [emails] }\n  - { name: rest, queues: [other] }\n',
    );
    const running = daemon({ POOLS_FILE: file });
    await running.until(({ pool, desiredWorkers }) => pool === 'mail' && desiredWorkers === 3);
    await running.until(({ pool, desiredWorkers }) => pool === 'rest' && desiredWorkers === 1);
    await rm(folder, { recursive: true });
    expect(heroku.formation).toMatchObject({ mailer: { quantity: 3 }, worker: { quantity: 1 } });
  });
});

describe('wrong use', () => {
  test('lists every problem of the configuration at once and exits with 78', async () => {
    const { exitCode, stderr, stdout } = await runCommand(['run'], {
      MIN_WORKERS: 'few',
      POLL_INTERVAL: '10',
    });
    expect(exitCode).toBe(78);
    expect(stdout).toBe('');
    for (const variable of [
      'REDIS_URL',
      'QUEUES',
      'HEROKU_APP_NAME',
      'HEROKU_API_KEY',
      'MIN_WORKERS="few"',
      '10s or 10m?',
    ]) {
      expect(stderr).toContain(variable);
    }
  });

  test.each([
    [['dance'], 64],
    [['once', '--loud'], 64],
    [['once', 'again'], 64],
    [['--help'], 0],
    [['once', '--help'], 0],
    [['--version'], 0],
  ])('%j exits with %i', async (words, exitCode) => {
    expect((await runCommand(words, {})).exitCode).toBe(exitCode);
  });
});

async function get(
  port: number,
  path: string,
  token: string,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}
