import type { Observation } from '../decision/types.ts';
import type { Metrics } from './metric-families.ts';

/** Each queue costs forty series; a pool with more queues shows the first that had jobs which ended. */
const queuesMax = 50;

type JobTimes = Pick<
  Metrics,
  'autoscaler_job_wait_seconds' | 'autoscaler_job_service_seconds' | 'autoscaler_job_total_seconds'
>;

/** Counts the times of jobs that ended, and forgets those of queues that are gone. */
export function createJobTimes(
  metrics: JobTimes,
): (pool: string, observation: Observation) => void {
  const {
    autoscaler_job_wait_seconds: wait,
    autoscaler_job_service_seconds: service,
    autoscaler_job_total_seconds: total,
  } = metrics;
  const timedQueues = new Map<string, Set<string>>();
  return (pool, { queues, unreadableQueues }) => {
    const timed = timedQueues.get(pool) ?? new Set();
    timedQueues.set(pool, timed);
    const there = new Set([...queues, ...unreadableQueues].map(({ queue }) => queue));
    for (const queue of timed) {
      if (there.has(queue)) continue;
      timed.delete(queue);
      for (const histogram of [wait, service, total]) histogram.remove({ pool, queue });
    }
    for (const { queue, finished } of queues) {
      if (finished.length === 0 || (timed.size >= queuesMax && !timed.has(queue))) continue;
      timed.add(queue);
      for (const { durationSeconds, waitSeconds } of finished) {
        service.observe({ pool, queue }, durationSeconds);
        if (waitSeconds === null) continue;
        wait.observe({ pool, queue }, waitSeconds);
        total.observe({ pool, queue }, waitSeconds + durationSeconds);
      }
    }
  };
}
