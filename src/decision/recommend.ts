import type { Observation, Policy, QueueReading } from './types.ts';
import { counted } from './words.ts';

export type Recommendation = {
  /** Null when no queue could be read, so that nothing is known of the demand. */
  readonly workers: number | null;
  readonly why: string;
};

/**
 * The ratio policy: ⌈ready jobs ÷ events per worker⌉ over all queues of the pool, and at least one worker while a job
 * runs or could be recovered from a dead worker.
 */
export function recommend(
  observation: Observation,
  policy: Policy,
  recoverableJobs: number,
): Recommendation {
  const ready = sum(observation.queues, ({ readyJobs }) => readyJobs);
  const active = sum(observation.queues, ({ activeJobs }) => activeJobs);
  const { queues, unreadableQueues } = observation;
  if (queues.length === 0 && unreadableQueues.length > 0)
    return { workers: null, why: 'no queue of the pool could be read' };
  // Part of the demand is demand at least.
  const partly = unreadableQueues.length > 0 ? 'as far as could be read, ' : '';

  const workers = Math.ceil(ready / policy.eventsPerWorker);
  if (workers > 0) {
    const each = counted(policy.eventsPerWorker, 'job');
    const why = `${partly}${counted(ready, 'ready job')} ÷ ${each} per worker → ${String(workers)}`;
    return { workers, why };
  }
  if (active > 0)
    return {
      workers: 1,
      why: `${partly}nothing is ready, but ${counted(active, 'job')} still running`,
    };
  if (recoverableJobs > 0)
    return {
      workers: 1,
      why: `${partly}only a worker can recover ${counted(recoverableJobs, 'orphaned job')}`,
    };
  return { workers: 0, why: `${partly}no job is ready or running` };
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

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
