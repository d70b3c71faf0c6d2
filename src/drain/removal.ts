import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, Memory, Observation } from '../decision/types.ts';
import type { Target } from '../targets/target.ts';
import type { DrainBoard } from './board.ts';
import { planRemoval, type Plan } from './plan.ts';
import { whereaboutsOf, type WorkerProcess } from './verdict.ts';

/** How the pool's jobs are protected from a removal of their worker. */
export type Protection = {
  readonly board: DrainBoard;
  readonly processType: string;
  /** Remove only dynos known to be idle, not also those of which nothing is known. */
  readonly isStrict: boolean;
  readonly drainTimeoutMs: number;
};

/** An idle companion is drained within a second of its mark; waiting that long saves an idle dyno a whole interval. */
const settleMs = 2_000;
const settleStepMs = 250;
/** While a long job is waited for, the platform is asked for its list at most this often, unless workers are to go. */
const listAgeMsMax = 10_000;
/** Right before a removal it is read anew, after the heartbeats: a deploy in between must show. */
const listAgeBeforeRemovalMsMax = 0;
/** A worker that is told to end is killed within 31 s: one that is listed later than this was not told. */
const removalSettledMs = 40_000;
/** So long after a removal took the wrong dynos the order is tried again: one odd removal must not last for ever. */
const tailUnknownMs = 24 * 60 * 60_000;

/**
 * Asks the tail to drain and finds out how many workers can go now.
 * @throws {OperationalError} `STATE_UNAVAILABLE`, or a `TARGET_…` code
 */
export async function prepareRemoval(
  { board, processType, isStrict, drainTimeoutMs }: Protection,
  parts: { readonly target: Target; readonly nowMs: () => number; readonly deadlineMs: number },
  {
    decision,
    memory,
    observation,
  }: { decision: Decision; memory: Memory; observation: Observation },
  signal: AbortSignal,
): Promise<Plan> {
  const currentWorkers = decision.currentWorkers ?? 0;
  const whereabouts = whereaboutsOf(observation);
  const { processes, isJoined } = await board.read(signal);
  // Where nothing runs and no companion could start anything, whoever goes takes no job along.
  const isAtRest = !isJoined && whereabouts.jobs.length === 0 && whereabouts.areComplete;

  const first = await plan(processes, memory.drains, listAgeMsMax);
  const settled = await settle(first, processes);
  if (settled === processes && first.workers === currentWorkers) return first;
  const drains = new Map([...memory.drains, ...first.drains].map((drain) => [drain.dyno, drain]));
  return plan(settled, [...drains.values()], listAgeBeforeRemovalMsMax);

  async function plan(
    known: readonly WorkerProcess[],
    drains: Memory['drains'],
    listAgeMs: number,
  ): Promise<Plan> {
    const made = planRemoval({
      ...{ processType, isStrict, drainTimeoutMs, currentWorkers, whereabouts, drains },
      desiredWorkers: decision.desiredWorkers,
      dynos: isAtRest ? [] : await parts.target.listWorkers(listAgeMs, signal),
      processes: known,
      isJoined,
      isTailUnknown: memory.tailUnknownSinceMs !== null,
      nowMs: parts.nowMs(),
    });
    const asked = [...made.marked, ...made.going.map(({ dyno }) => dyno)];
    await board.mark(asked, made.lifted, signal);
    return made;
  }

  /** Waits a moment for the marked processes that run nothing, and returns what they say then. */
  async function settle(
    made: Plan,
    known: readonly WorkerProcess[],
  ): Promise<readonly WorkerProcess[]> {
    const steps = Math.min(settleMs, parts.deadlineMs / 3) / settleStepMs;
    let latest = known;
    for (let step = 1; step <= steps; step += 1) {
      if (!latest.some((process) => isAboutToDrain(process, made))) break;
      await sleep(settleStepMs, undefined, { signal }).catch(() => undefined);
      latest = (await board.read(signal)).processes;
    }
    return latest;
  }
}

function isAboutToDrain(
  { dyno, state, activeJobs, ageMs }: WorkerProcess,
  { marked }: Plan,
): boolean {
  return (
    marked.includes(dyno) &&
    state !== 'drained' &&
    state !== 'closing' &&
    activeJobs === 0 &&
    ageMs < settleMs
  );
}

/**
 * Looks, a while after a removal, whether the workers with the highest numbers went, on which draining the tail rests.
 * Returns the memory without the removal, and with what was learned; the same value when there was nothing to learn.
 * @throws {OperationalError} a `TARGET_…` code
 */
export async function verifyRemoval(
  remembered: Memory,
  currentWorkers: number | null,
  { target, nowMs }: { readonly target: Target; readonly nowMs: () => number },
  signal: AbortSignal,
): Promise<Memory> {
  const { removal } = remembered;
  const tailUnknownSinceMs = tailUnknownInForce(remembered, nowMs());
  const isInForce = tailUnknownSinceMs === remembered.tailUnknownSinceMs;
  const memory = isInForce ? remembered : { ...remembered, tailUnknownSinceMs };
  if (removal === null || nowMs() - removal.madeAtMs < removalSettledMs) return memory;
  const verified = { ...memory, removal: null };
  // Somebody scaled since: the list says nothing about that removal any more.
  if (memory.tailUnknownSinceMs !== null || currentWorkers !== removal.workers) return verified;
  const workers = await target.listWorkers(0, signal);
  if (!workers.some(({ ordinal }) => ordinal !== null && ordinal > removal.workers))
    return verified;
  // What is concluded now holds for a day, so nobody may have scaled just before the list was made.
  const isUnchanged = (await target.currentWorkers(0, signal)) === removal.workers;
  return { ...verified, tailUnknownSinceMs: isUnchanged ? nowMs() : null };
}

function tailUnknownInForce({ tailUnknownSinceMs }: Memory, nowMs: number): number | null {
  const isInForce = tailUnknownSinceMs !== null && nowMs - tailUnknownSinceMs < tailUnknownMs;
  return isInForce ? tailUnknownSinceMs : null;
}
