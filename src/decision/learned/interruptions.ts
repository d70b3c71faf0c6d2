import type { QueueReading } from '../types.ts';
import type { Pool } from './pool.ts';
import { chanceToOutlast } from './residual.ts';
import type { ServiceTimes } from './service-times.ts';

/** A worker that is told to end has 30 s; its last second is not counted on. */
const graceSeconds = 29;
/** Removals may be expected to interrupt so many jobs. */
const expectedMax = 0.1;

/** How many of a queue's running jobs would not end within the grace if their workers were told to end now. */
export function jobsAtRisk(reading: QueueReading, times: ServiceTimes, nowMs: number): number {
  const { running, activeJobs } = reading;
  let expected = 0;
  let known = 0;
  for (const { startedAtMs, jobName } of running) {
    if (startedAtMs === null) continue;
    const age = Math.max(0, nowMs - startedAtMs) / 1000;
    known += 1;
    expected += chanceToOutlast(age, graceSeconds, times.of(jobName));
  }
  // Of jobs that are only counted, lifetimes are taken to be exponential.
  const others = Math.max(0, activeJobs - known);
  return expected + others * Math.exp(-graceSeconds / times.meanSeconds);
}

/** The fewest workers that may stay: jobs are spread evenly, so each worker removed puts its share of them at risk. */
export function fewestToKeep(
  { workers, readyWorkers }: Pick<Pool, 'workers' | 'readyWorkers'>,
  atRisk: number,
): number {
  const booting = workers - readyWorkers;
  if (readyWorkers === 0) return 0;
  const removable = Math.floor((expectedMax * readyWorkers) / atRisk);
  // The workers that boot are the last ones, and run nothing.
  return Math.max(0, workers - booting - removable);
}
