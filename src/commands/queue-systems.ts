import type { PoolConfig } from '../config/load.ts';
import { createDrainBoard } from '../drain/board.ts';
import { createWorkersSource, type WorkersSource } from '../drain/workers.ts';
import { createBullmqQueues } from '../queues/bullmq/bullmq-queues.ts';
import { createConnectedWorkers } from '../queues/bullmq/connected-workers.ts';
import type { QueueSource } from '../queues/queue-source.ts';
import type { RedisConnection } from '../redis.ts';
import { isOf } from './connected-to.ts';

/** One line for each queue system: to support another, write `queues/<system>/` and add it here. */
export const queueSystems: Readonly<Record<PoolConfig['QUEUE_SYSTEM'], QueueSystem>> = {
  bullmq: { createQueues: createBullmqQueues, createConnectedWorkers },
};
type QueueSystem = {
  readonly createQueues: (parts: Parameters<typeof createBullmqQueues>[0]) => QueueSource;
  /** Who is connected to a server; pools on it share the answer. */
  readonly createConnectedWorkers: typeof createConnectedWorkers;
};

/** Builds what looks at the workers of each pool. Pools on one server share the list of who is connected. */
export function createWorkersSources(
  nowMs: () => number,
): (pool: PoolConfig, redis: RedisConnection) => WorkersSource {
  const connected = new Map<RedisConnection, ReturnType<typeof createConnectedWorkers>>();
  return (pool, redis) => {
    const system = queueSystems[pool.QUEUE_SYSTEM];
    const connectedHere = connected.get(redis) ?? system.createConnectedWorkers(redis, nowMs);
    connected.set(redis, connectedHere);
    return createWorkersSource({
      board: createDrainBoard(redis, pool.POOL),
      async connected(signal) {
        const workers = await connectedHere(signal);
        return workers?.filter((worker) => isOf(pool, worker)) ?? null;
      },
      isProtecting: pool.PROTECT_JOBS !== 'off',
    });
  };
}
