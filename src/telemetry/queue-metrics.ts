import { stuckKinds, type Observation, type QueueReading } from '../decision/types.ts';
import type { TickRecord } from '../tick-record.ts';
import type { Metrics } from './metric-families.ts';
import { setOrForget } from './set-or-forget.ts';

export function initialiseQueues(metrics: Metrics, pool: string): void {
  for (const kind of stuckKinds) metrics.autoscaler_stuck_queues.set({ pool, kind }, 0);
}

/** What was seen of the queues; one that is seen no more takes its series along. */
export function createQueueMetrics(metrics: Metrics): (record: TickRecord) => void {
  const knownQueues = new Map<string, ReadonlySet<string>>();
  return (record) => {
    const { pool, observation } = record;
    const seen = new Set(observation?.queues.map(({ queue }) => queue));
    const gone = [...(knownQueues.get(pool) ?? [])].filter((queue) => !seen.has(queue));
    forgetQueues(metrics, pool, gone);
    knownQueues.set(pool, seen);
    if (observation !== null) recordQueues(metrics, pool, observation);
    recordStuck(metrics, record);
  };
}

const jobsByState = {
  ready: 'readyJobs',
  active: 'activeJobs',
  orphaned: 'orphanedJobs',
  delayed: 'delayedJobs',
  paused: 'pausedJobs',
} as const satisfies Record<string, keyof QueueReading>;

function recordQueues(metrics: Metrics, pool: string, { queues }: Observation): void {
  for (const reading of queues) {
    const labels = { pool, queue: reading.queue };
    for (const [state, count] of Object.entries(jobsByState)) {
      metrics.autoscaler_queue_jobs.set({ ...labels, state }, reading[count]);
    }
    metrics.autoscaler_queue_paused.set(labels, reading.isPaused ? 1 : 0);
    setOrForget(
      metrics.autoscaler_queue_oldest_wait_seconds,
      labels,
      reading.readyJobs === 0 ? 0 : reading.oldestWaitSeconds,
    );
  }
}

function forgetQueues(metrics: Metrics, pool: string, queues: readonly string[]): void {
  for (const queue of queues) {
    for (const state of Object.keys(jobsByState))
      metrics.autoscaler_queue_jobs.remove({ pool, queue, state });
    metrics.autoscaler_queue_paused.remove({ pool, queue });
    metrics.autoscaler_queue_oldest_wait_seconds.remove({ pool, queue });
  }
}

/** A tick that failed did not look: what was stuck before may be so still. One that stood by leaves it to another. */
function recordStuck(metrics: Metrics, { pool, decision, error }: TickRecord): void {
  if (decision === null && error !== null) return;
  for (const kind of stuckKinds) {
    const found = decision?.stuck.filter((work) => work.kind === kind) ?? [];
    metrics.autoscaler_stuck_queues.set({ pool, kind }, found.length);
  }
}
