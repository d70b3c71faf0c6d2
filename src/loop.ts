import { decide } from './decision/decide.ts';
import { learnPlatformLimit } from './decision/limits.ts';
import type { Decision, Memory, Observation, Policy, UnreadableQueue } from './decision/types.ts';
import { within, withDeadline } from './deadline.ts';
import type { Plan } from './drain/plan.ts';
import { prepareRemoval, verifyRemoval, type Protection } from './drain/removal.ts';
import { OperationalError } from './errors.ts';
import type { QueueSource } from './queues/queue-source.ts';
import type { MemoryStore } from './state/memory-store.ts';
import type { Target } from './targets/target.ts';

/** What became of a tick. `not-leader` is reserved for daemons that share a lease. */
export const outcomes = ['scaled', 'held', 'draining', 'dry-run', 'not-leader', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

/** All that is known about one tick: log, metrics, status and `--json` are readers of this one value. */
export type TickRecord = {
  readonly pool: string;
  readonly startedAtMs: number;
  readonly durationSeconds: number;
  /** What was seen, as far as it was; null when the queues' server was out of reach. */
  readonly observation: Observation | null;
  readonly decision: Decision | null;
  readonly outcome: Outcome;
  /** What became of the workers that should go; null when none should and the tail can be relied on. */
  readonly drain: DrainReport | null;
  /** A tick without an error is a good one. */
  readonly error: OperationalError | null;
};

export type DrainReport = Pick<
  Plan,
  'marked' | 'cancelled' | 'blocked' | 'unknown' | 'freedAfterSeconds'
> & {
  /** Whether the platform was seen to remove other workers than those with the highest numbers. */
  readonly isTailUnknown: boolean;
};

export type LoopParts = {
  readonly pool: string;
  readonly policy: Policy;
  readonly queues: QueueSource;
  /** What is scaled; null in a dry run that knows no platform. */
  readonly target: Target | null;
  readonly isDryRun: boolean;
  /** How running jobs are protected from a scale-down; null when they are not. */
  readonly protection: Protection | null;
  readonly memories: MemoryStore;
  readonly nowMs: () => number;
  /** The tick settles before this, whatever it waits for. */
  readonly deadlineMs: number;
};

/** However short the interval, the platform is asked about the workers at most this often, unless they are to change. */
const formationAgeMsMax = 10_000;
/** A reading this young counts as taken right before the change. */
const formationAgeBeforeChangeMsMax = 2_000;
/** A refused change is decided again with the limit it taught: a limit per process type, then one over all types. */
const roundsMax = 4;

/** What a tick has to go on. Without memory, or with an error of the platform, it cannot go all the way. */
type Seen = {
  readonly observation: Observation;
  /** Null when the queues' server or the daemon's own state is out of reach: then nothing is decided. */
  readonly memory: Memory | null;
  /** Whether the workers could be read, without which nothing is changed. */
  readonly mayAct: boolean;
  readonly error: OperationalError | null;
};
type Done = Pick<TickRecord, 'observation' | 'decision' | 'outcome' | 'drain' | 'error'>;
type Next = {
  readonly decision: Decision;
  readonly memory: Memory;
  readonly observation: Observation;
};
/** How far an action came. */
type Acted = { readonly outcome: Outcome; readonly drain: DrainReport | null };
/** Why a decision was not carried out and must be made again: somebody else scaled, or the platform named a limit. */
type Surprise = { readonly currentWorkers: number } | { readonly limitWorkers: number };

/** The control loop of one pool: observe, decide, act; whoever calls it records. Rejects only for bugs. */
export function createLoop(parts: LoopParts): (shutdown: AbortSignal) => Promise<TickRecord> {
  const { pool, policy, nowMs } = parts;

  return async function tick(shutdown) {
    const startedAtMs = nowMs();
    const done = await withDeadline(shutdown, parts.deadlineMs, async (signal) => {
      const seen = await observe(parts, signal);
      return decideAndAct(seen, signal);
    });
    return { pool, startedAtMs, durationSeconds: (nowMs() - startedAtMs) / 1000, ...done };
  };

  async function decideAndAct(
    { mayAct, error, ...seen }: Seen,
    signal: AbortSignal,
  ): Promise<Done> {
    let { observation } = seen;
    if (seen.memory === null)
      return { observation, decision: null, outcome: 'failed', drain: null, error };

    let memory = seen.memory;
    let decided = decide(observation, policy, memory);
    try {
      if (!mayAct) throw error ?? restless();
      // Scaling up waits for nothing, and makes the last removal unimportant.
      if (decided.decision.action !== 'scale-up')
        memory = await verify(parts, memory, observation.currentWorkers, signal);
      for (let round = 1; round <= roundsMax; round += 1) {
        decided = decide(observation, policy, memory);
        const acted = await act(parts, { ...decided, observation }, signal);
        if ('outcome' in acted) return { observation, decision: decided.decision, ...acted, error };
        if ('currentWorkers' in acted) observation = { ...observation, ...acted };
        else memory = learnPlatformLimit(memory, acted.limitWorkers, nowMs());
      }
      throw restless();
    } catch (failure) {
      const { decision } = decided;
      return { observation, decision, outcome: 'failed', drain: null, error: operational(failure) };
    }
  }
}

/** Everything is read side by side, and what one part cannot tell does not hide what the others can. */
async function observe(parts: LoopParts, signal: AbortSignal): Promise<Seen> {
  const [reading, memory, workers] = await Promise.all([
    attempt(within(signal, 'QUEUE_UNREADABLE', 'Redis', parts.queues.read(signal))),
    attempt(within(signal, 'STATE_UNAVAILABLE', 'Redis', parts.memories.load(signal))),
    attempt(readWorkers(parts, formationAgeMsMax, signal)),
  ]);
  const unreadableQueues = reading.value?.unreadableQueues ?? [];
  return {
    observation: {
      observedAtMs: parts.nowMs(),
      queues: reading.value?.queues ?? [],
      unreadableQueues,
      currentWorkers: workers.value,
    },
    memory: reading.error === null ? memory.value : null,
    mayAct: workers.error === null,
    error: reading.error ?? memory.error ?? workers.error ?? blindness(unreadableQueues),
  };
}

async function act(parts: LoopParts, next: Next, signal: AbortSignal): Promise<Acted | Surprise> {
  const { target, protection } = parts;
  const { action, desiredWorkers } = next.decision;
  if (target === null || parts.isDryRun) {
    await save(parts, next.memory, signal);
    return { outcome: target !== null && action === 'hold' ? 'held' : 'dry-run', drain: null };
  }
  if (action === 'scale-down' && protection !== null)
    return remove(parts, protection, target, next, signal);

  const memory = { ...next.memory, drains: [] };
  const drain = await cancelDrain(parts, next, signal);
  if (action === 'hold') {
    await save(parts, memory, signal);
    return { outcome: 'held', drain };
  }
  const changed = await change(
    parts,
    target,
    { workers: desiredWorkers, decision: next.decision, memory },
    signal,
  );
  return 'outcome' in changed ? { ...changed, drain } : changed;
}

/** Scales down as far as no job is interrupted, and has the rest of the tail drain. */
async function remove(
  parts: LoopParts,
  protection: Protection,
  target: Target,
  next: Next,
  signal: AbortSignal,
): Promise<Acted | Surprise> {
  const { nowMs, deadlineMs } = parts;
  const { decision } = next;
  const preparing = prepareRemoval(protection, { target, nowMs, deadlineMs }, next, signal);
  const plan = await within(signal, 'TARGET_UNAVAILABLE', 'the drain', preparing);
  const { workers, marked, cancelled, blocked, unknown, freedAfterSeconds, drains } = plan;
  const { isTailUnknown } = next.memory;
  const drain = { marked, cancelled, blocked, unknown, freedAfterSeconds, isTailUnknown };
  const memory = { ...next.memory, drains };
  const isDraining = marked.length > 0;
  if (workers === decision.currentWorkers) {
    await save(parts, memory, signal);
    return { outcome: isDraining ? 'draining' : 'held', drain };
  }
  const removal = { workers, madeAtMs: nowMs() };
  const changed = await change(
    parts,
    target,
    { workers, decision, memory: { ...memory, removal } },
    signal,
  );
  if ('outcome' in changed) return { outcome: isDraining ? 'draining' : 'scaled', drain };
  // Who was asked to drain was asked for another number of workers, and nobody remembers it.
  await protection.board.liftAll(signal);
  return changed;
}

/** Whether the last removal took those workers that draining the tail rests on. */
async function verify(
  { target, nowMs }: LoopParts,
  memory: Memory,
  currentWorkers: number | null,
  signal: AbortSignal,
): Promise<Memory> {
  if (target === null) return memory;
  const verifying = verifyRemoval(memory, currentWorkers, { target, nowMs }, signal);
  return within(signal, 'TARGET_UNAVAILABLE', 'the platform', verifying);
}

/** Demand is back, or nobody is to go any more: whoever was asked to drain goes on at once. */
async function cancelDrain(
  { protection }: LoopParts,
  { decision, memory }: Next,
  signal: AbortSignal,
): Promise<DrainReport | null> {
  const cancelled = memory.drains.map(({ dyno }) => dyno);
  // After a removal the marks of those that went linger for a while, and new dynos take over their names.
  const mayBeMarked = cancelled.length > 0 || decision.action === 'scale-up';
  if (protection !== null && mayBeMarked) await protection.board.liftAll(signal);
  const { isTailUnknown } = memory;
  if (cancelled.length === 0 && !isTailUnknown) return null;
  return { marked: [], cancelled, blocked: [], unknown: [], freedAfterSeconds: [], isTailUnknown };
}

async function change(
  parts: LoopParts,
  target: Target,
  { workers, decision, memory }: { workers: number; decision: Decision; memory: Memory },
  signal: AbortSignal,
): Promise<Acted | Surprise> {
  const currentWorkers = await readWorkers(parts, formationAgeBeforeChangeMsMax, signal);
  if (currentWorkers !== null && currentWorkers !== decision.currentWorkers)
    return { currentWorkers };
  // Saved first: a daemon that cannot remember what it decided must not act on it.
  await save(parts, memory, signal);
  const result = await within(
    signal,
    'TARGET_UNAVAILABLE',
    'the platform',
    target.scaleTo(workers, signal),
  );
  return result.kind === 'scaled'
    ? { outcome: 'scaled', drain: null }
    : { limitWorkers: result.limitWorkers };
}

async function save({ memories }: LoopParts, memory: Memory, signal: AbortSignal): Promise<void> {
  await within(signal, 'STATE_UNAVAILABLE', 'Redis', memories.save(memory, signal));
}

async function readWorkers(
  { target }: LoopParts,
  ageMsMax: number,
  signal: AbortSignal,
): Promise<number | null> {
  if (target === null) return null;
  return within(
    signal,
    'TARGET_UNAVAILABLE',
    'the platform',
    target.currentWorkers(ageMsMax, signal),
  );
}

type Attempt<T> = { readonly value: T | null; readonly error: OperationalError | null };

async function attempt<T>(work: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work, error: null };
  } catch (error) {
    return { value: null, error: operational(error) };
  }
}

/** Lets bugs through: only trouble with the outside world is part of a tick. */
function operational(error: unknown): OperationalError {
  if (error instanceof OperationalError) return error;
  throw error;
}

function blindness(unreadable: readonly UnreadableQueue[]): OperationalError | null {
  if (unreadable.length === 0) return null;
  const named = unreadable.slice(0, 3).map(({ queue, why }) => `queue "${queue}": ${why}`);
  const more = unreadable.length > 3 ? [`and ${String(unreadable.length - 3)} more`] : [];
  const message = [...named, ...more].join('; ');
  const hint = 'Until every queue of the pool can be read, workers are not removed.';
  return new OperationalError('QUEUE_UNREADABLE', message, { hint });
}

function restless(): OperationalError {
  return new OperationalError(
    'TARGET_UNREADABLE',
    'the number of workers kept changing while it was to be set',
    {
      hint: 'Somebody or something else scales this process type at the same time: find it and stop one of the two.',
    },
  );
}
