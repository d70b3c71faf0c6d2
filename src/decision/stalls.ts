import type { Memory, Observation, QueueReading, StalledJob } from './types.ts';

/**
 * A worker that dies, or that keeps its event loop busy, loses the job that it runs: the job stalls, and is put back for
 * another to run. Once is a crash or a deploy. Again and again, it is the job or the code that does it to every worker.
 */
const windowMs = 30 * 60_000;
/** Jobs of one worker are put back together, within two checks of their queue system. */
const momentsMin = 3;
const momentMs = 60_000;
const stallsOfOneJobMin = 3;
/** Of more, those that were known first are followed. */
const rememberedStallsMax = 300;

/** A queue whose jobs stall again and again. */
export type StallingQueue = {
  readonly reading: QueueReading;
  /** When the first of them stalled, as far as it counts still. */
  readonly sinceMs: number;
  /** Those that stalled most often first. */
  readonly jobs: readonly StalledJob[];
  /** Whether no more jobs have ended than stalled since then, so that more workers would die or hang as well. */
  readonly isAll: boolean;
};

/** Jobs that stalled, for as long as they are of interest or still seen, so that none counts twice. */
export function rememberStalls(
  { observedAtMs, queues }: Observation,
  known: Memory['stalls'],
): Memory['stalls'] {
  const stalls = new Map(
    known
      .filter(({ seenAtMs }) => observedAtMs - seenAtMs < windowMs)
      .map((each) => [each.job, each]),
  );
  for (const reading of queues)
    for (const { jobId, stalls: times } of reading.stalledJobs) {
      const job = `${reading.queue}:${jobId}`;
      const before = stalls.get(job);
      if (before === undefined && stalls.size >= rememberedStallsMax) continue;
      const isNew = before === undefined || times > before.stalls;
      stalls.set(job, {
        ...(before ?? { job, sinceMs: observedAtMs, endedJobs: endedJobs(reading) }),
        stalls: isNew ? times : before.stalls,
        stalledAtMs: isNew ? observedAtMs : before.stalledAtMs,
        seenAtMs: observedAtMs,
      });
    }
  return [...stalls.values()];
}

/** Queues whose jobs stalled at three moments within half an hour, or one of them for at least the third time. */
export function stallingQueues(
  { observedAtMs, queues }: Observation,
  stalls: Memory['stalls'],
): readonly StallingQueue[] {
  const lately = stalls
    .filter(({ stalledAtMs }) => observedAtMs - stalledAtMs < windowMs)
    .toSorted((one, other) => one.stalledAtMs - other.stalledAtMs);
  if (lately.length === 0) return [];
  return queues.flatMap((reading) => {
    const start = `${reading.queue}:`;
    const ofQueue = lately.filter(({ job }) => job.startsWith(start));
    const [first] = ofQueue.toSorted((one, other) => one.sinceMs - other.sinceMs);
    const most = Math.max(0, ...ofQueue.map(({ stalls: times }) => times));
    if (first === undefined || (most < stallsOfOneJobMin && momentsOf(ofQueue) < momentsMin))
      return [];
    const jobs = ofQueue
      .map(({ job, stalls: times }) => ({ jobId: job.slice(start.length), stalls: times }))
      .toSorted((one, other) => other.stalls - one.stalls);
    const ended = difference(endedJobs(reading), first.endedJobs);
    const times = jobs.reduce((sum, each) => sum + each.stalls, 0);
    const isAll = ended !== null && ended >= 0 && ended <= times;
    return [{ reading, sinceMs: first.sinceMs, jobs, isAll }];
  });
}

/** The reason not to add workers for these queues, if there is one. */
export function whyStalling(queues: readonly { readonly reading: QueueReading }[]): string[] {
  if (queues.length === 0) return [];
  return [`jobs of ${queues.map(({ reading }) => reading.queue).join(', ')} stall again and again`];
}

function momentsOf(oldestFirst: Memory['stalls']): number {
  let moments = 0;
  let lastMs = -Infinity;
  for (const { stalledAtMs } of oldestFirst) {
    if (stalledAtMs - lastMs < momentMs) continue;
    moments += 1;
    lastMs = stalledAtMs;
  }
  return moments;
}

/** All that ever ended; null when nobody counts. */
function endedJobs({ addedJobs, unfinishedJobs }: QueueReading): number | null {
  return difference(addedJobs, unfinishedJobs);
}

function difference(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one - other;
}
