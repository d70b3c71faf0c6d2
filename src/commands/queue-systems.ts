import type { PoolConfig } from '../config/load.ts';
import { createDrainBoard } from '../drain/board.ts';
import { createWorkersSource, type WorkersSource } from '../drain/workers.ts';
import { createBullmqQueues } from '../queues/bullmq/bullmq-queues.ts';
import { createClients, type Clients, type Unlisted } from '../queues/bullmq/clients.ts';
import type { QueueSource } from '../queues/queue-source.ts';
import type { RedisConnection } from '../redis.ts';
import { isOf } from './connected-to.ts';

/** One line for each queue system: to support another, write `queues/<system>/` and add it here. */
export const queueSystems: Readonly<Record<PoolConfig['QUEUE_SYSTEM'], QueueSystem>> = {
  bullmq: { createQueues: createBullmqQueues, createClients },
};
type QueueSystem = {
  readonly createQueues: (parts: Parameters<typeof createBullmqQueues>[0]) => QueueSource;
  /** Who is connected to a server; pools on it share the answers. */
  readonly createClients: typeof createClients;
};

/** Builds what tells who is connected to the server of a pool. Pools on one server share it. */
export function createClientsSources(
  nowMs: () => number,
  onUnlisted: (unlisted: Unlisted) => void,
): (pool: PoolConfig, redis: RedisConnection) => Clients {
  const sources = new Map<RedisConnection, Clients>();
  return (pool, redis) => {
    const system = queueSystems[pool.QUEUE_SYSTEM];
    const clients = sources.get(redis) ?? system.createClients(redis, nowMs, onUnlisted);
    sources.set(redis, clients);
    return clients;
  };
}

/** What looks at the workers of a pool. */
export function workersOf(
  pool: PoolConfig,
  redis: RedisConnection,
  clients: Clients,
): WorkersSource {
  return createWorkersSource({
    board: createDrainBoard(redis, pool.POOL),
    async connected(signal) {
      const workers = await clients.workers(signal);
      return workers?.filter((worker) => isOf(pool, worker)) ?? null;
    },
    isProtecting: pool.PROTECT_JOBS !== 'off',
  });
}
