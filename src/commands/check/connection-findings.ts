import type { PoolConfig } from '../../config/load.ts';
import {
  connectionsPerWorkerObject,
  type BullmqWorker,
} from '../../queues/bullmq/connected-workers.ts';
import type { Census, UnknownUse } from '../../queues/bullmq/connections.ts';
import { isOf } from '../connected-to.ts';
import { ok, warning, type Remark } from './finding.ts';
import { howToLimit, type HowToSet } from './how-to-set.ts';

const wholeNumber = new Intl.NumberFormat('en');

/**
 * Whether Redis allows as many connections as the pools need with MAX_WORKERS each. What a worker needs is taken from the
 * one that has most `Worker` objects now, or else from the number of queues: it may open more for other things.
 */
export function judgeConnections(parts: {
  readonly pools: readonly PoolConfig[];
  readonly census: Census | UnknownUse;
  readonly workers: readonly BullmqWorker[] | null;
  readonly howToSet: HowToSet;
}): readonly Remark[] {
  const { pools, census, workers } = parts;
  if ('whyUnknown' in census) return [];
  const { connections, maxConnections } = census;
  const needs = pools.map((pool) => {
    const own = (workers ?? []).filter((worker) => isOf(pool, worker));
    return { pool, own, perWorker: perWorker(pool, own) };
  });
  const seen = new Set(needs.flatMap(({ own }) => own)).size * connectionsPerWorkerObject;
  const others = Math.max(0, connections - seen);
  const needed = needs.reduce((sum, need) => sum + need.pool.MAX_WORKERS * need.perWorker, others);

  const products = needs.map((need) => `${need.pool.MAX_WORKERS} × ${need.perWorker}`).join(' + ');
  const figures = `about ${wholeNumber.format(needed)} connections are needed (${products} for workers, ${others} for others)`;
  const limit = wholeNumber.format(maxConnections);
  if (needed <= maxConnections) return [ok(`At MAX_WORKERS ${figures}, and Redis allows ${limit}`)];

  const [only, ...rest] = needs;
  const room = only === undefined ? 0 : Math.floor((maxConnections - others) / only.perWorker);
  const lower =
    only !== undefined && rest.length === 0 && room > 0
      ? howToLimit(only.pool, room, parts.howToSet)
      : 'lower MAX_WORKERS of these pools';
  return [
    warning(
      `At MAX_WORKERS ${figures}, but Redis allows ${limit}: some could not connect`,
      `Take a plan with more connections (heroku addons:upgrade), or ${lower}`,
    ),
  ];
}

function perWorker(pool: PoolConfig, workers: readonly BullmqWorker[]): number {
  const objects = new Map<string, number>();
  for (const { name } of workers)
    if (name !== null) objects.set(name, (objects.get(name) ?? 0) + 1);
  const most = objects.size > 0 ? Math.max(...objects.values()) : pool.QUEUES.length;
  return most * connectionsPerWorkerObject;
}
