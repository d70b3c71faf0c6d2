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
/** The platform lists a change at once; this much later nothing else explains a wrong list. */
const removalSettledMs = 5_000;

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
  const processes = await board.read(signal);
  // Where nothing runs and no companion could start anything, whoever goes takes no job along.
  const isAtRest =
    processes.length === 0 && whereabouts.jobs.length === 0 && whereabouts.areComplete;
  if (isAtRest)
    return {
      workers: decision.desiredWorkers,
      marked: [],
      lifted: [],
      blocked: [],
      freedAfterSeconds: [],
      drains: [],
    };
  const dynos = await parts.target.listWorkers(signal);
  const plan = (known: readonly WorkerProcess[]) =>
    planRemoval({
      ...{ processType, isStrict, drainTimeoutMs, currentWorkers, dynos, whereabouts },
      desiredWorkers: decision.desiredWorkers,
      processes: known,
      drains: memory.drains,
      isTailUnknown: memory.isTailUnknown,
      nowMs: parts.nowMs(),
    });

  const first = plan(processes);
  await board.mark(first.marked, first.lifted, signal);
  const settled = await settle(first, processes);
  if (settled === processes) return first;
  const second = plan(settled);
  await board.mark(second.marked, second.lifted, signal);
  return second;

  /** Waits a moment for the marked processes that run nothing, and returns what they say then. */
  async function settle(
    made: Plan,
    known: readonly WorkerProcess[],
  ): Promise<readonly WorkerProcess[]> {
    const untilMs = parts.nowMs() + Math.min(settleMs, parts.deadlineMs / 3);
    let latest = known;
    while (parts.nowMs() < untilMs && latest.some((process) => isAboutToDrain(process, made))) {
      await sleep(settleStepMs, undefined, { signal }).catch(() => undefined);
      latest = await board.read(signal);
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
 * Returns the memory without the removal, and with what was learned.
 * @throws {OperationalError} a `TARGET_…` code
 */
export async function verifyRemoval(
  memory: Memory,
  currentWorkers: number | null,
  { target, nowMs }: { readonly target: Target; readonly nowMs: () => number },
  signal: AbortSignal,
): Promise<Memory> {
  const { removal } = memory;
  if (removal === null || nowMs() - removal.madeAtMs < removalSettledMs) return memory;
  // Somebody scaled since: the list says nothing about that removal any more.
  if (currentWorkers !== removal.workers) return { ...memory, removal: null };
  const workers = await target.listWorkers(signal);
  const isWrong = workers.some(({ ordinal }) => ordinal !== null && ordinal > removal.workers);
  return { ...memory, removal: null, isTailUnknown: memory.isTailUnknown || isWrong };
}
