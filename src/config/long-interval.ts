import { shortest } from './kinds.ts';

/**
 * Longest interval as a share of the target wait. In the simulator, looks every third of a target of 2, 3 or 5 minutes
 * keep it in everyday traffic; with looks every half of 2 minutes, batches that come right after one wait too long.
 */
const shareMax = 1 / 3;

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
/** Intervals that people choose, each a possible one, the shortest first. */
export const usualIntervalsMs = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * secondMs),
  ...[1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * minuteMs),
];

/** What is wrong with an interval, and a shorter one that is not. */
export type LongInterval = { readonly message: string; readonly advised: string };

/** Whether looks are too rare to see a batch in time for the target wait; null when they are not, or nobody set one. */
export function longInterval(pool: {
  readonly TARGET_WAIT: number | null;
  readonly POLL_INTERVAL: number;
}): LongInterval | null {
  const { TARGET_WAIT: targetMs, POLL_INTERVAL: intervalMs } = pool;
  if (targetMs === null) return null;
  const longestMs = Math.max(secondMs, targetMs * shareMax);
  if (intervalMs <= longestMs) return null;
  const advisedMs = usualIntervalsMs.findLast((usualMs) => usualMs <= longestMs) ?? secondMs;
  return {
    message: `POLL_INTERVAL=${shortest(intervalMs)} is long for TARGET_WAIT=${shortest(targetMs)}: a batch that comes right after a look may be seen too late`,
    advised: shortest(advisedMs),
  };
}
