import {
  originOf,
  overridesInForce,
  pauseOf,
  settings,
  type Overrides,
  type Setting,
} from './overrides.ts';
import { boundariesAfter, windowAt } from './schedule.ts';
import type { Policy } from './types.ts';
import { spoken } from './words.ts';
import { shownAt } from './zone.ts';

/** What the policy in force depends on beside what people said. */
type Moment = {
  readonly nowMs: number;
  /** How long a worker takes from its order until it is ready. */
  readonly startSeconds: number;
};

/**
 * The policy that a tick follows: what operators set counts before the schedule, and that before the configured values.
 * Each change comes with the words that say where it comes from, and the minimum is never above the maximum.
 */
export function policyInForce(configured: Policy, stored: Overrides, moment: Moment): Policy {
  const overrides = overridesInForce(stored, moment.nowMs);
  // What a target brings with it does not count against what was set as well, whichever was set first.
  const inOrder = overrides.settings.toSorted(
    (a, b) => settings.indexOf(a.setting) - settings.indexOf(b.setting),
  );
  const changed = inOrder.reduce<Policy>(
    (sofar, override) => ({
      ...sofar,
      ...effects[override.setting](override.value, sofar),
      origins: { ...sofar.origins, [override.setting]: originOf(override, moment.nowMs) },
    }),
    withLead(configured, moment),
  );
  const isSet = (setting: Setting) => overrides.settings.some((one) => one.setting === setting);
  const isMinimumMeant = isSet('minWorkers') && !isSet('maxWorkers');
  const roomy = isMinimumMeant ? withoutScheduledMaximum(changed, configured) : changed;
  return { ...withSoundBounds(roomy), pause: pauseOf(overrides, moment.nowMs) };
}

/** The configured policy with what the schedule changes about it at a moment. */
export function scheduledPolicy(configured: Policy, atMs: number): Policy {
  const found = windowAt(configured.schedule, atMs);
  if (found === null) return configured;
  const { window, toMs } = found;
  const { minWorkers, maxWorkers, targetWaitSeconds } = window;
  const origin = `schedule, ${window.text}`;
  return {
    ...configured,
    ...(minWorkers === null ? {} : { minWorkers }),
    ...(maxWorkers === null ? {} : { maxWorkers }),
    ...(targetWaitSeconds === null ? {} : holding(targetWaitSeconds, configured)),
    origins: {
      ...(minWorkers === null ? {} : { minWorkers: origin }),
      ...(maxWorkers === null ? {} : { maxWorkers: origin }),
      ...(targetWaitSeconds === null ? {} : { targetWait: origin }),
    },
    window: { text: window.text, untilMs: toMs },
  };
}

/** A floor must be up when its window begins: it counts already as long before as a worker takes to start. */
function withLead(configured: Policy, { nowMs, startSeconds }: Moment): Policy {
  const leadMs = startSeconds * 1000;
  const boundaries = boundariesAfter(configured.schedule, nowMs, 1);
  const moments = boundaries.flatMap(({ atMs }) => [atMs - leadMs, atMs]);
  const later = moments.filter((atMs) => atMs > nowMs);
  const nextChangeAtMs = later.length === 0 ? null : Math.min(...later);
  const policy = { ...scheduledPolicy(configured, nowMs), nextChangeAtMs };
  const [highest] = boundaries
    .filter(({ atMs }) => atMs - leadMs <= nowMs)
    .map((boundary) => ({ ...boundary, ...scheduledPolicy(configured, boundary.atMs) }))
    .sort((one, other) => other.minWorkers - one.minWorkers);
  if (highest === undefined || highest.minWorkers <= policy.minWorkers) return policy;
  const { minWorkers, atMs, timeZone } = highest;
  const time = `${shownAt(atMs, timeZone).slice(-5)} ${timeZone}`;
  const why = `schedule from ${time} on, and a worker takes up to ${spoken(startSeconds)} to start`;
  return {
    ...policy,
    minWorkers,
    maxWorkers: Math.max(policy.maxWorkers, minWorkers),
    origins: { ...policy.origins, minWorkers: why },
  };
}

/** What a target brings with it, so that it makes no difference where it was set. */
function holding(targetWaitSeconds: number, policy: Policy): Partial<Policy> {
  return {
    targetWaitSeconds,
    leading: 'learned',
    ...stabilizing(policy.stabilizationWithTargetSeconds, policy),
  };
}

/** A stabilization, with the gap that what was seen may have then: of two ticks at least, and none is one for `once`. */
function stabilizing(
  seconds: number,
  { continuitySeconds, intervalSeconds }: Policy,
): Partial<Policy> {
  const isPeriodic = continuitySeconds !== Infinity;
  return {
    scaleDownStabilizationSeconds: seconds,
    continuitySeconds: isPeriodic ? Math.max(seconds, 2 * intervalSeconds) : Infinity,
  };
}

/** What each setting changes about a policy; counts and milliseconds come in, the policy's own units go out. */
const effects: Readonly<Record<Setting, (value: number, policy: Policy) => Partial<Policy>>> = {
  minWorkers: (minWorkers) => ({ minWorkers }),
  maxWorkers: (maxWorkers) => ({ maxWorkers }),
  eventsPerWorker: (eventsPerWorker) => ({ eventsPerWorker }),
  targetWait: (ms, policy) => holding(ms / 1000, policy),
  scaleDownStabilization: (ms, policy) => stabilizing(ms / 1000, policy),
  scaleUpStep: (scaleUpStep) => ({ scaleUpStep }),
  scaleDownStep: (scaleDownStep) => ({ scaleDownStep }),
};

/** A schedule is for every week: who sets a minimum above its maximum means this week, within what is configured. */
function withoutScheduledMaximum(policy: Policy, { maxWorkers }: Policy): Policy {
  if (policy.minWorkers <= policy.maxWorkers || maxWorkers <= policy.maxWorkers) return policy;
  const origins = { ...policy.origins, maxWorkers: 'MAX_WORKERS' };
  return { ...policy, maxWorkers, origins };
}

/** Where the two contradict, because one was configured after the other was set, the maximum counts. */
function withSoundBounds(policy: Policy): Policy {
  const { minWorkers, maxWorkers, origins } = policy;
  if (minWorkers <= maxWorkers) return policy;
  const min = `minWorkers=${String(minWorkers)} (${origins.minWorkers ?? 'MIN_WORKERS'})`;
  const max = origins.maxWorkers ?? 'MAX_WORKERS';
  return {
    ...policy,
    minWorkers: maxWorkers,
    origins: { ...origins, minWorkers: `${max}; ${min} is above it` },
  };
}
