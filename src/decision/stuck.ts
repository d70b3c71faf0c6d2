import type { LearnedMemory, Observation, QueueReading } from './types.ts';

/** Honest jobs may be long: only what lasts this long, and far longer than any job did lately, counts as stuck. */
const patienceSeconds = 600;
const patienceInServiceTimes = 6;
/** Fewer jobs than this tell nothing for certain of how long they take. */
const knownAfterJobs = 10;

/** A queue in which jobs run and none ends, and for how long that has been so. */
export type StuckQueue = { readonly reading: QueueReading; readonly seconds: number };

/**
 * Queues of which no job has ended for ten minutes and for several times what its jobs take, while every worker is up and
 * has one. Where it is not known how long jobs take, nothing is known to be stuck.
 */
export function stuckQueues(
  { queues, currentWorkers, workers: { readyWorkers }, observedAtMs }: Observation,
  { queues: known, services }: LearnedMemory,
): readonly StuckQueue[] {
  if (currentWorkers === null || (readyWorkers !== null && readyWorkers < currentWorkers))
    return [];
  return queues.flatMap((reading) => {
    const { queue, activeJobs } = reading;
    const movedAtMs = known.find((each) => each.queue === queue)?.movedAtMs;
    const service = services.find((each) => each.queue === queue && each.jobName === null);
    if (movedAtMs === undefined || service === undefined || service.seen < knownAfterJobs)
      return [];
    if (activeJobs === 0 || activeJobs < currentWorkers) return [];
    const usualSeconds = Math.max(
      service.busySeconds / Math.max(1, service.completions),
      ...service.recentSeconds,
    );
    const seconds = (observedAtMs - movedAtMs) / 1000;
    const isStuck = seconds >= Math.max(patienceSeconds, patienceInServiceTimes * usualSeconds);
    return isStuck ? [{ reading, seconds }] : [];
  });
}
