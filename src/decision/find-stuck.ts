import { isRecoverable } from './orphans.ts';
import { stallingQueues } from './stalls.ts';
import { stuckQueues } from './stuck-jobs.ts';
import type { LearnedMemory, Memory, Observation, QueueReading, StuckWork } from './types.ts';
import { counted, spoken } from './words.ts';

/** As many as a person looks at. */
const namedJobsMax = 3;
/** A job that waits longer than this is not just next in line, and a look this long is not just between two jobs. */
const waitSecondsMin = 600;
const watchedSecondsMin = 120;

/** Work that does not go on by itself, with `memory` as this observation leaves it. Of unreadable queues nothing is said. */
export function findStuck(observation: Observation, memory: Memory): readonly StuckWork[] {
  return [
    ...observation.queues.flatMap((reading) => orphaned(reading, observation, memory.orphans)),
    ...hanging(observation, memory.learned),
    ...observation.queues.flatMap((reading) => untouched(reading, observation, memory.learned)),
    ...stalling(observation, memory.stalls),
  ];
}

/** Jobs of dead workers that nobody has recovered for as long as a live worker is kept for it. */
function orphaned(
  { queue, orphanedJobIds }: QueueReading,
  { observedAtMs, currentWorkers }: Observation,
  orphans: Memory['orphans'],
): readonly StuckWork[] {
  if (orphanedJobIds.length === 0) return [];
  const idOf = new Map(orphanedJobIds.map((id) => [`${queue}:${id}`, id]));
  // Those that are remembered stand in the order in which they were first seen.
  const left = orphans.flatMap(({ job, seenAtMs }) => {
    const jobId = idOf.get(job);
    return jobId === undefined || isRecoverable(seenAtMs, observedAtMs)
      ? []
      : [{ jobId, seenAtMs }];
  });
  const [first] = left;
  if (first === undefined) return [];
  const ago = spoken((observedAtMs - first.seenAtMs) / 1000);
  const alone = currentWorkers === 0 ? ': no worker is there' : '';
  return [
    {
      queue,
      kind: 'orphaned',
      sinceMs: first.seenAtMs,
      jobIds: left.slice(0, namedJobsMax).map(({ jobId }) => jobId),
      why: `nobody has recovered ${counted(left.length, 'orphaned job')} of ${queue} for ${ago}${alone}`,
    },
  ];
}

/** Jobs run on every worker, and none ends. */
function hanging(observation: Observation, learned: LearnedMemory): readonly StuckWork[] {
  return stuckQueues(observation, learned).map(({ reading, seconds }) => {
    const { queue, running, activeJobs } = reading;
    const eldest = running.toSorted(
      (one, other) => (one.startedAtMs ?? Infinity) - (other.startedAtMs ?? Infinity),
    );
    return {
      queue,
      kind: 'no-progress',
      sinceMs: observation.observedAtMs - seconds * 1000,
      jobIds: eldest.slice(0, namedJobsMax).map(({ jobId }) => jobId),
      why: `no job of ${queue} has ended for ${spoken(seconds)} with ${counted(activeJobs, 'job')} running`,
    };
  });
}

/** Jobs wait, workers are up, and for as long as the queue's history reaches back none was seen to run or to end. */
function untouched(
  reading: QueueReading,
  { observedAtMs, currentWorkers }: Observation,
  { queues: known }: LearnedMemory,
): readonly StuckWork[] {
  const { queue, readyJobs, activeJobs, oldestWaitSeconds, addedJobs, unfinishedJobs } = reading;
  const isHeldBack = reading.rateLimitedForSeconds !== null || reading.concurrencyLimit === 0;
  const isCounted = addedJobs !== null && unfinishedJobs !== null;
  if (readyJobs === 0 || activeJobs > 0 || isHeldBack || !isCounted) return [];
  if (currentWorkers === null || (oldestWaitSeconds ?? 0) < waitSecondsMin) return [];
  const bins = known.find((each) => each.queue === queue)?.bins ?? [];
  const watchedSeconds = bins.reduce((sum, { seconds }) => sum + seconds, 0);
  const isStill = bins.every(
    ({ completions, peakActive, readyWorkers }) =>
      completions === 0 && peakActive === 0 && readyWorkers > 0,
  );
  if (watchedSeconds < watchedSecondsMin || !isStill) return [];
  const waitSeconds = oldestWaitSeconds ?? 0;
  return [
    {
      queue,
      kind: 'no-progress',
      sinceMs: observedAtMs - waitSeconds * 1000,
      jobIds: [],
      why: `no job of ${queue} starts: ${counted(readyJobs, 'ready job')}, the oldest for ${spoken(waitSeconds)}, with ${counted(currentWorkers, 'worker')} up`,
    },
  ];
}

/** Jobs that are put back again and again, because the workers that run them die or hang. */
function stalling(observation: Observation, stalls: Memory['stalls']): readonly StuckWork[] {
  return stallingQueues(observation, stalls).map(({ reading: { queue }, sinceMs, jobs }) => {
    const times = jobs[0]?.stalls ?? 0;
    const often = times === 2 ? 'twice' : `${times} times`;
    const ago = spoken((observation.observedAtMs - sinceMs) / 1000);
    const all = `${counted(jobs.length, 'job')} stalled within ${ago}`;
    const which =
      jobs.length === 1
        ? `a job of ${queue}: it stalled ${often}`
        : `jobs of ${queue}: ${all}${times === 1 ? '' : `, one of them ${often}`}`;
    return {
      queue,
      kind: 'stalling',
      sinceMs,
      jobIds: jobs.slice(0, namedJobsMax).map(({ jobId }) => jobId),
      why: `workers die or hang with ${which}`,
    };
  });
}
