import { Redis } from 'ioredis';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDaemon, runCommand, type RunningDaemon } from '../support/daemon.ts';
import { poolOn } from '../support/pool.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { guidedRulesOf } from '../support/security-guide.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

let redis: RedisServer;
let admin: Redis;
let queue: Queue;
let heroku: ScriptedHeroku;
let daemon: RunningDaemon | undefined;
let worker: WorkerProcess | undefined;

beforeEach(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  for (const user of ['autoscaler', 'companion'] as const)
    await admin.call('ACL', 'SETUSER', user, 'reset', 'on', '>secret', ...guidedRulesOf(user));
  queue = new Queue('emails', { connection: { url: redis.url } });
  heroku = await startScriptedHeroku({ worker: { quantity: 2, size: 'Standard-1X' } });
});

afterEach(async () => {
  daemon?.kill('SIGKILL');
  await daemon?.finished;
  await worker?.stop();
  await queue.close();
  admin.disconnect();
  await heroku.stop();
  await redis.stop();
});

const urlFor = (user: string) => redis.url.replace('://', `://${user}:secret@`);
const environment = () => ({
  REDIS_URL: urlFor('autoscaler'),
  QUEUES: '*',
  HEROKU_APP_NAME: 'demo',
  HEROKU_API_KEY: heroku.token,
  HEROKU_API_URL: heroku.url,
  EVENTS_PER_WORKER: '10',
  POLL_INTERVAL: '1s',
  SCALE_DOWN_STABILIZATION: '0s',
  ...{ CONNECTION_BUDGET: '90%', WORKER_BUDGET: '50', COST_BUDGET: '9999' },
});

/** What the server refused to anyone since it was started. */
async function refusals(): Promise<readonly string[]> {
  const entries = (await admin.call('ACL', 'LOG')) as unknown[][];
  return entries.map((entry) => entry.map(String).join(' '));
}

test('with the permissions of the guide the daemon scales, drains, remembers and publishes, and nothing is refused', async () => {
  worker = startWorkerProcess(redis.url, 'worker.2', {
    library: 'bullmq',
    workers: [{ queue: 'emails', concurrency: 1 }],
    redisUrl: urlFor('companion'),
  });
  await queue.add('long', { workMs: null });
  await worker.until('started');
  await poolOn(admin).until('worker.2', 'working');

  daemon = startDaemon(environment());
  // The busy tail is asked to drain, and goes when it is done.
  await daemon.until(({ outcome }) => outcome === 'draining');
  process.kill(worker.pid, 'SIGUSR2');
  await poolOn(admin).until('worker.2', 'drained');
  await daemon.until(({ outcome, desiredWorkers }) => outcome === 'scaled' && desiredWorkers === 1);
  await queue.addBulk(
    Array.from({ length: 45 }, () => ({ name: 'short', data: { workMs: 60_000 } })),
  );
  await daemon.until(
    ({ outcome, desiredWorkers }) => outcome === 'scaled' && Number(desiredWorkers) > 3,
  );
  expect(daemon.log.filter(({ code }) => code !== undefined)).toEqual([]);
  expect(await admin.keys('backlog-autoscaler:*memory*')).toHaveLength(1);
  expect(await admin.keys('backlog-autoscaler:{snapshots}:*')).toHaveLength(1);
  expect(await admin.keys('backlog-autoscaler:{history}:*')).toHaveLength(4);

  for (const words of [['pause'], ['set', 'minWorkers=0'], ['unset', 'minWorkers'], ['resume']])
    expect(await runCommand(words, environment())).toMatchObject({ exitCode: 0 });
  const { stdout } = await runCommand(['check', '--json'], environment());
  const { findings } = JSON.parse(stdout) as {
    findings: { level: string; subject: string; message: string }[];
  };
  expect(findings.filter(({ message }) => /may not|NOPERM/.test(message))).toEqual([]);
  const explained = await runCommand(['explain'], environment());
  expect(explained.stdout).toMatch(/^worker: \d+ workers? since /);
  worker.terminate();
  await worker.exited;
  expect(await refusals()).toEqual([]);
}, 60_000);

test.each([
  ['autoscaler', ['SET', 'bull:emails:meta', 'x']],
  ['autoscaler', ['DEL', 'bull:emails:id']],
  ['autoscaler', ['LPUSH', 'bull:emails:wait', '1']],
  ['autoscaler', ['EVAL', "return redis.call('DEL', 'bull:emails:wait')", '0']],
  ['autoscaler', ['GET', 'sessions:1']],
  ['autoscaler', ['FLUSHALL']],
  ['autoscaler', ['KEYS', '*']],
  ['autoscaler', ['CONFIG', 'GET', 'requirepass']],
  ['autoscaler', ['PUBLISH', 'news', 'x']],
  ['companion', ['GET', 'sessions:1']],
  ['companion', ['HGETALL', 'bull:emails:1']],
  ['companion', ['LPUSH', 'bull:emails:wait', '1']],
  ['companion', ['FLUSHALL']],
  ['companion', ['KEYS', '*']],
] as const)('the %s may not %j', async (user, [command, ...words]) => {
  const client = new Redis(urlFor(user), { enableReadyCheck: false });
  client.on('error', () => undefined);
  await expect(client.call(command, ...words)).rejects.toThrow(
    /NOPERM|permission|user executing the script can't/i,
  );
  client.disconnect();
});
