import type { CostReading } from './cost/ledger.ts';
import type { Overrides } from './decision/overrides.ts';
import type { Decision, Observation, Policy } from './decision/types.ts';
import type { Plan } from './drain/plan.ts';
import type { OperationalError } from './errors.ts';

/** What became of a tick; `not-leader` is one that stood by, because another daemon acts for the pool. */
export const outcomes = ['scaled', 'held', 'draining', 'dry-run', 'not-leader', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

/** All that is known about one tick: log, metrics, status and `--json` are readers of this one value. */
export type TickRecord = {
  readonly pool: string;
  readonly startedAtMs: number;
  readonly durationSeconds: number;
  /** What was seen of the queues; null when their server was out of reach. */
  readonly observation: Observation | null;
  /** Workers asked of the platform, also when nothing else could be seen; null when that is unknown. */
  readonly currentWorkers: number | null;
  /** What operators changed about the pool, as far as it is in force; null when that is not known. */
  readonly overrides: Overrides | null;
  /** The policy that was followed, with those changes; null when that is not known. */
  readonly policy: Policy | null;
  readonly decision: Decision | null;
  readonly outcome: Outcome;
  /** What became of the workers that should go; null when none should and the tail can be relied on. */
  readonly drain: DrainReport | null;
  /** Null while another daemon acts, or when the account cannot be read. */
  readonly cost: CostReading | null;
  /** A tick without an error is a good one. */
  readonly error: OperationalError | null;
};

export type DrainReport = Pick<
  Plan,
  'marked' | 'cancelled' | 'blocked' | 'unknown' | 'freedAfterSeconds'
> & {
  /** When the platform was last seen to remove other workers than those with the highest numbers; null when not lately. */
  readonly tailUnknownSinceMs: number | null;
};
