import type { Logger } from 'pino';
import { OperationalError } from '../errors.ts';
import type { AssembledPool } from './assemble.ts';
import { tellingMs } from './telling.ts';

/**
 * Writes down what a pool has cost, if this daemon acts for it. Never throws for trouble with Redis, which is no part of
 * a tick that is over: the next tick writes it again.
 */
export function createCostKeeper(
  log: Logger,
): (pool: Pick<AssembledPool, 'name' | 'intervalMs' | 'lease' | 'costs'>) => Promise<void> {
  const troubled = new Set<string>();
  return async ({ name: pool, intervalMs, lease, costs }) => {
    if (lease.heldForMs() === null) return;
    try {
      await costs.save(AbortSignal.timeout(tellingMs(intervalMs)));
      troubled.delete(pool);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      const level = troubled.has(pool) ? 'debug' : 'warn';
      log[level](
        { pool, hint: error.hint },
        `the costs of ${pool} are not written: ${error.message}`,
      );
      troubled.add(pool);
    }
  };
}
