import type { Observation, Policy, QueueReading } from './types.ts';

/** Jobs that wait are looked at this often within the time they may wait, but not more often than every so many seconds. */
const looksPerTargetWait = 12;
const lookSecondsMin = 5;

/**
 * In how many seconds to look again, if that is before the next look is due anyway; null when it is not. What came since
 * the last look may have been a batch, or the beginning of a stream, and service times may be about to show; with an
 * interval of half the target wait, the next look would be too late to order the workers for it. And when the schedule
 * changes something, that should not wait for the interval.
 */
export function lookAgainAfterSeconds(
  { queues, observedAtMs }: Pick<Observation, 'queues' | 'observedAtMs'>,
  { leading, targetWaitSeconds, intervalSeconds, nextChangeAtMs }: Policy,
): number | null {
  const isWaited = leading === 'learned' && queues.some(hasWork);
  const seconds = Math.min(
    isWaited ? Math.max(lookSecondsMin, targetWaitSeconds / looksPerTargetWait) : Infinity,
    // Rounded up, because a look right before the moment would see nothing yet.
    nextChangeAtMs === null ? Infinity : Math.ceil((nextChangeAtMs - observedAtMs) / 1000),
  );
  return seconds < intervalSeconds ? seconds : null;
}

/** Jobs that wait, or will wait before long. */
function hasWork({ readyJobs, dueSoon }: QueueReading): boolean {
  return readyJobs > 0 || dueSoon.length > 0;
}
