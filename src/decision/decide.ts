import { platformLimitInForce, rulesOfDemand, rulesOfSupply, type Setting } from './limits.ts';
import { manualHold, noticePerson } from './manual.ts';
import { recommend } from './recommend.ts';
import { remember } from './stabilize.ts';
import type { Action, Decision, Memory, Observation, Policy, Step } from './types.ts';

/** The memory of a pool that has never been looked at. */
export const emptyMemory: Memory = {
  lastSeenAtMs: null,
  recommendations: [],
  orphans: [],
  platformLimit: null,
  drains: [],
  removal: null,
  isTailUnknown: false,
  intent: null,
  manual: null,
};

/**
 * Decides how many workers a pool should have. Pure: the same three values always give the same answer.
 *
 * The number passes through a list of rules in order; each rule that changes it leaves its name and its sentence, and
 * the hard bounds come last; only what the platform refuses, and a person's pause, come after them. With `currentWorkers` unknown the action is `hold`.
 */
export function decide(
  observation: Observation,
  policy: Policy,
  memory: Memory,
): { readonly decision: Decision; readonly memory: Memory } {
  assertSound(observation, policy);
  const sane = notAfter(memory, observation.observedAtMs);
  const remembered = noticePerson(sane, observation, policy);
  const { orphans, ...recommended } = recommend(observation, policy, remembered);

  const steps: Step[] = [{ step: 'recommend', ...recommended }];
  const setting = { observation, policy, memory: remembered };
  const wanted = follow(rulesOfDemand, recommended.workers ?? 0, setting, steps);

  // What is above the maximum is never asked for, so remembering it would only make memory larger.
  const memorable = Math.min(wanted, policy.maxWorkers);
  const recommendations = remember(remembered, observation, memorable, policy);
  const next: Memory = {
    ...remembered,
    lastSeenAtMs: recommendations.length > 0 ? observation.observedAtMs : remembered.lastSeenAtMs,
    recommendations,
    orphans,
    platformLimit: platformLimitInForce(remembered, observation.observedAtMs),
  };
  const desired = follow(rulesOfSupply, wanted, { ...setting, memory: next }, steps);

  const last = steps.at(-1)?.step ?? 'recommend';
  const decision: Decision = {
    action: actionFor(observation.currentWorkers, desired),
    currentWorkers: observation.currentWorkers,
    recommendedWorkers: recommended.workers,
    desiredWorkers: desired,
    limitedBy: last === 'recommend' ? 'none' : last,
    steps,
    manualHold: manualHold(next),
    alternative: { policy: 'learned', workers: null, why: 'nothing has been learned yet' },
  };
  return { decision, memory: next };
}

/** Passes the number through the rules in order; those that change it are added to `steps`. */
function follow(
  rules: typeof rulesOfDemand,
  workers: number,
  setting: Setting,
  steps: Step[],
): number {
  return rules.reduce((current, { step, apply }) => {
    const changed = apply(current, setting);
    if (changed === null) return current;
    steps.push({ step, ...changed });
    return changed.workers;
  }, workers);
}

function actionFor(currentWorkers: number | null, desiredWorkers: number): Action {
  if (currentWorkers === null || desiredWorkers === currentWorkers) return 'hold';
  return desiredWorkers > currentWorkers ? 'scale-up' : 'scale-down';
}

/** A number that makes no sense is a bug of whoever read it; deciding on it could cost money or jobs. */
function assertSound(observation: Observation, policy: Policy): void {
  const { currentWorkers, queues } = observation;
  const counts = queues.flatMap((queue) => [queue.readyJobs, queue.activeJobs, queue.orphanedJobs]);
  for (const count of [...counts, currentWorkers ?? 0, policy.minWorkers, policy.maxWorkers]) {
    if (!Number.isInteger(count) || count < 0) throw new Error(`not a count: ${String(count)}`);
  }
  if (policy.minWorkers > policy.maxWorkers) throw new Error('minWorkers is above maxWorkers');
  if (!(policy.eventsPerWorker > 0)) throw new Error('eventsPerWorker must be above 0');
}

/** A clock that was set back, or that of another machine, must not make memories last until it has caught up. */
function notAfter(memory: Memory, nowMs: number): Memory {
  const { lastSeenAtMs, recommendations, orphans, platformLimit, intent } = memory;
  return {
    ...memory,
    lastSeenAtMs: lastSeenAtMs === null ? null : Math.min(lastSeenAtMs, nowMs),
    recommendations: recommendations.map((each) => ({
      ...each,
      madeAtMs: Math.min(each.madeAtMs, nowMs),
    })),
    orphans: orphans.map((each) => ({ ...each, seenAtMs: Math.min(each.seenAtMs, nowMs) })),
    platformLimit: platformLimit && {
      ...platformLimit,
      learnedAtMs: Math.min(platformLimit.learnedAtMs, nowMs),
    },
    intent: intent && { ...intent, madeAtMs: Math.min(intent.madeAtMs, nowMs) },
  };
}
