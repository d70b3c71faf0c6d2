import type { Memory, Observation, Policy, QueueReading } from './types.ts';
import { counted } from './words.ts';

/** An orphaned job keeps a worker alive this long: only a live worker recovers it, but some are never recovered. */
const orphanPatienceMs = 10 * 60_000;
/** As many as one reading lists; of more, those that were known first are followed. */
const rememberedOrphansMax = 1_000;

export type Recommendation = {
  /** Null when no queue could be read, so that nothing is known of the demand. */
  readonly workers: number | null;
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

  const { queues, unreadableQueues } = observation;
  if (queues.length === 0 && unreadableQueues.length > 0)
    return { workers: null, orphans, why: 'no queue of the pool could be read' };
  // Part of the demand is demand at least.
  const partly = unreadableQueues.length > 0 ? 'as far as could be read, ' : '';

  const workers = Math.ceil(ready / policy.eventsPerWorker);
  if (workers > 0) {
    const each = counted(policy.eventsPerWorker, 'job');
    const why = `${partly}${counted(ready, 'ready job')} ÷ ${each} per worker → ${String(workers)}`;
    return { workers, orphans, why };
  }
  if (active > 0)
    return {
      workers: 1,
      orphans,
      why: `${partly}nothing is ready, but ${counted(active, 'job')} still running`,
    };
  if (recoverable > 0)
    return {
      workers: 1,
      orphans,
      why: `${partly}only a worker can recover ${counted(recoverable, 'orphaned job')}`,
    };
  return { workers: 0, orphans, why: `${partly}no job is ready or running` };
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

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
