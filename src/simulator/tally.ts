import { createHistogram } from './histogram.ts';

/** What came of a run. */
export type RunResult = {
  readonly policy: string;
  /** Seconds of dynos from the order until the exit, until the horizon and until all work is done. */
  readonly dynoSeconds: number;
  readonly jobs: number;
  /** Jobs that waited longer than the target from when they were due until the start of the attempt that succeeded. */
  readonly lateJobs: number;
  readonly lateShare: number;
  /** Null without jobs. A job that never succeeded counts with the longest time a run may take. */
  readonly p50WaitSeconds: number | null;
  readonly p95WaitSeconds: number | null;
  readonly p99WaitSeconds: number | null;
  /** Orders that changed the number of dynos. */
  readonly actions: number;
  /** Dynos started, besides those that run from the beginning. */
  readonly starts: number;
  /** Jobs that were interrupted because their dyno was killed. */
  readonly kills: number;
  /** Jobs that never succeeded: killed twice, or not done when the run was cut. */
  readonly lost: number;
  /** Jobs that a companion handed back, to be begun anew by another worker. */
  readonly handedBack: number;
  readonly peakWorkers: number;
};

/** What is counted as it happens. */
export type Counts = Pick<
  RunResult,
  'dynoSeconds' | 'jobs' | 'actions' | 'starts' | 'kills' | 'lost' | 'handedBack' | 'peakWorkers'
>;

/** A job is done that was due then, and whose last attempt began after this wait. */
export type OnDone = (dueAtSeconds: number, waitSeconds: number) => void;

/** The books of a run, in a size that does not depend on its length. */
export type Tally = {
  readonly counts: { -readonly [Name in keyof Counts]: Counts[Name] };
  readonly done: OnDone;
  readonly result: (policy: string) => RunResult;
};

/** Waits are told apart to half a percent. */
const precision = 0.005;

/** `neverSeconds` counts as the wait of a job that never succeeded; no wait of a run may be longer. */
export function createTally(targetWaitSeconds: number, neverSeconds: number): Tally {
  const waits = createHistogram(precision, neverSeconds);
  let lateJobs = 0;
  const counts = {
    dynoSeconds: 0,
    jobs: 0,
    actions: 0,
    starts: 0,
    kills: 0,
    lost: 0,
    handedBack: 0,
    peakWorkers: 0,
  };

  return {
    counts,
    done(_dueAtSeconds, waitSeconds) {
      waits.add(waitSeconds);
      // The times of a trace are decimal fractions, and their sums must not be late by a rounding error.
      if (waitSeconds > targetWaitSeconds + 1e-6) lateJobs += 1;
    },
    result(policy) {
      const late = lateJobs + counts.lost;
      const quantile = (share: number) => milliseconds(waits.quantile(share, counts.lost));
      return {
        policy,
        ...counts,
        dynoSeconds: milliseconds(counts.dynoSeconds) ?? 0,
        lateJobs: late,
        lateShare: counts.jobs === 0 ? 0 : late / counts.jobs,
        p50WaitSeconds: quantile(0.5),
        p95WaitSeconds: quantile(0.95),
        p99WaitSeconds: quantile(0.99),
      };
    },
  };
}

/** Sums of many short times are off by far less than a millisecond. */
function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 1000) / 1000;
}
