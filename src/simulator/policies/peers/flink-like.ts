import type { PolicyKind, PolicySettings, SimulatedPolicy } from '../../policy.ts';
import { createFlows, type Flow } from './flow.ts';
import { orderOf } from './order.ts';

const reconcileSeconds = 60;
const metricsWindowSeconds = 900;
const utilizationBoundary = 0.3;
/** The time a change takes. Its default is five minutes; dynos boot in one at most. */
const restartSeconds = 60;
const downFactorMax = 0.6;

type Tuning = {
  readonly utilization: number;
  /** The time in which a lag shall be gone. */
  readonly catchUpSeconds: number;
  readonly stabilizationSeconds: number;
};

/**
 * Flink's autoscaler, DS2 in production (apache/flink-kubernetes-operator, job.autoscaler options): arrivals at the
 * target utilization plus the lag within the catch-up time, by the true processing rate, when the rate leaves 30 % around
 * that target; at most once in the stabilization interval. Workers do not restart when others come, so the metrics window goes on over a change.
 */
export function flinkLike(name: string, source: string, tuning: Tuning): PolicyKind {
  const { utilization, catchUpSeconds, stabilizationSeconds } = tuning;
  const create = (settings: PolicySettings): SimulatedPolicy => {
    const { minWorkers, concurrency, meanServiceSeconds } = settings;
    const flowOf = createFlows(metricsWindowSeconds, metricsWindowSeconds, meanServiceSeconds);
    let changedAtMs = -Infinity;
    return {
      pollSeconds: reconcileSeconds,
      minWorkers,
      look({ observation: { observedAtMs, queues, currentWorkers } }) {
        const current = Math.max(1, currentWorkers ?? 0);
        const needs = queues.map((queue) => {
          const flow = flowOf(observedAtMs, queue);
          const lagPerSecond = queue.readyJobs / catchUpSeconds;
          const missedPerSecond = (flow.jobsPerSecond * restartSeconds) / catchUpSeconds;
          const afterRestart = lagPerSecond + missedPerSecond;
          return {
            target: needed(flow, afterRestart, utilization) / concurrency,
            atMost: needed(flow, lagPerSecond, utilization + utilizationBoundary) / concurrency,
            atLeast: needed(flow, afterRestart, utilization - utilizationBoundary) / concurrency,
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
  };
  return { name, source, create };
}

export const flinkDefault = flinkLike(
  'flink-like',
  'Flink autoscaler with its defaults: (arrivals ÷ 0.7 + lag ÷ 30 min) × service time over 15 minutes, then 5 minutes of rest.',
  { utilization: 0.7, catchUpSeconds: 1_800, stabilizationSeconds: 300 },
);

/** Slots that run all the time. */
function needed(
  { jobsPerSecond, serviceSeconds }: Flow,
  catchUpPerSecond: number,
  utilizationShare: number,
): number {
  return (jobsPerSecond / utilizationShare + catchUpPerSecond) * serviceSeconds;
}
