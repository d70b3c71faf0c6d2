import { expect, test } from 'vitest';
import type { RedisConnection } from '../../src/redis.ts';
import { createCostStore, readAccounts } from '../../src/state/cost-store.ts';
import { createHistoryStore } from '../../src/state/history-store.ts';
import { createOverrideStore } from '../../src/state/override-store.ts';
import { createSnapshotStore } from '../../src/state/snapshot-store.ts';
import { createWorkerShares } from '../../src/state/worker-shares.ts';
import { soon } from '../support/lease.ts';
import { useStateStage } from '../support/state-stage.ts';

const stage = useStateStage();

const costs = 'backlog-autoscaler:costs:{snapshots}';
const account = { countedUntilMs: 1, days: [], forgottenDays: [] };
const range = { sinceMs: 0, untilMs: 1, entriesMax: 1 };
const claim = {
  ...{ identity: 'a', others: [], totalWorkers: 1, limitWorkers: 1, currentWorkers: 0 },
  ...{ minWorkers: 0, wantedWorkers: 1 },
};

/** What is asked of a store, and the key whose value it then finds to be of another kind. */
const questions: [string, string, (redis: RedisConnection) => Promise<unknown>][] = [
  ['an account', `${costs}:a`, (redis) => createCostStore(redis, 'a').load(soon())],
  ['saving an account', `${costs}:a`, (redis) => createCostStore(redis, 'a').save(account, soon())],
  ['the list of accounts', costs, (redis) => createCostStore(redis, 'a').save(account, soon())],
  ['all accounts', costs, (redis) => readAccounts(redis, soon())],
  [
    'the history of a pool',
    'backlog-autoscaler:{history}:ticks:a',
    (redis) => createHistoryStore(redis).read('a', range, soon()),
  ],
  [
    'the pools of the history',
    'backlog-autoscaler:{history}',
    (redis) => createHistoryStore(redis).pools(soon()),
  ],
  [
    'what is set',
    'backlog-autoscaler:overrides:{a}',
    (redis) => createOverrideStore(redis).read('a', soon()),
  ],
  [
    'setting something',
    'backlog-autoscaler:overrides:{a}',
    (redis) => createOverrideStore(redis).pause('a', { by: 'anna', forMs: 1 }, soon()),
  ],
  [
    'unsetting something',
    'backlog-autoscaler:overrides:{a}',
    (redis) => createOverrideStore(redis).resume('a', soon()),
  ],
  [
    'the list of snapshots',
    'backlog-autoscaler:{snapshots}',
    (redis) => createSnapshotStore(redis).readAll(soon()),
  ],
  [
    'what pools claim',
    'backlog-autoscaler:{worker-budget}',
    (redis) => createWorkerShares(redis).read(['a'], soon()),
  ],
  [
    'claiming workers',
    'backlog-autoscaler:{worker-budget}',
    (redis) => createWorkerShares(redis).claim(claim, soon()),
  ],
];

test.each(questions)('%s is STATE_UNAVAILABLE when Redis refuses', async (_, key, ask) => {
  await expect(ask(stage.connection)).resolves.not.toBeInstanceOf(Error);
  await stage.client.flushall();
  await stage.client.set(key, 'a text, which is no value of this kind');
  await expect(ask(stage.connection)).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
});
