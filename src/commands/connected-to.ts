import type { PoolConfig } from '../config/load.ts';
import type { BullmqWorker } from '../queues/bullmq/connected-workers.ts';

/** Whether a worker takes jobs from a queue of the pool. */
export function isOf(pool: PoolConfig, { prefix, queue }: BullmqWorker): boolean {
  if (prefix !== pool.QUEUE_PREFIX) return false;
  return pool.QUEUES.includes('*') || pool.QUEUES.includes(queue);
}

/** Finds the companions of dynos (`joinPool`) in the reply of CLIENT LIST; the names of their dynos, whatever the pool. */
export function companionsIn(clientList: string): readonly string[] {
  const found = clientList.matchAll(/(?:^| )name=backlog-autoscaler:worker:(\S+)/gm);
  return [...new Set([...found].map(([, dyno = '']) => dyno))];
}
