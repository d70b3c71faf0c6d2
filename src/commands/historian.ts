import type { Logger } from 'pino';
import { OperationalError } from '../errors.ts';
import type { Fullness } from '../state/history-store.ts';
import type { TickReport } from '../telemetry/report.ts';
import type { AssembledPool } from './assemble.ts';
import { tellingMs } from './telling.ts';

/** Keeps what became of a tick for `explain`, `history` and the status page. */
export type Historian = (
  pool: Pick<AssembledPool, 'name' | 'config' | 'intervalMs' | 'lease' | 'history'>,
  report: TickReport,
) => Promise<void>;

/**
 * Keeps the ticks of the daemon that acts for a pool. Never throws for trouble with Redis, which is no part of a tick
 * that is over, and says once for each pool what keeps it from writing.
 */
export function createHistorian(log: Logger): Historian {
  const troubles = new Map<string, string>();
  return async function keep({ name: pool, config, intervalMs, lease, history }, report) {
    if (lease.heldForMs() === null) return;
    const daemon = { isDryRun: config.DRY_RUN, intervalMs };
    try {
      const fullness = await history.add(
        report,
        daemon,
        AbortSignal.timeout(tellingMs(intervalMs)),
      );
      if (fullness === null) troubles.delete(pool);
      else tell(pool, 'full', fullSentence(fullness), 'Free some, or choose a larger plan.');
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      tell(pool, 'failed', error.message, error.hint);
    }
  };

  function tell(pool: string, kind: string, why: string, hint: string): void {
    const level = troubles.get(pool) === kind ? 'debug' : 'warn';
    log[level]({ pool, hint }, `this tick is not in the history of ${pool}: ${why}`);
    troubles.set(pool, kind);
  }
}

function fullSentence({ usedBytes, maxBytes }: Fullness): string {
  const mb = (bytes: number) => `${(bytes / 1_000_000).toFixed(0)} MB`;
  return `Redis uses ${mb(usedBytes)} of ${mb(maxBytes)}, and the rest is left to the queues`;
}
