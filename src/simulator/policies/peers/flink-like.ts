import type { PolicyKind } from '../../policy.ts';
import { createFlows, type Flow } from './flow.ts';
import { orderOf } from './order.ts';

const reconcileSeconds = 60;
const metricsWindowSeconds = 900;
const stabilizationSeconds = 300;
const utilization = 0.7;
const utilizationBoundary = 0.3;
const catchUpSeconds = 1_800;
/** The time a change takes. Its default is five minutes; dynos boot in one at most. */
const restartSeconds = 60;
const downFactorMax = 0.6;

/**
 * Flink's autoscaler, DS2 in production (apache/flink-kubernetes-operator, job.autoscaler options): arrivals at 70 %
 * utilization plus the lag within half an hour, by the true processing rate, when the rate leaves 40 % to 100 %; at most
 * once in five minutes. Workers do not restart when others come, so the metrics window goes on over a change.
 */
export const flinkLike: PolicyKind = {
  name: 'flink-like',
  source:
    'Flink autoscaler with its defaults: (arrivals ÷ 0.7 + lag ÷ 30 min) × service time over 15 minutes, then 5 minutes of rest.',
  create: ({ minWorkers, concurrency, meanServiceSeconds }) => {
    const flowOf = createFlows(metricsWindowSeconds, metricsWindowSeconds, meanServiceSeconds);
    let changedAtMs = -Infinity;
    return {
      pollSeconds: reconcileSeconds,
      minWorkers,
      look({ observation: { observedAtMs, queues, currentWorkers } }) {
        const current = Math.max(1, currentWorkers ?? 0);
        const needs = queues.map((queue) => {
          const flow = flowOf(observedAtMs, queue);
          const lag = queue.readyJobs;
          return {
            target: needed(flow, lag, utilization, true) / concurrency,
            atMost: needed(flow, lag, utilization + utilizationBoundary, false) / concurrency,
            atLeast: needed(flow, lag, utilization - utilizationBoundary, true) / concurrency,
          };
        });
        if (observedAtMs - changedAtMs < stabilizationSeconds * 1000) return orderOf(current);
        const target = Math.max(...needs.map((need) => Math.ceil(need.target)));
        const isUp = needs.some(({ atMost }) => current < atMost);
        const isDown = needs.every(({ atLeast }) => current > atLeast);
        const least = Math.ceil(current * (1 - downFactorMax));
        let wanted = current;
        if (isUp) wanted = Math.max(current, target);
        else if (isDown) wanted = Math.min(current, Math.max(target, least, minWorkers));
        if (wanted !== current) changedAtMs = observedAtMs;
        return orderOf(wanted);
      },
    };
  },
};

/** Slots that run all the time. */
function needed(
  { jobsPerSecond, serviceSeconds }: Flow,
  lag: number,
  utilizationShare: number,
  isAfterRestart: boolean,
): number {
  const missed = isAfterRestart ? jobsPerSecond * restartSeconds : 0;
  return (jobsPerSecond / utilizationShare + (lag + missed) / catchUpSeconds) * serviceSeconds;
}
