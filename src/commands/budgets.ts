import type { Config, PoolConfig } from '../config/load.ts';
import { dollarsOf } from '../cost/usage.ts';
import type { Ledger } from '../cost/ledger.ts';
import { connectionBudget } from '../decision/budgets/connection-budget.ts';
import { costBudget } from '../decision/budgets/cost-budget.ts';
import { fairShares, workerBudget } from '../decision/budgets/worker-budget.ts';
import type { Budget } from '../decision/types.ts';
import { OperationalError } from '../errors.ts';
import type { Budgets } from '../loop.ts';
import type { Clients } from '../queues/bullmq/clients.ts';
import type { RedisConnection } from '../redis.ts';
import { createWorkerShares, type WorkerShares } from '../state/worker-shares.ts';
import type { Target } from '../targets/target.ts';
import { connectionUseOf } from './connection-use.ts';

/** What all pools have in common. */
type Common = {
  /** All pools of the process, which share WORKER_BUDGET. */
  readonly sharers: readonly PoolConfig[];
  readonly totalWorkers: Config['process']['WORKER_BUDGET'];
  /** What tells the state of a pool from that of others. */
  readonly identityOf: (pool: PoolConfig) => string;
};

type PoolParts = {
  readonly pool: PoolConfig;
  readonly clients: Clients;
  readonly stateRedis: RedisConnection;
  readonly costs: Ledger;
  readonly target: Target | null;
};

type Parts = Common & Omit<PoolParts, 'stateRedis'> & { readonly shares: WorkerShares };

/** Builds what limits the workers of each pool. */
export function createBudgetsSources(
  { pools: sharers, process: { WORKER_BUDGET: totalWorkers } }: Config,
  identityOf: Common['identityOf'],
): (parts: PoolParts) => Budgets | null {
  const common = { sharers, totalWorkers, identityOf };
  return ({ stateRedis, ...own }) =>
    budgetsOf({ ...common, ...own, shares: createWorkerShares(stateRedis) });
}

/** What limits the workers of a pool beside its own bounds; null when nothing does. */
function budgetsOf(parts: Parts): Budgets | null {
  const { pool, totalWorkers } = parts;
  const { CONNECTION_BUDGET: sharePercent, COST_BUDGET: dollarsPerMonth } = pool;
  if (sharePercent === null && dollarsPerMonth === null && totalWorkers === null) return null;
  return async (seen, signal) => {
    const { currentWorkers, observedAtMs: nowMs } = seen;
    const budgets: Budget[] = [];
    if (sharePercent !== null) {
      const use = connectionUseOf(pool, await parts.clients.census(signal), currentWorkers);
      budgets.push(connectionBudget(sharePercent, use));
    }
    if (dollarsPerMonth !== null) {
      const month = parts.costs.month(nowMs);
      // Before the first dollar was counted, none was spent.
      const spentDollars = month && (dollarsOf(month, 'used') ?? 0);
      const workerDollarsPerHour = parts.target?.workerDollarsPerHour() ?? null;
      budgets.push(costBudget({ dollarsPerMonth, spentDollars, workerDollarsPerHour, nowMs }));
    }
    if (totalWorkers !== null && currentWorkers !== null) {
      // What it could not have anyway is left to the others.
      const most = Math.min(...budgets.map(({ workers }) => workers ?? Infinity));
      const wantedWorkers = Math.max(seen.minWorkers, Math.min(seen.wantedWorkers, most));
      const { minWorkers } = seen;
      const share = { totalWorkers, minWorkers, wantedWorkers, currentWorkers };
      budgets.push(await shareOf(parts, share, signal));
    }
    return budgets;
  };
}

type Share = {
  readonly totalWorkers: number;
  readonly minWorkers: number;
  readonly wantedWorkers: number;
  readonly currentWorkers: number;
};

async function shareOf(
  { pool, sharers, shares, identityOf }: Parts,
  { totalWorkers, currentWorkers, ...own }: Share,
  signal: AbortSignal,
): Promise<Budget> {
  const identity = identityOf(pool);
  const identities = sharers.map(identityOf);
  try {
    const said = await shares.read(identities, signal);
    const claims = sharers.map((each, at) => {
      const { minWorkers, wantedWorkers } = (each === pool ? own : said[at]) ?? {
        ...{ minWorkers: each.MIN_WORKERS, wantedWorkers: null },
      };
      return { pool: identities[at] ?? '', weight: each.POOL_WEIGHT, minWorkers, wantedWorkers };
    });
    const fairShare = fairShares(totalWorkers, claims).get(identity) ?? 0;
    // Of whom nothing is known may want less than its part: that is no reason to remove anybody yet.
    const isKnown = claims.every((each) => each.wantedWorkers !== null);
    const shareWorkers = isKnown ? fairShare : Math.max(fairShare, currentWorkers);
    const grantedWorkers = await shares.claim(
      {
        ...{ identity, totalWorkers, currentWorkers, ...own, limitWorkers: shareWorkers },
        others: identities.filter((other) => other !== identity),
      },
      signal,
    );
    const leastWorkers = claims.reduce((sum, { minWorkers }) => sum + minWorkers, 0);
    return workerBudget({ totalWorkers, leastWorkers, shareWorkers, grantedWorkers });
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    const why = 'what the other pools have cannot be read, so none is added (WORKER_BUDGET)';
    return { limit: 'worker-budget', workers: currentWorkers, why };
  }
}
