import type { PolicyKind, PolicySettings, SimulatedPolicy } from '../../policy.ts';
import { mostOf, orderOf } from './order.ts';
import { createWindow } from './window.ts';

type Tuning = {
  /** Ready jobs for each replica. */
  readonly listLength: number;
  readonly downStabilizationSeconds: number;
};

const syncSeconds = 15;
const tolerance = 0.1;
const kedaPollingSeconds = 30;
const kedaCooldownSeconds = 300;

/**
 * KEDA 2 with the Redis list trigger (keda.sh/docs/latest/scalers/redis-lists), for each queue one, on a Horizontal Pod
 * Autoscaler (kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale): ceil(jobs ÷ list length) unless within
 * 10 %, at most doubled or 4 more in 15 s, never below the highest recommendation of the stabilization window. KEDA
 * itself starts the first replica and stops the last.
 */
export function kedaLike(name: string, source: string, tuning: Tuning): PolicyKind {
  const create = (settings: PolicySettings): SimulatedPolicy => {
    const recommendations = createWindow(tuning.downStabilizationSeconds);
    const activate = activation(settings);
    return {
      pollSeconds: syncSeconds,
      minWorkers: settings.minWorkers,
      look({ observation: { observedAtMs, queues, currentWorkers } }) {
        const current = currentWorkers ?? 0;
        const isIdle = queues.every(({ readyJobs }) => readyJobs === 0);
        const activated = activate(observedAtMs, isIdle, current);
        if (current === 0 || activated === 0) return orderOf(activated);
        const asked = mostOf(queues, ({ readyJobs }) =>
          replicas(readyJobs, current, tuning.listLength),
        );
        const wanted = clamp(asked, Math.max(1, settings.minWorkers), settings.maxWorkers);
        recommendations.add(observedAtMs, wanted);
        const upMost = Math.max(2 * current, current + 4);
        const stabilized = wanted >= current ? wanted : Math.min(current, recommendations.most());
        return orderOf(Math.min(stabilized, upMost));
      },
    };
  };
  return { name, source, create };
}

/** `listLength` is the default of KEDA's Redis list trigger, and the value in all its examples. */
export const kedaDefault = kedaLike(
  'keda-like',
  'KEDA with the Redis list trigger (listLength 5) and the defaults of the Kubernetes HPA: ceil(jobs ÷ 5), down after 5 minutes.',
  { listLength: 5, downStabilizationSeconds: 300 },
);

/** The documented algorithm for an average value: no change while what there is for each replica is near the target. */
function replicas(readyJobs: number, current: number, listLength: number): number {
  const ratio = readyJobs / (listLength * current);
  return Math.abs(ratio - 1) <= tolerance ? current : Math.ceil(readyJobs / listLength);
}

/** What KEDA does itself: between none and one. Any other number is the autoscaler's. */
function activation({ minWorkers }: PolicySettings) {
  let polledAtMs = -Infinity;
  let activeAtMs = -Infinity;
  return (nowMs: number, isIdle: boolean, current: number): number => {
    if (minWorkers > 0 || nowMs - polledAtMs < kedaPollingSeconds * 1000) return current;
    polledAtMs = nowMs;
    if (!isIdle) activeAtMs = nowMs;
    if (!isIdle) return Math.max(1, current);
    return nowMs - activeAtMs >= kedaCooldownSeconds * 1000 ? 0 : current;
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
