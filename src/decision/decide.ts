import { recommendByLearning } from './learned/learned.ts';
import { nothingLearned } from './learned/memory.ts';
import {
  platformLimitInForce,
  rulesOfRatio,
  rulesOfSight,
  rulesOfSupply,
  type Setting,
} from './limits.ts';
import { manualHold, noticePerson } from './manual.ts';
import { recoverable, rememberOrphans } from './orphans.ts';
import { lookAgainAfterSeconds } from './look-again.ts';
import { recommend } from './recommend.ts';
import { remember } from './stabilize.ts';
import { findStuck } from './find-stuck.ts';
import { rememberStalls, stallingQueues } from './stalls.ts';
import type { Action, Decision, Memory, Observation, Policy, PolicyName, Step } from './types.ts';

/** The memory of a pool that has never been looked at. */
export const emptyMemory: Memory = {
  lastSeenAtMs: null,
  recommendations: [],
  orphans: [],
  stalls: [],
  platformLimit: null,
  drains: [],
  removal: null,
  tailUnknownSinceMs: null,
  intent: null,
  manual: null,
  learned: nothingLearned,
};

/**
 * Decides how many workers a pool should have. Pure: the same three values always give the same answer.
 *
 * The number passes through a list of rules in order; each rule that changes it leaves its name and its sentence, and
 * the hard bounds come last; only what the platform refuses, and a pause, come after them. With `currentWorkers` unknown the action is `hold`.
 */
export function decide(
  observation: Observation,
  policy: Policy,
  memory: Memory,
): { readonly decision: Decision; readonly memory: Memory } {
  assertSound(observation, policy);
  const sane = notAfter(memory, observation.observedAtMs);
  const remembered = noticePerson(sane, observation, policy);
  const orphans = rememberOrphans(observation, remembered.orphans);
  const recoverableJobs = recoverable(orphans, observation.observedAtMs);
  const stalls = rememberStalls(observation, remembered.stalls);
  const setting = { observation, policy, memory: remembered };

  const byRatio: Step[] = [
    { step: 'recommend', ...recommend(observation, policy, recoverableJobs) },
  ];
  const { steps: byLearning, memory: learned } = recommendByLearning(
    observation,
    policy,
    remembered.learned,
    {
      recoverableJobs,
      drainingWorkers: drainingWorkers(observation, remembered),
      stallingQueues: new Set(
        stallingQueues(observation, stalls).flatMap(({ reading, isAll }) =>
          isAll ? [reading.queue] : [],
        ),
      ),
    },
  );
  const known = { ...remembered, learned, orphans, stalls };
  follow(rulesOfRatio, byRatio, { ...setting, memory: known });
  const [steps, others] =
    policy.leading === 'ratio' ? [byRatio, byLearning] : [byLearning, byRatio];
  const recommendedWorkers = steps[0]?.workers ?? null;
  const wanted = follow(rulesOfSight, steps, setting);

  // What is above the maximum is never asked for, so remembering it would only make memory larger.
  const memorable = Math.min(wanted, policy.maxWorkers);
  const recommendations = remember(remembered, observation, memorable, policy);
  const next: Memory = {
    ...remembered,
    lastSeenAtMs: recommendations.length > 0 ? observation.observedAtMs : remembered.lastSeenAtMs,
    recommendations,
    orphans,
    stalls,
    learned,
    platformLimit: platformLimitInForce(remembered, observation.observedAtMs),
  };
  const desired = follow(rulesOfSupply, steps, { ...setting, memory: next });

  const last = steps.at(-1)?.step ?? 'recommend';
  const decision: Decision = {
    action: actionFor(observation.currentWorkers, desired),
    currentWorkers: observation.currentWorkers,
    recommendedWorkers,
    desiredWorkers: desired,
    limitedBy: last === 'recommend' ? 'none' : last,
    steps,
    manualHold: manualHold(next),
    lookAgainAfterSeconds: lookAgainAfterSeconds(observation, policy),
    alternative: alternativeOf(policy.leading === 'ratio' ? 'learned' : 'ratio', others),
    stuck: findStuck(observation, next),
  };
  return { decision, memory: next };
}

/** Passes the number of the last step through the rules in order; those that change it are added to `steps`. */
function follow(rules: typeof rulesOfSupply, steps: Step[], setting: Setting): number {
  let workers = steps.at(-1)?.workers ?? 0;
  for (const { step, apply } of rules) {
    const changed = apply(workers, setting);
    if (changed === null || changed.workers === workers) continue;
    steps.push({ step, ...changed });
    workers = changed.workers;
  }
  return workers;
}

/** What the other policy would have asked for, with what it saw in the way of more. */
function alternativeOf(policy: PolicyName, steps: readonly Step[]): Decision['alternative'] {
  const { workers, why } = steps.at(-1) ?? { workers: null, why: '' };
  return { policy, workers, why };
}

/** Workers that were asked to drain start no more jobs, if they can hear it. */
function drainingWorkers({ workers }: Observation, { drains }: Memory): number {
  return workers.protection === 'drain' ? drains.filter(({ isAsked }) => isAsked).length : 0;
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
  const { lastSeenAtMs, recommendations, orphans, stalls, platformLimit } = memory;
  const { drains, removal, tailUnknownSinceMs, intent } = memory;
  return {
    ...memory,
    lastSeenAtMs: lastSeenAtMs === null ? null : Math.min(lastSeenAtMs, nowMs),
    recommendations: recommendations.map((each) => ({
      ...each,
      madeAtMs: Math.min(each.madeAtMs, nowMs),
    })),
    orphans: orphans.map((each) => ({ ...each, seenAtMs: Math.min(each.seenAtMs, nowMs) })),
    stalls: stalls.map((each) => ({
      ...each,
      sinceMs: Math.min(each.sinceMs, nowMs),
      stalledAtMs: Math.min(each.stalledAtMs, nowMs),
      seenAtMs: Math.min(each.seenAtMs, nowMs),
    })),
    platformLimit: platformLimit && {
      ...platformLimit,
      learnedAtMs: Math.min(platformLimit.learnedAtMs, nowMs),
    },
    drains: drains.map((each) => ({ ...each, sinceMs: Math.min(each.sinceMs, nowMs) })),
    removal: removal && { ...removal, madeAtMs: Math.min(removal.madeAtMs, nowMs) },
    tailUnknownSinceMs: tailUnknownSinceMs && Math.min(tailUnknownSinceMs, nowMs),
    intent: intent && { ...intent, madeAtMs: Math.min(intent.madeAtMs, nowMs) },
  };
}
