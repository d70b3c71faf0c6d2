import type { TickReport } from '../../telemetry/report.ts';

/** The number of workers was another from then on. */
export type Change = {
  readonly atMs: number;
  readonly from: number;
  readonly to: number;
  /** The tick that did it; null when it was somebody or something else. */
  readonly cause: TickReport | null;
  /** The first tick that saw the new number; null when none has yet. */
  readonly seenBy: TickReport | null;
};

/** How the number of workers went, from ticks in order, among which at least all are that changed something. */
export function changesOf(reports: readonly TickReport[]): readonly Change[] {
  const changes: Change[] = [];
  let last: TickReport | null = null;
  for (const seenBy of reports) {
    const { currentWorkers: to } = seenBy;
    if (to === null) continue;
    const from = last?.currentWorkers ?? null;
    if (last !== null && from !== null && from !== to) {
      const cause = mayHaveCaused(last, to - from) ? last : null;
      const atMs = Date.parse(cause?.outcome === 'scaled' ? cause.at : seenBy.at);
      changes.push({ atMs, from, to, cause, seenBy });
    }
    last = seenBy;
  }
  return last === null ? changes : [...changes, ...justNow(last)];
}

/** While it drains, a pool loses one worker after the other. */
function mayHaveCaused({ action, outcome }: TickReport, difference: number): boolean {
  if (outcome !== 'scaled' && outcome !== 'draining') return false;
  return action === (difference > 0 ? 'scale-up' : 'scale-down');
}

function justNow(last: TickReport): readonly Change[] {
  const { at, outcome, currentWorkers: from, desiredWorkers: to } = last;
  if (outcome !== 'scaled' || from === null || to === null || from === to) return [];
  return [{ atMs: Date.parse(at), from, to, cause: last, seenBy: null }];
}
