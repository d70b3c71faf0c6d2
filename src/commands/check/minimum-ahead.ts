import type { PoolConfig } from '../../config/load.ts';
import { policyOf } from '../../config/policy.ts';
import type { Overrides } from '../../decision/overrides.ts';
import { policyInForce } from '../../decision/policy-in-force.ts';
import { boundariesAfter } from '../../decision/schedule.ts';

/** A pool as it is configured, and what operators changed about it. */
export type ChangedPool = { readonly pool: PoolConfig; readonly overrides: Overrides };

/** The fewest workers that a pool must have at a moment, and who said so where it is not `MIN_WORKERS`. */
export function minimumAt(
  { pool, overrides }: ChangedPool,
  atMs: number,
): { readonly minWorkers: number; readonly origin: string | null } {
  // A start counted early would only move the moment.
  const moment = { nowMs: atMs, startSeconds: 0 };
  const { minWorkers, origins } = policyInForce(policyOf(pool, true), overrides, moment);
  return { minWorkers, origin: origins.minWorkers ?? null };
}

/** Now, and in order the moments within so many days at which the minimum may become another. */
export function momentsAhead(
  changed: readonly ChangedPool[],
  nowMs: number,
  days: number,
): readonly { readonly atMs: number; readonly timeZone: string }[] {
  const endMs = nowMs + days * 24 * 3_600_000;
  const scheduled = changed.flatMap(({ pool }) =>
    boundariesAfter(pool.SCHEDULE ?? [], nowMs, days),
  );
  const ends = changed.flatMap(({ overrides }) =>
    overrides.settings.map(({ untilMs }) => ({ atMs: untilMs, timeZone: 'UTC' })),
  );
  const later = [...scheduled, ...ends].filter(({ atMs }) => nowMs < atMs && atMs < endMs);
  return [{ atMs: nowMs, timeZone: 'UTC' }, ...later].toSorted(
    (one, other) => one.atMs - other.atMs,
  );
}
