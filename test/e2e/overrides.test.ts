import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { runCommand, startDaemon, type Finished, type RunningDaemon } from '../support/daemon.ts';
import { apiKey, neverBoots, startTestHeroku } from '../support/heroku-emulator.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let redis: RedisServer;
let queue: Queue;
let daemon: RunningDaemon | undefined;

beforeAll(async () => {
  redis = await startRedis();
  queue = new Queue('emails', { connection: { url: redis.url } });
  await queue.addBulk(Array.from({ length: 50 }, () => ({ name: 'send', data: {} })));
});
afterAll(async () => {
  daemon?.kill('SIGKILL');
  await daemon?.finished;
  await queue.close();
  await redis.stop();
});

/** Somebody types a command on a machine that knows the Redis and nothing else. */
const type = (...words: string[]): Promise<Finished> =>
  runCommand(words, { REDIS_URL: redis.url, USER: 'anna' });

async function typed(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await type(...words);
  expect(exitCode, `${stdout}${stderr}`).toBe(0);
  return stdout;
}

test('a minimum above WORKER_BUDGET is set, and whoever set it is told what that means', async () => {
  const app = { REDIS_URL: redis.url, QUEUES: 'emails', DRY_RUN: 'true', WORKER_BUDGET: '6' };
  const set = (count: string) =>
    runCommand(['set', `minWorkers=${count}`, '--pool', 'few', '--by', 'anna', '--for', '2h'], {
      ...{ ...app, POOL: 'few' },
    });
  expect(await set('6')).toMatchObject({ exitCode: 0, stderr: '' });
  const { exitCode, stdout, stderr } = await set('7');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('few: minWorkers=7, set by anna');
  expect(stderr).toMatch(
    /^set: done, but:\n {2}Now the minimums add up to 7 workers, more than WORKER_BUDGET=6: they count, and the budget is exceeded\nheroku config:set WORKER_BUDGET=7, or lower few minWorkers=7 \(set by anna until .* UTC\)\n$/,
  );
});

test('a person takes the wheel and gives it back, and no restart undoes it', async () => {
  const heroku = await startTestHeroku({
    formation: { worker: { quantity: 2 } },
    bootSeconds: neverBoots,
  });
  const port = String(await freePort());
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const workers = () => heroku.quantities()['worker'];
  const untilWorkers = (count: number) => expect.poll(workers, { timeout: 20_000 }).toBe(count);
  // A daemon that wants five workers.
  const start = () =>
    (daemon = startDaemon({
      ...{ REDIS_URL: redis.url, QUEUES: 'emails', HEROKU_APP_NAME: 'demo', PORT: port },
      ...{ HEROKU_API_KEY: apiKey, HEROKU_API_URL: heroku.url, EVENTS_PER_WORKER: '10' },
      ...{ POLL_INTERVAL: '1s', SCALE_DOWN_STABILIZATION: '0s' },
      SCHEDULE: 'daily 00:00-24:00 UTC maxWorkers=8',
    }));

  // Before the daemon has said a word.
  expect(await typed('pause', '--for', '2h', '--by', 'anna')).toContain(
    'No daemon has published a pool "worker" in this Redis yet',
  );
  for (let starts = 1; starts <= 2; starts += 1) {
    const running = start();
    const line = await running.until(({ outcome }) => outcome === 'held');
    expect(line).toMatchObject({ recommendedWorkers: 5, limitedBy: 'pause', pausedBy: 'anna' });
    expect(line['msg']).toMatch(/paused by anna until \d\d:\d\d UTC/);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect(await get('/metrics')).toContain('autoscaler_paused{pool="worker"} 1');
    expect(await get('/')).toContain('paused by anna');
    running.kill('SIGTERM');
    await running.finished;
    expect(workers()).toBe(2);
  }

  const running = start();
  expect(await typed('resume')).toMatch(/^worker: resumed; it was paused by anna/);
  await untilWorkers(5);

  const set = ['set', 'minWorkers=7', 'maxWorkers=20', '--for', '2h', '--by', 'anna', '--json'];
  expect(JSON.parse(await typed(...set))).toMatchObject({
    pools: [{ pool: 'worker', pause: null, minWorkers: 7, maxWorkers: 20 }],
  });
  await running.until(
    ({ outcome, desiredWorkers }) => outcome === 'scaled' && desiredWorkers === 7,
  );
  expect(workers()).toBe(7);
  expect(JSON.parse(await get('/status.json'))).toMatchObject({
    pools: [
      {
        window: { text: 'daily 00:00-24:00 UTC' },
        ...{ minWorkers: 7, maxWorkers: 20, configured: { minWorkers: 1, maxWorkers: 8 } },
        overrides: [
          { setting: 'minWorkers', value: 7, by: 'anna' },
          { setting: 'maxWorkers', value: 20, by: 'anna' },
        ],
      },
    ],
  });
  const metrics = await get('/metrics');
  expect(metrics).toContain('autoscaler_override{pool="worker",setting="minWorkers"} 1');
  expect(metrics).toContain('autoscaler_workers_min{pool="worker"} 7');

  // The bounds that are configured are known from what the daemon published.
  expect(await typed('unset', 'minWorkers', 'maxWorkers', '--pool', 'worker')).toMatch(
    /^worker: .* minWorkers, maxWorkers \(1 to 8 workers\)\n/,
  );
  await untilWorkers(5);
  expect(await type('set', 'minWorkers=9')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('minWorkers=9 is above the configured maxWorkers=8') as string,
  });
  expect(await type('overrides', '--pool', 'wroker')).toMatchObject({
    exitCode: 64,
    stderr: expect.stringMatching(
      /^overrides: nothing is listed:\n.*did you mean --pool worker\?/,
    ) as string,
  });
  // Where nothing changes, nothing is promised.
  expect(await typed('unset', 'maxWorkers')).toBe(
    'worker: maxWorkers was not set (1 to 8 workers)\n',
  );
  expect(await typed('overrides')).toBe('worker: nothing is set (1 to 8 workers)\n');
}, 90_000);

describe('what is asked wrongly', () => {
  test('is refused with every reason at once, and changes nothing', async () => {
    const words = ['set', 'minWorker=3', 'MAX_WORKERS=4', 'targetWait=5', '--for', '3', '--json'];
    const { exitCode, stdout, stderr } = await type(...words);
    expect(exitCode).toBe(64);
    for (const reason of [
      'did you mean minWorkers?',
      'did you mean maxWorkers?',
      'targetWait=5 has no unit: 5s or 5m?',
      '--for=3 has no unit: 3s or 3m?',
    ])
      expect(stderr).toContain(reason);
    expect(JSON.parse(stdout)).toMatchObject({ pools: [], error: { code: 'CONFIG_INVALID' } });
  });

  test('says which variable is missing when nobody can tell where the state is', async () => {
    expect(await runCommand(['pause'], {})).toMatchObject({
      exitCode: 78,
      stderr: expect.stringContaining('REDIS_URL') as string,
    });
  });
});
