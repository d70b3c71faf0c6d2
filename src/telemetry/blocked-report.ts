import type { Blocked } from '../drain/plan.ts';
import { iso } from './iso.ts';

export type BlockedReport = {
  readonly dyno: string;
  /** Why it is not removed: `busy`, `starting`, or `unknown` where nobody can tell. */
  readonly verdict: string;
  /** Since when it has been in the way, in ISO 8601; null where none is asked to drain. */
  readonly since: string | null;
  /** The jobs known to run there. */
  readonly jobs: readonly {
    readonly queue: string;
    readonly jobId: string;
    /** When the job began, in ISO 8601; null when that is not known. */
    readonly startedAt: string | null;
  }[];
};

export function blockedReport({ dyno, verdict, sinceMs, jobs }: Blocked): BlockedReport {
  return {
    dyno,
    verdict,
    since: iso(sinceMs),
    jobs: jobs.map(({ queue, jobId, startedAtMs }) => ({
      queue,
      jobId,
      startedAt: iso(startedAtMs),
    })),
  };
}
