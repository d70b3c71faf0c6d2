import { expect, test } from 'vitest';
import { createBudgetsSources } from '../../src/commands/budgets.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createClients } from '../../src/queues/bullmq/clients.ts';
import { createWorkerShares } from '../../src/state/worker-shares.ts';
import { noAccount, startMs } from '../support/builders.ts';
import { useStateStage } from '../support/state-stage.ts';

const stage = useStateStage();

const soon = () => AbortSignal.timeout(10_000);
const pools = ['app:worker:a', 'app:worker:b', 'app:worker:c'];

/** Asks for some of ten workers. */
function claim(identity: string, limitWorkers: number, currentWorkers = 0) {
  const others = pools.filter((other) => other !== identity);
  const request = { identity, others, totalWorkers: 10, limitWorkers, currentWorkers };
  return createWorkerShares(stage.connection).claim(
    { ...request, minWorkers: 1, wantedWorkers: 10 },
    soon(),
  );
}

test('a pool is granted what the others leave, and what it has is not taken away for them', async () => {
  expect(await claim('app:worker:a', 8)).toBe(8);
  expect(await claim('app:worker:b', 5)).toBe(2);
  expect(await claim('app:worker:c', 5, 3)).toBe(3);
});

test('what a pool still runs counts as its own until it is gone', async () => {
  await claim('app:worker:a', 5, 8);
  expect(await claim('app:worker:b', 5)).toBe(2);
  await claim('app:worker:a', 5, 5);
  expect(await claim('app:worker:b', 5)).toBe(5);
});

test('pools that ask at once are never granted more than there are', async () => {
  const granted = await Promise.all(pools.map((pool) => claim(pool, 10)));
  expect(granted.reduce((sum, each) => sum + each, 0)).toBe(10);
});

test('what pools said is read back, null of one that said nothing or nonsense, and expires', async () => {
  const shares = createWorkerShares(stage.connection);
  await claim('app:worker:a', 4);
  const key = 'backlog-autoscaler:{worker-budget}';
  await stage.client.hset(key, 'app:worker:b', 'nonsense');
  expect(await shares.read(pools, soon())).toEqual([
    { minWorkers: 1, wantedWorkers: 10, claimedWorkers: 4 },
    null,
    null,
  ]);
  expect(await claim('app:worker:c', 10)).toBe(6);
  expect(await stage.client.pttl(key)).toBeGreaterThan(0);
});

test('pools divide what they share by the minimums in force, which they tell each other', async () => {
  const file = 'pools: [{ name: a, processType: a }, { name: b, processType: b, weight: 9 }]';
  const config = loadConfig(
    {
      ...{ REDIS_URL: stage.server.url, QUEUES: 'mail', DRY_RUN: 'true' },
      ...{ WORKER_BUDGET: '10', POOLS_FILE: 'pools.yml' },
    },
    () => file,
  );
  const ask = async (at: number, minWorkers: number) => {
    const budgetsFor = createBudgetsSources(config, ({ POOL }) => POOL);
    const clients = createClients(
      stage.connection,
      () => startMs,
      () => undefined,
    );
    const pool = config.pools[at] ?? expect.unreachable();
    const budgets = budgetsFor({
      ...{ pool, clients, stateRedis: stage.connection, costs: noAccount, target: null },
    });
    const seen = { wantedWorkers: 10, currentWorkers: 0, observedAtMs: startMs, minWorkers };
    const [budget] = (await budgets?.(seen, soon())) ?? [];
    return budget?.workers;
  };
  expect(await ask(0, 6)).toBe(6);
  expect(await ask(1, 1)).toBe(4);
  expect(await ask(0, 1)).toBe(1);
  expect(await ask(1, 1)).toBe(9);
});
