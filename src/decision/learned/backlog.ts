import type { QueueReading } from '../types.ts';
import type { Bin } from './memory.ts';
import type { ServiceTimes } from './service-times.ts';

/** Jobs of a backlog that became ready since this long; the work is in slot-seconds. */
export type Cohort = {
  readonly jobs: number;
  readonly workSeconds: number;
  /** Of the oldest of them: within the time between two looks nobody knows when they came, and a batch comes at once. */
  readonly ageSeconds: number;
};

export type Backlog = {
  readonly jobs: number;
  readonly workSeconds: number;
  /** Youngest first. */
  readonly cohorts: readonly Cohort[];
};

/**
 * What waits, by age and as work. Queues are served first in, first out, so those that wait are the last that arrived,
 * and the history of arrivals tells their ages. Work is the service time of the names found at evenly spaced places.
 */
export function backlogOf(
  reading: QueueReading,
  bins: readonly Bin[],
  times: ServiceTimes,
  nowMs: number,
): Backlog {
  const { readyJobs, readyJobNames, oldestWaitSeconds } = reading;
  const oldest = oldestWaitSeconds ?? Infinity;
  const workUpTo = workByPlace(readyJobs, readyJobNames, times);
  const cohorts: Cohort[] = [];
  let left = readyJobs;
  const add = (jobs: number, ageSeconds: number) => {
    const workSeconds = workUpTo(left) - workUpTo(left - jobs);
    cohorts.push({ jobs, workSeconds, ageSeconds: Math.min(ageSeconds, oldest) });
    left -= jobs;
  };
  for (let index = bins.length - 1; index >= 0 && left > 0; index -= 1) {
    const bin = bins[index];
    // What was found at first did not come at once, but nobody knows when.
    if (bin === undefined || bin.arrivals === 0 || bin.seconds === 0) continue;
    const age = Math.max(0, nowMs - bin.untilMs) / 1000;
    add(Math.min(left, bin.arrivals), age + bin.seconds);
  }
  // What arrived before the history began is as old as the oldest job, or of an age that nobody knows.
  const [first] = bins;
  const known = first === undefined ? 0 : Math.max(0, nowMs - first.untilMs) / 1000 + first.seconds;
  if (left > 0) add(left, Math.max(known, oldestWaitSeconds ?? 0));
  return { jobs: readyJobs, workSeconds: workUpTo(readyJobs), cohorts };
}

/** The work of the jobs before a place of the line, the next to run first. */
function workByPlace(
  jobs: number,
  names: readonly string[],
  times: ServiceTimes,
): (place: number) => number {
  if (names.length === 0) return (place) => place * times.meanSeconds;
  const jobsPerName = jobs / names.length;
  const before = [0];
  let sum = 0;
  for (const name of names) {
    sum += jobsPerName * times.of(name).meanSeconds;
    before.push(sum);
  }
  return (place) => {
    const position = jobsPerName === 0 ? 0 : place / jobsPerName;
    const index = Math.min(names.length - 1, Math.floor(position));
    const from = before[index] ?? 0;
    const to = before[index + 1] ?? from;
    return from + (to - from) * (position - index);
  };
}
