import type { Memory, Observation } from './types.ts';

/** An orphaned job keeps a worker alive this long: only a live worker recovers it, but some are never recovered. */
const orphanPatienceMs = 10 * 60_000;
/** As many as one reading lists; of more, those that were known first are followed. */
const rememberedOrphansMax = 1_000;

/** Orphaned jobs with the time each was first seen as such, the earliest first. */
export function rememberOrphans(
  { observedAtMs, queues, unreadableQueues }: Observation,
  known: Memory['orphans'],
): Memory['orphans'] {
  const seenAtMs = new Map(known.map((orphan) => [orphan.job, orphan.seenAtMs]));
  const seen = queues
    .flatMap(({ queue, orphanedJobIds }) => orphanedJobIds.map((id) => `${queue}:${id}`))
    .map((job) => ({ job, seenAtMs: seenAtMs.get(job) ?? observedAtMs }));
  // What cannot be looked at now is not forgotten: its time goes on.
  const unseen = known.filter(({ job }) =>
    unreadableQueues.some(({ queue }) => job.startsWith(`${queue}:`)),
  );
  return [...seen, ...unseen]
    .sort((one, other) => one.seenAtMs - other.seenAtMs)
    .slice(0, rememberedOrphansMax);
}

/** Whether a live worker can still be expected to recover a job that has been orphaned since then. */
export function isRecoverable(seenAtMs: number, nowMs: number): boolean {
  return nowMs - seenAtMs < orphanPatienceMs;
}

/** Of the orphaned jobs, those that a live worker can still be expected to recover. */
export function recoverable(orphans: Memory['orphans'], nowMs: number): number {
  return orphans.filter(({ seenAtMs }) => isRecoverable(seenAtMs, nowMs)).length;
}
