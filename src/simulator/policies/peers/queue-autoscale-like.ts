import type { PolicyKind, PolicySettings, SimulatedPolicy } from '../../policy.ts';
import { createFlows } from './flow.ts';
import { mostOf, orderOf } from './order.ts';

const loopSeconds = 5;
const rateSeconds = 60;
const serviceWindowSeconds = 300;
/** The time until a new worker works, which the product learns. */
const spawnSeconds = 36;
const drainFromShare = 0.5;
const aggressivenessMost = 5;
const downShareMost = 0.25;

type Tuning = {
  /** The wait it is told to keep, as a share of the target. */
  readonly sla: number;
  readonly reversalCooldownSeconds: number;
};

/**
 * laravel-queue-autoscale 3 (cboxdk/laravel-queue-autoscale, docs/basic-usage/how-it-works.md): the larger of arrivals ×
 * service time (Little's law) and what drains the backlog before its oldest job is late, the more urgently the nearer
 * that is; the latter from half the target on. At most a quarter fewer in each cycle, and no reversal within the cool-down.
 */
export function queueAutoscaleLike(name: string, source: string, tuning: Tuning): PolicyKind {
  const create = (settings: PolicySettings): SimulatedPolicy => {
    const { minWorkers, concurrency, meanServiceSeconds, targetWaitSeconds } = settings;
    const flowOf = createFlows(rateSeconds, serviceWindowSeconds, meanServiceSeconds);
    const effectiveSeconds = Math.max(1, tuning.sla * targetWaitSeconds - spawnSeconds);
    let lastChange = { atMs: -Infinity, direction: 0 };
    return {
      pollSeconds: loopSeconds,
      minWorkers,
      look({ observation: { observedAtMs, queues, currentWorkers } }) {
        const current = currentWorkers ?? 0;
        const asked = mostOf(queues, (queue) => {
          const { jobsPerSecond, serviceSeconds } = flowOf(observedAtMs, queue);
          const age = queue.oldestWaitSeconds ?? 0;
          const draining = drainSlots(queue.readyJobs, age, serviceSeconds, effectiveSeconds);
          return Math.ceil(Math.max(jobsPerSecond * serviceSeconds, draining) / concurrency);
        });
        const least = Math.max(minWorkers, Math.floor(current * (1 - downShareMost)));
        const wanted = Math.max(asked, least);
        const direction = Math.sign(wanted - current);
        const isReversal = direction * lastChange.direction < 0;
        const isCooling = observedAtMs - lastChange.atMs < tuning.reversalCooldownSeconds * 1000;
        if (direction === 0 || (isReversal && isCooling)) return orderOf(current);
        lastChange = { atMs: observedAtMs, direction };
        return orderOf(wanted);
      },
    };
  };
  return { name, source, create };
}

export const queueAutoscaleDefault = queueAutoscaleLike(
  'queue-autoscale-like',
  "As laravel-queue-autoscale does: the larger of Little's law and what drains the backlog before its oldest job is late, every 5 s.",
  { sla: 1, reversalCooldownSeconds: 60 },
);

/** Workers that run one job at a time. */
function drainSlots(
  readyJobs: number,
  ageSeconds: number,
  serviceSeconds: number,
  effectiveSeconds: number,
): number {
  const progress = ageSeconds / effectiveSeconds;
  if (progress < drainFromShare) return 0;
  const jobsInTime = Math.max((effectiveSeconds - ageSeconds) / serviceSeconds, 1);
  const aggressiveness = Math.min(1 + 8 * (progress - drainFromShare) ** 2, aggressivenessMost);
  return (readyJobs / jobsInTime) * aggressiveness;
}
