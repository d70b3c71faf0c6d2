import { decide } from './decision/decide.ts';
import { learnPlatformLimit } from './decision/limits.ts';
import type { Decision, Memory, Observation, Policy, UnreadableQueue } from './decision/types.ts';
import { within, withDeadline } from './deadline.ts';
import { OperationalError } from './errors.ts';
import type { QueueSource } from './queues/queue-source.ts';
import type { MemoryStore } from './state/memory-store.ts';
import type { Target } from './targets/target.ts';

/** What became of a tick. `draining` and `not-leader` are reserved for pools that drain and share a lease. */
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
  /** A tick without an error is a good one. */
  readonly error: OperationalError | null;
};

export type LoopParts = {
  readonly pool: string;
  readonly policy: Policy;
  readonly queues: QueueSource;
  /** What is scaled; null in a dry run that knows no platform. */
  readonly target: Target | null;
  readonly isDryRun: boolean;
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
type Done = Pick<TickRecord, 'observation' | 'decision' | 'outcome' | 'error'>;
type Next = { readonly decision: Decision; readonly memory: Memory };
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
    let { observation, memory } = seen;
    if (memory === null) return { observation, decision: null, outcome: 'failed', error };

    let next = decide(observation, policy, memory);
    if (!mayAct) return { observation, decision: next.decision, outcome: 'failed', error };
    try {
      for (let round = 1; round <= roundsMax; round += 1) {
        const outcome = await act(parts, next, signal);
        if (typeof outcome === 'string')
          return { observation, decision: next.decision, outcome, error };
        if ('currentWorkers' in outcome) observation = { ...observation, ...outcome };
        else memory = learnPlatformLimit(memory, outcome.limitWorkers, nowMs());
        next = decide(observation, policy, memory);
      }
      throw restless();
    } catch (failure) {
      return {
        observation,
        decision: next.decision,
        outcome: 'failed',
        error: operational(failure),
      };
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

async function act(
  parts: LoopParts,
  { decision, memory }: Next,
  signal: AbortSignal,
): Promise<Outcome | Surprise> {
  const { target } = parts;
  const save = () =>
    within(signal, 'STATE_UNAVAILABLE', 'Redis', parts.memories.save(memory, signal));
  if (target === null || parts.isDryRun || decision.action === 'hold') {
    await save();
    return target !== null && decision.action === 'hold' ? 'held' : 'dry-run';
  }
  const currentWorkers = await readWorkers(parts, formationAgeBeforeChangeMsMax, signal);
  if (currentWorkers !== null && currentWorkers !== decision.currentWorkers)
    return { currentWorkers };
  // Saved first: a daemon that cannot remember what it decided must not act on it.
  await save();
  const work = target.scaleTo(decision.desiredWorkers, signal);
  const result = await within(signal, 'TARGET_UNAVAILABLE', 'the platform', work);
  return result.kind === 'scaled' ? 'scaled' : { limitWorkers: result.limitWorkers };
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
