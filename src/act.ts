import type { Decision, Memory, Observation } from './decision/types.ts';
import { within } from './deadline.ts';
import { cancelledOf, dynosUpTo } from './drain/plan.ts';
import { prepareRemoval, verifyRemoval, type Protection } from './drain/removal.ts';
import { OperationalError } from './errors.ts';
import { LeaseLost } from './state/claim.ts';
import type { Lease } from './state/lease.ts';
import type { MemoryStore } from './state/memory-store.ts';
import type { Target } from './targets/target.ts';
import type { DrainReport, Outcome } from './tick-record.ts';

export type ActionParts = {
  /** What is scaled; null in a dry run that knows no platform. */
  readonly target: Target | null;
  readonly isDryRun: boolean;
  /** How running jobs are protected from a scale-down; null when they are not. */
  readonly protection: Protection | null;
  /** The right to act for the pool. Memory is saved under it too, so that saving asks the server whether it is held. */
  readonly lease: Pick<Lease, 'take' | 'heldForMs' | 'assertHeld'>;
  readonly memories: MemoryStore;
  readonly nowMs: () => number;
  /** How long a tick may take, in milliseconds. */
  readonly deadlineMs: number;
};

/** What is to be carried out, and what it was made from. */
export type Decided = {
  readonly decision: Decision;
  readonly memory: Memory;
  readonly observation: Observation;
};

/** The tick that acts: everything it waits for ends with `signal`. */
export type Turn = { readonly startedAtMs: number; readonly signal: AbortSignal };

/** How far an action came, or why the decision must be made again. */
export type Acted =
  | { readonly kind: 'done'; readonly outcome: Outcome; readonly drain: DrainReport | null }
  /** Somebody else scaled since the workers were read. */
  | { readonly kind: 'changed'; readonly currentWorkers: number }
  /** The platform refused and named the most it allows. */
  | { readonly kind: 'limited'; readonly limitWorkers: number; readonly why: string };

/** A reading of the workers may be this old when they are changed, and must be of this tick. */
const workersAgeBeforeChangeMsMax = 2_000;

/**
 * Carries a decision out: nothing, scaling up at once, or scaling down through the drain.
 * @throws {OperationalError} `STATE_UNAVAILABLE`, or a `TARGET_…` code
 * @throws {LeaseLost} before anything was changed
 */
export async function act(parts: ActionParts, decided: Decided, turn: Turn): Promise<Acted> {
  const { target, protection } = parts;
  const { action, desiredWorkers } = decided.decision;
  if (target === null || parts.isDryRun) {
    await save(parts, decided.memory, turn);
    const isHeld = target !== null && action === 'hold';
    return { kind: 'done', outcome: isHeld ? 'held' : 'dry-run', drain: null };
  }
  if (action === 'scale-down' && protection !== null)
    return remove(parts, protection, target, decided, turn);

  const undrained = { ...decided, memory: { ...decided.memory, drains: [] } };
  const drain = await cancelDrain(protection, decided, turn);
  if (action === 'hold') {
    await save(parts, undrained.memory, turn);
    return { kind: 'done', outcome: 'held', drain };
  }
  const changed = await change(parts, target, undrained, desiredWorkers, turn);
  return changed.kind === 'done' ? { ...changed, drain } : changed;
}

/** Scales down as far as no job is interrupted, and has the rest of the tail drain. */
async function remove(
  parts: ActionParts,
  protection: Protection,
  target: Target,
  decided: Decided,
  turn: Turn,
): Promise<Acted> {
  const { nowMs, deadlineMs } = parts;
  const preparing = prepareRemoval(protection, { target, nowMs, deadlineMs }, decided, turn.signal);
  const plan = await within(turn.signal, 'TARGET_UNAVAILABLE', 'the drain', preparing);
  const { workers, drains, going, marked } = plan;
  const drain = drainReport(decided.memory, plan);
  const isDraining = marked.length > 0;
  if (workers === decided.decision.currentWorkers) {
    await save(parts, { ...decided.memory, drains }, turn);
    return { kind: 'done', outcome: isDraining ? 'draining' : 'held', drain };
  }
  const removal = { workers, madeAtMs: nowMs() };
  const memory = { ...decided.memory, drains: [...drains, ...going], removal };
  const changed = await change(parts, target, { ...decided, memory }, workers, turn);
  if (changed.kind === 'done')
    return { kind: 'done', outcome: isDraining ? 'draining' : 'scaled', drain };
  // Who was asked to drain was asked for another number of workers, and nobody remembers it.
  const isChanged = changed.kind === 'changed';
  const present = isChanged ? changed.currentWorkers : decided.decision.currentWorkers;
  await lift(protection, present, turn);
  return changed;
}

/** Demand is back, or nobody is to go any more: whoever was asked to drain goes on at once. */
async function cancelDrain(
  protection: Protection | null,
  { decision, memory }: Decided,
  turn: Turn,
): Promise<DrainReport | null> {
  const { drains, tailUnknownSinceMs } = memory;
  if (protection !== null && drains.length > 0)
    await lift(protection, decision.currentWorkers, turn);
  const cancelled =
    protection === null
      ? []
      : cancelledOf(drains, protection.processType, decision.currentWorkers ?? 0);
  if (cancelled.length === 0 && tailUnknownSinceMs === null) return null;
  return drainReport(memory, { cancelled });
}

/** Those that were removed keep their mark, or they would take jobs in their last seconds. */
async function lift(
  { board, processType }: Protection,
  currentWorkers: number | null,
  { signal }: Turn,
): Promise<void> {
  await board.mark([], dynosUpTo(processType, currentWorkers ?? 0), signal);
}

function drainReport({ tailUnknownSinceMs }: Memory, plan: Partial<DrainReport>): DrainReport {
  const { marked = [], cancelled = [], blocked = [] } = plan;
  const { unknown = [], freedAfterSeconds = [] } = plan;
  return { marked, cancelled, blocked, unknown, freedAfterSeconds, tailUnknownSinceMs };
}

async function change(
  parts: ActionParts,
  target: Target,
  { decision, memory }: Decided,
  workers: number,
  turn: Turn,
): Promise<Acted> {
  // Only what this tick read itself may be relied on: an answer to the change before would let one change license the
  // next, unseen by whoever scales by hand.
  const tickAgeMs = parts.nowMs() - turn.startedAtMs + 1;
  const ageMsMax = Math.min(tickAgeMs, workersAgeBeforeChangeMsMax);
  const reading = target.currentWorkers(ageMsMax, turn.signal);
  const currentWorkers = await within(turn.signal, 'TARGET_UNAVAILABLE', 'the platform', reading);
  if (currentWorkers !== decision.currentWorkers) return { kind: 'changed', currentWorkers };
  // Saved first: a daemon that cannot remember what it decided must not act on it, and whoever looks after a crash
  // must not take the change for a person's.
  const intent = { workers, formerWorkers: currentWorkers, madeAtMs: parts.nowMs() };
  await save(parts, { ...memory, intent }, turn);
  parts.lease.assertHeld();
  const scaling = target.scaleTo(workers, turn.signal);
  const result = await within(turn.signal, 'TARGET_UNAVAILABLE', 'the platform', scaling);
  if (result.kind !== 'scaled') return result;
  await saveIfPossible(parts, { ...memory, intent: { ...intent, formerWorkers: null } }, turn);
  return { kind: 'done', outcome: 'scaled', drain: null };
}

/** That a change was obeyed is good to know, and no reason to call it failed when it cannot be written down. */
async function saveIfPossible(parts: ActionParts, memory: Memory, turn: Turn): Promise<void> {
  try {
    await save(parts, memory, turn);
  } catch (error) {
    if (!(error instanceof OperationalError || error instanceof LeaseLost)) throw error;
  }
}

/**
 * @throws {OperationalError} `STATE_UNAVAILABLE`
 * @throws {LeaseLost} when another daemon may act for the pool
 */
export async function save(
  { memories }: ActionParts,
  memory: Memory,
  { signal }: Turn,
): Promise<void> {
  await within(signal, 'STATE_UNAVAILABLE', 'Redis', memories.save(memory, signal));
}

/**
 * Whether the last removal took those workers that draining the tail rests on. A look that fails tells nothing and is
 * not worth a tick.
 */
export async function verifyLastRemoval(
  { target, nowMs }: ActionParts,
  { decision, memory, observation }: Decided,
  { signal }: Turn,
): Promise<Memory> {
  // Scaling up waits for nothing, and makes the last removal unimportant.
  if (target === null || decision.action === 'scale-up') return memory;
  const verifying = verifyRemoval(memory, observation.currentWorkers, { target, nowMs }, signal);
  try {
    return await within(signal, 'TARGET_UNAVAILABLE', 'the platform', verifying);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { ...memory, removal: null };
  }
}
