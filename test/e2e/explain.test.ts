import { execFileSync } from 'node:child_process';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TickReport } from '../../src/telemetry/report.ts';
import { runCommand, startDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

let redis: RedisServer;
let heroku: ScriptedHeroku;
let queue: Queue;
beforeEach(async () => {
  redis = await startRedis();
  heroku = await startScriptedHeroku({ worker: { quantity: 3, size: 'Standard-1X' } });
  queue = new Queue('mail', { connection: { url: redis.url } });
});
afterEach(async () => {
  await queue.close();
  await heroku.stop();
  await redis.stop();
});

test('what a daemon did is told by whoever can read its Redis, also when it is gone', async () => {
  const environment = {
    REDIS_URL: redis.url,
    QUEUES: 'mail',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: heroku.token,
    HEROKU_API_URL: heroku.url,
    POLL_INTERVAL: '1s',
    EVENTS_PER_WORKER: '10',
    MAX_WORKERS: '12',
  };
  await queue.addBulk(Array.from({ length: 125 }, () => ({ name: 'send', data: {} })));
  const daemon = startDaemon(environment);
  await daemon.until(({ outcome }) => outcome === 'scaled');
  await daemon.until(({ outcome }) => outcome === 'held');
  daemon.kill('SIGTERM');
  expect((await daemon.finished).exitCode).toBe(0);

  // Another daemon, and one that only looks, go on where that one ended.
  expect((await runCommand(['once'], environment)).exitCode).toBe(0);
  expect((await runCommand(['once'], { ...environment, DRY_RUN: 'true' })).exitCode).toBe(0);

  const reader = { REDIS_URL: redis.url, TZ: 'Asia/Tokyo' };
  const why = '125 ready jobs ÷ 10 jobs per worker → 13; at most 12 (MAX_WORKERS)';
  const { stdout, stderr, exitCode } = await runCommand(['explain'], reader);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).toMatch(/^worker: 12 workers since \d\d:\d\d:\d\d \(\d+[sm]\), because /);
  expect(stdout).toContain(`because ${why}\n`);
  expect(stdout).toMatch(/ {2}3 → 12 {2}/);
  expect(stdout).toContain('Times are in Asia/Tokyo.');

  const history = await runCommand(['history', '--json'], reader);
  const [pool] = (JSON.parse(history.stdout) as { pools: { ticks: TickReport[] }[] }).pools;
  const ticks = pool?.ticks ?? [];
  const scaled = ticks.find(({ outcome }) => outcome === 'scaled');
  const told = await runCommand(['explain', '--json', '--at', scaled?.at ?? ''], reader);
  expect(JSON.parse(told.stdout)).toEqual({ pools: [{ pool: 'worker', ticks: [scaled] }] });
  const csv = await runCommand(['history', '--csv'], reader);
  expect(csv.stdout.trim().split('\n')).toHaveLength(ticks.length + 1);

  // Who has read enough closes the pipe.
  const words = '(node dist/main.js history --json | true) 2>&1';
  const env = { PATH: process.env['PATH'], ...reader };
  expect(execFileSync('sh', ['-c', words], { env }).toString()).toBe('');
}, 60_000);

test('entries of a history that cannot be read cost the daemon nothing but that history', async () => {
  const admin = new Redis(redis.url);
  await admin.set('backlog-autoscaler:{history}:ticks:worker', 'in the way');
  admin.disconnect();
  const daemon = startDaemon({
    REDIS_URL: redis.url,
    QUEUES: 'mail',
    DRY_RUN: 'true',
    POLL_INTERVAL: '1s',
  });
  const isTrouble = ({ msg }: Readonly<Record<string, unknown>>) =>
    String(msg).startsWith('this tick is not in the history of worker: ');
  await daemon.until(isTrouble);
  await expect
    .poll(() => daemon.log.filter(({ outcome }) => outcome !== undefined).length, {
      timeout: 20_000,
    })
    .toBeGreaterThan(2);
  daemon.kill('SIGTERM');
  expect((await daemon.finished).exitCode).toBe(0);
  expect(daemon.log.filter(isTrouble)).toHaveLength(1);
}, 60_000);
