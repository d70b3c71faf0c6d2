import type { Decision, Memory, Observation, Policy } from './types.ts';
import { counted, timeOfDay } from './words.ts';

/** A request that was not answered may still be obeyed for so long. */
const obeyedWithinMs = 60_000;
const dayMs = 24 * 60 * 60_000;

/**
 * Notices that somebody else set the number of workers, and forgets it when it was respected for long enough. Whatever
 * lies between the number asked for and the one before may be a request obeyed late, or in part.
 */
export function noticePerson(
  memory: Memory,
  { currentWorkers, observedAtMs: nowMs }: Observation,
  { manualHoldSeconds, pause }: Policy,
): Memory {
  const manual = inForce(memory.manual, nowMs, manualHoldSeconds * 1000);
  // Who paused the pool has taken it over; what is found when it is given back is taken as it is.
  if (pause !== null) return { ...memory, intent: null, manual };
  if (currentWorkers === null) return { ...memory, manual };
  const { intent } = memory;
  const settled = { workers: currentWorkers, formerWorkers: null, madeAtMs: nowMs };
  // A pool that is seen for the first time was left as it is by whoever cared for it before.
  if (intent === null) return { ...memory, intent: settled, manual };
  const { workers, formerWorkers, madeAtMs } = intent;
  if (isBetween(currentWorkers, workers, formerWorkers ?? workers)) {
    const mayChange = currentWorkers !== workers && nowMs - madeAtMs < obeyedWithinMs;
    return { ...memory, intent: mayChange ? intent : settled, manual };
  }
  const noticed = { workers: currentWorkers, setAtMs: nowMs };
  return {
    ...memory,
    intent: settled,
    manual: inForce({ ...noticed, untilMs: Infinity }, nowMs, manualHoldSeconds * 1000),
  };
}

/** The hold never lasts longer than the policy says now, whatever clock or policy it was begun under. */
function inForce(manual: Memory['manual'], nowMs: number, holdMs: number): Memory['manual'] {
  if (manual === null || manual.untilMs <= nowMs || holdMs === 0) return null;
  return { ...manual, untilMs: Math.min(manual.untilMs, nowMs + holdMs) };
}

function isBetween(workers: number, one: number, other: number): boolean {
  return workers >= Math.min(one, other) && workers <= Math.max(one, other);
}

/** Who is in charge until when, as a person reads it. */
export function manualHold({ manual }: Memory): Decision['manualHold'] {
  if (manual === null) return null;
  const { workers, setAtMs, untilMs } = manual;
  const isLong = untilMs - setAtMs >= dayMs;
  const done = `someone set ${counted(workers, 'worker')} at ${timeOfDay(setAtMs, isLong)}`;
  const effect = workers === 0 ? 'paused' : 'respected';
  return { workers, untilMs, why: `${done}, ${effect} until ${timeOfDay(untilMs, isLong)}` };
}
