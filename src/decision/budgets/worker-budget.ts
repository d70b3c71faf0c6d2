import type { Budget } from '../types.ts';
import { counted } from '../words.ts';

/** One of the pools that share a number of workers. */
export type Sharer = {
  readonly pool: string;
  readonly weight: number;
  readonly minWorkers: number;
  /** Workers it wanted last, before any budget; null when nothing is known of it, which counts as all. */
  readonly wantedWorkers: number | null;
};

/**
 * Divides workers among pools: each gets its minimum, and then one at a time goes to the pool that has the least for its
 * weight and wants more (weighted max-min fairness). What one does not want goes to those that do. Of two that are even,
 * the one listed first comes first, so that every daemon gets the same answer.
 */
export function fairShares(
  totalWorkers: number,
  sharers: readonly Sharer[],
): ReadonlyMap<string, number> {
  const shares = new Map(sharers.map(({ pool, minWorkers }) => [pool, minWorkers]));
  const shareOf = ({ pool }: Sharer) => shares.get(pool) ?? 0;
  let left = totalWorkers - sharers.reduce((sum, { minWorkers }) => sum + minWorkers, 0);
  while (left > 0) {
    const wanting = sharers.filter((each) => shareOf(each) < (each.wantedWorkers ?? Infinity));
    const [first, ...others] = wanting;
    if (first === undefined) break;
    const next = others.reduce(
      (least, each) => (shareOf(each) / each.weight < shareOf(least) / least.weight ? each : least),
      first,
    );
    shares.set(next.pool, shareOf(next) + 1);
    left -= 1;
  }
  return shares;
}

/** What a pool may have of the shared workers, and why. */
export function workerBudget({
  totalWorkers,
  leastWorkers,
  shareWorkers,
  grantedWorkers,
}: {
  readonly totalWorkers: number;
  /** The minimums of all pools. */
  readonly leastWorkers: number;
  /** Its fair share. */
  readonly shareWorkers: number;
  /** What it was granted beside what the others hold. */
  readonly grantedWorkers: number;
}): Budget {
  const total = `all pools together may have ${counted(totalWorkers, 'worker')} (WORKER_BUDGET)`;
  const limit = 'worker-budget';
  if (leastWorkers > totalWorkers) {
    const why = `${total}, but their minimums add up to ${String(leastWorkers)}: they count, and nobody has more`;
    return { limit, workers: grantedWorkers, why };
  }
  const why =
    grantedWorkers < shareWorkers
      ? `${total}: ${String(grantedWorkers)} until the others have let go of theirs, ${String(shareWorkers)} then`
      : `${total}: ${String(grantedWorkers)} are this pool’s share`;
  return { limit, workers: grantedWorkers, why };
}
