import type { Budget } from '../types.ts';
import { counted } from '../words.ts';

/** How the connections of a Redis are used. */
export type ConnectionUse = {
  /** Most that the server allows. */
  readonly allowed: number;
  /** Those of everything but the pool’s workers. */
  readonly others: number;
  readonly perWorker: number;
};

/** As many workers as find a connection each within a share of what Redis allows. */
export function connectionBudget(
  sharePercent: number,
  use: ConnectionUse | { readonly whyUnknown: string },
): Budget {
  const limit = 'connection-budget';
  if ('whyUnknown' in use)
    return { limit, workers: null, why: `${use.whyUnknown}: CONNECTION_BUDGET limits nothing` };
  const { allowed, others, perWorker } = use;
  const budget = Math.floor((allowed * sharePercent) / 100);
  const workers = Math.max(0, Math.floor((budget - others) / perWorker));
  const each = Number(perWorker.toFixed(1));
  const why =
    `Redis allows ${counted(allowed, 'connection')}, ${String(sharePercent)}% of which may be used (CONNECTION_BUDGET): ` +
    `beside ${String(others)} of others, ${String(each)} for each worker are enough for ${counted(workers, 'worker')}`;
  return { limit, workers, why };
}
