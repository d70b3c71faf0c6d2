import type { QueueReading } from '../types.ts';
import type { Flow } from './history.ts';
import type { QueueMemory } from './memory.ts';
import type { ServiceTimes } from './service-times.ts';

const patienceSeconds = 60;
const patienceInServiceTimes = 6;

/** When a job was last seen to end, or none to run. Where nobody counts, jobs are taken to end. */
export function movedAt(
  before: QueueMemory | undefined,
  { activeJobs, addedJobs, unfinishedJobs }: QueueReading,
  { completions }: Flow,
  nowMs: number,
): number {
  const isCounted = addedJobs !== null && unfinishedJobs !== null;
  if (before === undefined || completions > 0 || activeJobs === 0 || !isCounted) return nowMs;
  return Math.min(before.movedAtMs, nowMs);
}

/**
 * Jobs run and none ends for much longer than one of them takes: what they depend on hangs, and more workers would hang
 * with them. Of a queue whose jobs are not known this cannot be told.
 */
export function isStuck(
  movedAtMs: number,
  { activeJobs }: QueueReading,
  times: ServiceTimes,
  nowMs: number,
): boolean {
  if (activeJobs === 0 || !times.isKnown) return false;
  const seconds = (nowMs - movedAtMs) / 1000;
  return seconds >= Math.max(patienceSeconds, patienceInServiceTimes * times.meanOfEndedSeconds);
}
