import type { Fate } from './dyno-fates.ts';
import type { HalfRecord } from './half.ts';
import type { LedgerEntry, Run } from './ledger.ts';

/** What became of the jobs of one half. */
export type HalfSummary = {
  readonly jobsAdded: number;
  readonly jobsCompleted: number;
  /** Neither completed nor failed in the end. */
  readonly jobsLost: number;
  readonly jobsCompletedTwice: number;
  /** Given up by BullMQ, because their worker was gone once too often. */
  readonly jobsFailed: number;
  /** Runs that ended because a scale-down removed their dyno, whether killed or handed back. */
  readonly interruptedByScaleDown: number;
  /** Runs that a restarted worker gave back to their queue. */
  readonly handedBackByDeploy: number;
  /** All that were handed back, as the companions themselves counted them. */
  readonly handedBackCounted: number;
  /** Runs that were killed at a restart. */
  readonly killedByDeploy: number;
  /** Runs that ended before their job and that neither a scale-down nor a deploy explains. */
  readonly interruptedOtherwise: number;
  /** The longest time from a hand-back to the next start; null without one. */
  readonly longestHandBackMs: number | null;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  readonly dynosRemoved: number;
  readonly dynosRestarted: number;
  readonly deploys: number;
  readonly daemonKills: number;
  readonly daemonKillsWhileDraining: number;
  /** How often the daemon ended by itself, as it does for bugs alone. */
  readonly daemonBugs: number;
};

type InterruptedRun = Run & { readonly end: 'handed-back' | 'stalled' };

export function summarize(half: HalfRecord): HalfSummary {
  const { ledger, fates, jobsAdded } = half;
  const completions = ledger.map(({ runs }) => count(runs, ({ end }) => end === 'completed'));
  const jobsCompleted = count(completions, (times) => times > 0);
  const jobsFailed = count(ledger, ({ runs }) => runs.at(-1)?.end === 'failed');
  const interrupted = ledger.flatMap(({ runs }) => runs.filter(isInterrupted));
  const because = (fate: Fate | null) =>
    interrupted.filter(({ pid }) => (pid === null ? null : fates.of(pid)) === fate);
  const byDeploy = because('deploy');
  const handedBackByDeploy = count(byDeploy, ({ end }) => end === 'handed-back');
  return {
    jobsAdded,
    jobsCompleted,
    jobsFailed,
    jobsLost: jobsAdded - jobsCompleted - jobsFailed,
    jobsCompletedTwice: count(completions, (times) => times > 1),
    interruptedByScaleDown: because('scale-down').length,
    handedBackByDeploy,
    handedBackCounted: half.handedBackJobs,
    killedByDeploy: byDeploy.length - handedBackByDeploy,
    interruptedOtherwise: because(null).length,
    longestHandBackMs: longestHandBackMs(ledger),
    scaleUps: fates.scaleUps(),
    scaleDowns: fates.scaleDowns(),
    dynosRemoved: fates.ended('scale-down'),
    dynosRestarted: fates.ended('deploy'),
    deploys: half.deploys,
    daemonKills: half.kills.length,
    daemonKillsWhileDraining: count(half.kills, (outcome) => outcome === 'draining'),
    daemonBugs: count(half.log, (line) => line.startsWith('app[clock.1]: {"level":"fatal"')),
  };
}

function isInterrupted(run: Run): run is InterruptedRun {
  return run.end === 'handed-back' || run.end === 'stalled';
}

function longestHandBackMs(ledger: readonly LedgerEntry[]): number | null {
  const delays = ledger.flatMap(({ runs }) =>
    runs.flatMap(({ end, endedAtMs }, index) => {
      const next = runs[index + 1];
      return end === 'handed-back' && endedAtMs !== null && next !== undefined
        ? [next.startedAtMs - endedAtMs]
        : [];
    }),
  );
  return delays.length === 0 ? null : Math.max(...delays);
}

function count<T>(items: readonly T[], matches: (item: T) => boolean): number {
  return items.filter(matches).length;
}

/** What must not happen while jobs are protected. */
const forbidden = [
  ...(['jobsLost', 'jobsCompletedTwice', 'jobsFailed'] as const),
  ...(['interruptedByScaleDown', 'killedByDeploy', 'interruptedOtherwise', 'daemonBugs'] as const),
] as const;

/** What happened although it must not, and how often. */
export function violations(half: HalfSummary): Readonly<Record<string, number>> {
  const happened = forbidden.filter((what) => half[what] > 0);
  return Object.fromEntries(happened.map((what) => [what, half[what]]));
}
