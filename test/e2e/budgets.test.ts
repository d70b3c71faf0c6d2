import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../support/daemon.ts';
import { apiKey, neverBoots, startTestHeroku } from '../support/heroku-emulator.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let redis: RedisServer;
let queue: Queue;

beforeAll(async () => {
  redis = await startRedis();
  queue = new Queue('emails', { connection: { url: redis.url } });
  await queue.addBulk(Array.from({ length: 2_000 }, () => ({ name: 'send', data: {} })));
});
afterAll(async () => {
  await queue.close();
  await redis.stop();
});

type Pool = {
  readonly desiredWorkers: number;
  readonly limitedBy: string;
  readonly budgets: readonly { readonly workers: number; readonly why: string }[];
};

/** One tick of a pool that wants twenty workers and has two. */
async function tickWith(budget: Record<string, string>) {
  const heroku = await startTestHeroku({
    formation: { worker: { quantity: 2 } },
    bootSeconds: neverBoots,
  });
  const environment = {
    ...{ REDIS_URL: redis.url, QUEUES: 'emails', HEROKU_APP_NAME: 'demo' },
    ...{ HEROKU_API_KEY: apiKey, HEROKU_API_URL: heroku.url, MAX_WORKERS: '30' },
    ...budget,
  };
  const { stdout } = await runCommand(['once', '--json'], environment);
  const { pools } = JSON.parse(stdout) as { pools: [Pool] };
  return { pool: pools[0], quantity: heroku.quantities()['worker'] };
}

test('all pools together have no more workers than WORKER_BUDGET', async () => {
  const { pool, quantity } = await tickWith({ POOL: 'a', WORKER_BUDGET: '7' });
  expect(pool).toMatchObject({ desiredWorkers: 7, limitedBy: 'worker-budget' });
  expect(pool.budgets[0]?.why).toMatch(/may have 7 workers \(WORKER_BUDGET\)/);
  expect(quantity).toBe(7);
});

test('the workers find their connections within CONNECTION_BUDGET', async () => {
  const client = new Redis(redis.url);
  await client.config('SET', 'maxclients', '60');
  client.disconnect();
  const { pool, quantity } = await tickWith({ POOL: 'b', CONNECTION_BUDGET: '50%' });
  const [budget] = pool.budgets;
  expect(budget?.why).toMatch(
    /^Redis allows 60 connections, 50% of which may be used \(CONNECTION_BUDGET\)/,
  );
  expect(pool).toMatchObject({ desiredWorkers: budget?.workers, limitedBy: 'connection-budget' });
  expect(quantity).toBe(budget?.workers);
  expect(quantity).toBeGreaterThan(2);
  expect(quantity).toBeLessThan(20);
});

test('what came in of the month’s COST_BUDGET pays for the workers of the next hours, but the minimum stays', async () => {
  const { pool, quantity } = await tickWith({ POOL: 'c', COST_BUDGET: '1', MIN_WORKERS: '2' });
  const [budget] = pool.budgets;
  expect(budget?.why).toMatch(/^\$0 of \$1 are spent this month \(COST_BUDGET\)/);
  // Early in the month it pays for none.
  expect(quantity).toBe(Math.max(2, budget?.workers ?? NaN));
  expect(pool.desiredWorkers).toBe(quantity);
  expect(quantity).toBeLessThan(20);
});
