import { manualHold } from './manual.ts';
import { recoverable } from './orphans.ts';
import { usefulWorkers } from './recommend.ts';
import { highest } from './stabilize.ts';
import { stallingQueues, whyStalling } from './stalls.ts';
import { stuckQueues, whyStuck } from './stuck-jobs.ts';
import {
  budgetLimits,
  type Limit,
  type Memory,
  type Observation,
  type Policy,
  type QueueReading,
} from './types.ts';
import { asChosen, counted, spoken } from './words.ts';

export type Setting = {
  readonly observation: Observation;
  readonly policy: Policy;
  readonly memory: Memory;
};

/**
 * One rule of the decision: takes a number of workers and returns what becomes of it, with the reason if that is another
 * number; null where the rule has no say.
 */
type Rule = {
  readonly step: Limit;
  readonly apply: (
    workers: number,
    setting: Setting,
  ) => { readonly workers: number; readonly why: string } | null;
};

const platformLimitMemoryMs = 60 * 60_000;

/** A learned limit is tried again after an hour, because plans are upgraded and tickets are answered. */
export function platformLimitInForce(
  { platformLimit }: Memory,
  nowMs: number,
): Memory['platformLimit'] {
  return platformLimit !== null && nowMs - platformLimit.learnedAtMs < platformLimitMemoryMs
    ? platformLimit
    : null;
}

/** What a refusal of the platform teaches: how many workers it allows. */
export function learnPlatformLimit(memory: Memory, workers: number, learnedAtMs: number): Memory {
  return { ...memory, platformLimit: { workers, learnedAtMs } };
}

/** What the queues let workers do with the jobs that the ratio policy counts. */
export const rulesOfRatio: readonly Rule[] = [
  {
    step: 'queue-concurrency',
    apply(workers, setting) {
      const { observation, policy } = setting;
      const caps = observation.queues.flatMap(({ queue, concurrencyLimit }) =>
        concurrencyLimit === null
          ? []
          : [`${queue} runs at most ${counted(concurrencyLimit, 'job')} at once`],
      );
      if (caps.length === 0) return null;
      const useful = Math.max(usefulWorkers(observation.queues, policy), leastWorkers(setting));
      return {
        workers: Math.min(workers, useful),
        why: `${caps.join(', ')}: more workers for that would idle`,
      };
    },
  },
  {
    step: 'queue-rate-limit',
    apply(workers, setting) {
      const isLimited = ({ rateLimitedForSeconds }: QueueReading) => rateLimitedForSeconds !== null;
      const names = setting.observation.queues.filter(isLimited).map(({ queue }) => queue);
      if (names.length === 0) return null;
      return {
        workers: Math.min(workers, usefulWithout(names, setting)),
        why: `${names.join(', ')} at the rate limit: more workers could not start more of those jobs now`,
      };
    },
  },
  {
    // What the jobs depend on hangs, and more workers would hang with them; or the jobs themselves make workers hang or
    // die. Those that run are left alone.
    step: 'stuck-jobs',
    apply(workers, setting) {
      const { observation, memory } = setting;
      const stuck = stuckQueues(observation, memory.learned);
      const stalling = stallingQueues(observation, memory.stalls).filter(({ isAll }) => isAll);
      const names = [...stuck, ...stalling].map(({ reading }) => reading.queue);
      if (names.length === 0) return null;
      const why = [...whyStuck(stuck), ...whyStalling(stalling)].join(', ');
      return {
        workers: Math.min(workers, usefulWithout(names, setting)),
        why: `${why}: none is added`,
      };
    },
  },
];

/** What all queues but these need; none of those that run is taken away for them, as far as anybody knows how many do. */
function usefulWithout(names: readonly string[], setting: Setting): number {
  const { observation, policy } = setting;
  const others = observation.queues.filter(({ queue }) => !names.includes(queue));
  return Math.max(
    usefulWorkers(others, policy),
    observation.currentWorkers ?? Infinity,
    leastWorkers(setting),
  );
}

/** One while a job runs, or can be recovered from a dead worker: what its queue allows is no reason to have none. */
function leastWorkers({ observation: { queues, observedAtMs }, memory }: Setting): number {
  const isRunning = queues.some(({ activeJobs }) => activeJobs > 0);
  return isRunning || recoverable(memory.orphans, observedAtMs) > 0 ? 1 : 0;
}

/** What could not be seen. The result is remembered for stabilization. */
export const rulesOfSight: readonly Rule[] = [
  {
    step: 'blind',
    apply(workers, { observation }) {
      const { currentWorkers, unreadableQueues } = observation;
      if (unreadableQueues.length === 0) return null;
      const names = unreadableQueues.map(({ queue }) => queue).join(', ');
      return {
        workers: Math.max(workers, currentWorkers ?? 0),
        why: `${names} cannot be read, so nothing shrinks`,
      };
    },
  },
];

/** What there is enough for. That a budget has become smaller is no reason to shrink while a queue cannot be seen. */
const rulesOfBudgets: readonly Rule[] = budgetLimits.map((step) => ({
  step,
  apply(workers, { observation: { budgets, currentWorkers, unreadableQueues } }) {
    const budget = budgets.find(({ limit }) => limit === step);
    if (budget?.workers == null) return null;
    const kept = unreadableQueues.length > 0 ? (currentWorkers ?? 0) : 0;
    const allowed = Math.max(budget.workers, kept);
    return { workers: Math.min(workers, allowed), why: budget.why };
  },
}));

/** What is allowed, ending with the bounds that nothing may break. */
export const rulesOfSupply: readonly Rule[] = [
  {
    step: 'stabilization',
    apply(workers, { observation, policy, memory }) {
      const peak = highest(memory.recommendations);
      if (peak === undefined || policy.scaleDownStabilizationSeconds === 0) return null;
      const held = Math.min(peak.workers, observation.currentWorkers ?? peak.workers);
      const window = asChosen(policy.scaleDownStabilizationSeconds);
      const ago = spoken((observation.observedAtMs - peak.madeAtMs) / 1000);
      const need = peak.isFound
        ? `found ${counted(peak.workers, 'worker')} running ${ago} ago without knowing why`
        : `needed ${counted(peak.workers, 'worker')} ${ago} ago`;
      return { workers: Math.max(workers, held), why: `${need}, and scaling down waits ${window}` };
    },
  },
  {
    step: 'scale-up-step',
    apply(workers, { observation: { currentWorkers }, policy: { scaleUpStep, origins } }) {
      if (currentWorkers === null || scaleUpStep === null) return null;
      return {
        workers: Math.min(workers, currentWorkers + scaleUpStep),
        why: `at most ${String(scaleUpStep)} more at a time (${origins.scaleUpStep ?? 'SCALE_UP_STEP'})`,
      };
    },
  },
  {
    step: 'scale-down-step',
    apply(workers, { observation: { currentWorkers }, policy: { scaleDownStep, origins } }) {
      if (currentWorkers === null || scaleDownStep === null) return null;
      const why = `at most ${String(scaleDownStep)} fewer at a time (${origins.scaleDownStep ?? 'SCALE_DOWN_STEP'})`;
      return { workers: Math.max(workers, currentWorkers - scaleDownStep), why };
    },
  },
  ...rulesOfBudgets,
  {
    step: 'manual-scale',
    apply(workers, { memory }) {
      const hold = manualHold(memory);
      return hold && { workers: Math.max(workers, hold.workers), why: hold.why };
    },
  },
  {
    step: 'min-workers',
    apply(workers, { policy: { minWorkers, origins } }) {
      return workers < minWorkers
        ? {
            workers: minWorkers,
            why: `at least ${String(minWorkers)} (${origins.minWorkers ?? 'MIN_WORKERS'})`,
          }
        : null;
    },
  },
  {
    step: 'max-workers',
    apply(workers, { policy: { maxWorkers, origins } }) {
      return workers > maxWorkers
        ? {
            workers: maxWorkers,
            why: `at most ${String(maxWorkers)} (${origins.maxWorkers ?? 'MAX_WORKERS'})`,
          }
        : null;
    },
  },
  {
    // Comes last, because asking for more than the platform allows changes nothing but the error log. What already
    // runs is evidently allowed and is not taken away by it.
    step: 'platform-limit',
    apply(workers, { observation: { currentWorkers, observedAtMs }, memory }) {
      const limit = platformLimitInForce(memory, observedAtMs);
      if (limit === null) return null;
      return {
        workers: Math.min(workers, Math.max(limit.workers, currentWorkers ?? 0)),
        why: `the platform allows ${counted(limit.workers, 'worker')} of this type`,
      };
    },
  },
  {
    // Whoever paused the pool has the wheel: not even the bounds are enforced.
    step: 'pause',
    apply(workers, { observation: { currentWorkers }, policy: { pause } }) {
      return pause && { workers: currentWorkers ?? workers, why: pause.why };
    },
  },
  {
    // Somebody who takes all workers away means it, for a migration or an incident, whatever the bounds say.
    step: 'manual-scale',
    apply(workers, { observation: { currentWorkers }, memory }) {
      const hold = manualHold(memory);
      return hold?.workers === 0 ? { workers: currentWorkers ?? workers, why: hold.why } : null;
    },
  },
];
