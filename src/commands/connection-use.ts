import type { PoolConfig } from '../config/load.ts';
import type { ConnectionUse } from '../decision/budgets/connection-budget.ts';
import {
  connectionsFor,
  connectionsOfWorkers,
  type Census,
  type UnknownUse,
} from '../queues/bullmq/connections.ts';
import { isOf } from './connected-to.ts';

/** What a pool and all others take of the connections of a server, or why that cannot be told. */
export function connectionUseOf(
  pool: PoolConfig,
  census: Census | UnknownUse,
  currentWorkers: number | null,
): ConnectionUse | UnknownUse {
  if ('whyUnknown' in census) return census;
  const { maxConnections: allowed } = census;
  const seen = census.clients && connectionsOfWorkers(census.clients, (each) => isOf(pool, each));
  if (seen !== null && seen.workers > 0) {
    const others = Math.max(0, census.connections - seen.connections);
    return { allowed, others, perWorker: seen.connections / seen.workers };
  }
  const perWorker = connectionsFor(pool.QUEUES);
  if (perWorker === null)
    return { whyUnknown: 'how many connections a worker needs is not known before one is seen' };
  // Where nobody is seen because nobody may look, those that run are taken to be connected.
  const connected = seen === null ? (currentWorkers ?? 0) * perWorker : 0;
  return { allowed, others: Math.max(0, census.connections - connected), perWorker };
}
