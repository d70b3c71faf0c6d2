import type { QueueReading } from '../types.ts';
import type { KindOfJob, ServiceTimes } from './service-times.ts';

/** Fewer jobs that ran longer than this one say nothing of how much longer it will run. */
const comparableJobsMin = 8;
/** A slot that is free this much later than others is not counted on. */
const blockedBeyondSeconds = 5;

/**
 * For how long a job that has run this long is likely to run on: the mean excess over its age of the recent jobs that
 * ran longer; where too few did, as long again as it has run (Lindy's law) once it is well beyond the mean.
 */
export function residualSeconds(
  ageSeconds: number,
  { recentSeconds, meanSeconds }: KindOfJob,
): number {
  let longer = 0;
  let excess = 0;
  for (const seconds of recentSeconds) {
    if (seconds <= ageSeconds) continue;
    longer += 1;
    excess += seconds - ageSeconds;
  }
  if (longer >= comparableJobsMin) return excess / longer;
  return ageSeconds > 3 * meanSeconds + 5 ? Math.max(meanSeconds, ageSeconds) : meanSeconds;
}

/** The probability that a job of this age runs for so many seconds more. */
export function chanceToOutlast(ageSeconds: number, moreSeconds: number, kind: KindOfJob): number {
  let longer = 0;
  let outlasting = 0;
  for (const seconds of kind.recentSeconds) {
    if (seconds <= ageSeconds) continue;
    longer += 1;
    if (seconds > ageSeconds + moreSeconds) outlasting += 1;
  }
  if (longer >= comparableJobsMin) return outlasting / longer;
  return Math.exp(-moreSeconds / residualSeconds(ageSeconds, kind));
}

/** The busy slots that will not be free as soon as others: for how long each is blocked, in seconds. */
export function blockedSlots(
  { running, activeJobs }: QueueReading,
  times: ServiceTimes,
  nowMs: number,
): { readonly seconds: readonly number[]; readonly slotsOfEach: number } {
  const seconds: number[] = [];
  for (const { startedAtMs, jobName } of running) {
    if (startedAtMs === null) continue;
    const age = Math.max(0, nowMs - startedAtMs) / 1000;
    const kind = times.of(jobName);
    const freeWithin = times.meanSeconds + blockedBeyondSeconds;
    // Most queues have short jobs only, of which there may be many.
    if (kind.longestSeconds - age <= freeWithin && Math.max(age, kind.meanSeconds) <= freeWithin)
      continue;
    const residual = residualSeconds(age, kind);
    if (residual > freeWithin) seconds.push(residual);
  }
  // A very long list of running jobs is cut.
  return { seconds, slotsOfEach: Math.max(1, activeJobs / Math.max(1, running.length)) };
}
