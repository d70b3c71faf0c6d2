import type { Memory, Observation, Policy, QueueReading } from './types.ts';
import { counted } from './words.ts';

/** An orphaned job keeps a worker alive this long: only a live worker recovers it, but some are never recovered. */
const orphanPatienceMs = 10 * 60_000;
/** Enough to see that some are young; a longer list would make memory as large as the trouble. */
const rememberedOrphansMax = 200;

export type Recommendation = {
  readonly workers: number;
  readonly why: string;
  readonly orphans: Memory['orphans'];
};

/**
 * The ratio policy: ⌈ready jobs ÷ events per worker⌉ over all queues of the pool, and at least one worker while a job
 * runs or could be recovered from a dead worker.
 */
export function recommend(
  observation: Observation,
  policy: Policy,
  memory: Memory,
): Recommendation {
  const ready = sum(observation.queues, ({ readyJobs }) => readyJobs);
  const active = sum(observation.queues, ({ activeJobs }) => activeJobs);
  const orphans = rememberOrphans(observation, memory.orphans);
  const recoverable = orphans.filter(
    ({ seenAtMs }) => observation.observedAtMs - seenAtMs < orphanPatienceMs,
  ).length;

  const workers = Math.ceil(ready / policy.eventsPerWorker);
  if (workers > 0) {
    const each = counted(policy.eventsPerWorker, 'job');
    return {
      workers,
      orphans,
      why: `${counted(ready, 'ready job')} ÷ ${each} per worker → ${String(workers)}`,
    };
  }
  if (active > 0)
    return {
      workers: 1,
      orphans,
      why: `nothing is ready, but ${counted(active, 'job')} still running`,
    };
  if (recoverable > 0) {
    return {
      workers: 1,
      orphans,
      why: `only a worker can recover ${counted(recoverable, 'orphaned job')}`,
    };
  }
  return { workers: 0, orphans, why: 'no job is ready or running' };
}

/**
 * The ratio again, with each queue counted only for as many workers as it lets work at once: a worker beyond a queue's
 * global concurrency ÷ its own slots would idle. Without a known `concurrency` a worker has at least one slot.
 */
export function usefulWorkers(queues: readonly QueueReading[], policy: Policy): number {
  const needed = sum(queues, ({ readyJobs, concurrencyLimit }) => {
    const asked = readyJobs / policy.eventsPerWorker;
    if (concurrencyLimit === null) return asked;
    return Math.min(asked, Math.ceil(concurrencyLimit / (policy.concurrency ?? 1)));
  });
  // Sums of fractions such as 0.1 + 0.2 must not round up to one worker more.
  return Math.ceil(needed - 1e-9);
}

function rememberOrphans(
  { observedAtMs, queues }: Observation,
  known: Memory['orphans'],
): Memory['orphans'] {
  const seenAtMs = new Map(known.map((orphan) => [orphan.job, orphan.seenAtMs]));
  return queues
    .flatMap(({ queue, orphanedJobIds }) => orphanedJobIds.map((id) => `${queue}:${id}`))
    .map((job) => ({ job, seenAtMs: seenAtMs.get(job) ?? observedAtMs }))
    .sort((one, other) => one.seenAtMs - other.seenAtMs)
    .slice(0, rememberedOrphansMax);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
