import { act, save, verifyLastRemoval, type ActionParts, type Turn } from './act.ts';
import { decide } from './decision/decide.ts';
import { learnPlatformLimit } from './decision/limits.ts';
import { startSecondsOf } from './decision/learned/boots.ts';
import { overridesInForce, type Overrides } from './decision/overrides.ts';
import { policyInForce } from './decision/policy-in-force.ts';
import type { Budget, Memory, Observation, Policy, UnreadableQueue } from './decision/types.ts';
import type { Ledger } from './cost/ledger.ts';
import type { Held } from './cost/usage.ts';
import { within, withDeadline } from './deadline.ts';
import type { WorkersSource } from './drain/workers.ts';
import { OperationalError } from './errors.ts';
import type { QueueSource } from './queues/queue-source.ts';
import { LeaseLost } from './state/claim.ts';
import type { TickRecord } from './tick-record.ts';

/** What limits the workers of a pool beside its own bounds, asked when it is known how many are wanted. */
export type Budgets = (
  seen: {
    /** What the pool would have without any budget. */
    readonly wantedWorkers: number;
    readonly currentWorkers: number | null;
    readonly observedAtMs: number;
  },
  signal: AbortSignal,
) => Promise<readonly Budget[]>;

export type LoopParts = ActionParts & {
  readonly pool: string;
  /** What is configured; operators may change some of it for a while. */
  readonly policy: Policy;
  readonly overrides: {
    /** @throws {OperationalError} `STATE_UNAVAILABLE` */
    read(signal: AbortSignal): Promise<Overrides>;
  };
  readonly queues: QueueSource;
  readonly workers: WorkersSource;
  readonly costs: Ledger;
  /** Null when the pool has none. */
  readonly budgets: Budgets | null;
};

/** However short the interval, the platform is asked about the workers at most this often, unless they are to change. */
const workersAgeMsMax = 10_000;
/** A refused change is decided again with the limit it taught: a limit per process type, then one over all types. */
const roundsMax = 4;
/** Adapters are told to give up a little before the tick does, so that their own story of what went wrong is heard. */
const shareOfAdapters = 0.95;
/** Redis may hang: the rest of the tick is for seeing and saying what can be seen without it. */
const shareOfLease = 1 / 3;

/** What a tick has to go on. Without all of it, it cannot go all the way. */
type Seen = {
  /** Null when the queues' server is out of reach. */
  readonly observation: Observation | null;
  readonly currentWorkers: number | null;
  /** Null when the daemon's own state is out of reach, or whether it may act. */
  readonly memory: Memory | null;
  /** What operators changed, and the policy with it; null when that cannot be told. */
  readonly overrides: Overrides | null;
  readonly policy: Policy | null;
  /** Whether the workers could be read, without which nothing is changed. */
  readonly mayAct: boolean;
  readonly error: OperationalError | null;
};
type Done = Pick<TickRecord, 'decision' | 'outcome' | 'drain' | 'error'> & {
  readonly observation: Observation | null;
};

/** Another daemon acts for the pool: it looks at the queues and the platform, and this one spares them. */
const standingBy = {
  ...{ observation: null, currentWorkers: null, overrides: null, policy: null },
  ...{ decision: null, drain: null, error: null },
  outcome: 'not-leader',
} as const;

/** The control loop of one pool: observe, decide, act; whoever calls it records. Rejects only for bugs. */
export function createLoop(parts: LoopParts): (shutdown: AbortSignal) => Promise<TickRecord> {
  const { pool, nowMs, deadlineMs } = parts;

  return async function tick(shutdown) {
    const startedAtMs = nowMs();
    const { currentWorkers, ...done } = await withDeadline(shutdown, deadlineMs, (signal) =>
      withDeadline(signal, deadlineMs * shareOfAdapters, async (soon) => {
        const isLeader = await attempt(takeLease(parts, soon));
        if (isLeader.value === false) return standingBy;
        const seen = await observe(parts, { soon, signal }, isLeader.error);
        const { overrides, policy } = seen;
        const done = await decideAndAct(seen, { startedAtMs, signal });
        return { currentWorkers: seen.currentWorkers, overrides, policy, ...done };
      }),
    );
    const endedAtMs = nowMs();
    const record = {
      pool,
      startedAtMs,
      durationSeconds: Math.max(0, endedAtMs - startedAtMs) / 1000,
      currentWorkers: done.observation?.currentWorkers ?? currentWorkers,
      ...done,
    };
    const isOwn = record.outcome !== 'not-leader';
    return { ...record, cost: isOwn ? parts.costs.count(endedAtMs, heldIn(record, parts)) : null };
  };

  async function decideAndAct(seen: Seen, turn: Turn): Promise<Done> {
    const { error, policy, memory: remembered } = seen;
    let { observation } = seen;
    if (observation === null || remembered === null || policy === null)
      return { observation, decision: null, outcome: 'failed', drain: null, error };

    let decided = { ...decide(observation, policy, remembered), observation };
    if (parts.budgets !== null) {
      const wantedWorkers = decided.decision.desiredWorkers;
      const budgets = await parts.budgets({ ...observation, wantedWorkers }, turn.signal);
      observation = { ...observation, budgets };
      decided = { ...decide(observation, policy, remembered), observation };
    }
    try {
      if (!seen.mayAct) {
        await save(parts, decided.memory, turn);
        throw error ?? restless();
      }
      let memory = await verifyLastRemoval(parts, { ...decided, memory: remembered }, turn);
      for (let round = 1; round <= roundsMax; round += 1) {
        decided = { ...decide(observation, policy, memory), observation };
        const { decision } = decided;
        const acted = await act(parts, decided, turn);
        if (acted.kind === 'done') return { ...acted, observation, decision, error };
        if (acted.kind === 'changed') {
          observation = { ...observation, currentWorkers: acted.currentWorkers };
          const { intent, manual } = decided.memory;
          memory = { ...memory, intent, manual };
        } else {
          memory = learnPlatformLimit(memory, acted.limitWorkers, nowMs());
          const again = decide(observation, policy, memory).decision;
          if (again.desiredWorkers === decision.desiredWorkers) throw refused(acted.why);
        }
      }
      throw restless();
    } catch (failure) {
      if (failure instanceof LeaseLost) return standingBy;
      const { decision } = decided;
      return { observation, decision, outcome: 'failed', drain: null, error: operational(failure) };
    }
  }
}

/** Waits no longer than the server may take that is merely slow. */
function takeLease({ lease, deadlineMs }: LoopParts, soon: AbortSignal): Promise<boolean> {
  return withDeadline(soon, deadlineMs * shareOfLease, (signal) =>
    within(signal, 'STATE_UNAVAILABLE', 'Redis', lease.take(signal)),
  );
}

/** Everything is read side by side, and what one part cannot tell does not hide what the others can. */
async function observe(
  { queues, workers, memories, overrides, policy, target, lease, costs, nowMs }: LoopParts,
  { soon, signal }: { soon: AbortSignal; signal: AbortSignal },
  leaseError: OperationalError | null,
): Promise<Seen> {
  // Before this daemon took over, another may have changed what it had read.
  const ageMsMax = Math.min(workersAgeMsMax, lease.heldForMs() ?? Infinity);
  const asked = target?.currentWorkers(ageMsMax, soon) ?? Promise.resolve(null);
  const reading = within(signal, 'QUEUE_UNREADABLE', 'Redis', queues.read(soon));
  const [queue, memory, changes, quantity, known] = await Promise.all([
    attempt(reading),
    attempt(within(signal, 'STATE_UNAVAILABLE', 'Redis', memories.load(soon))),
    attempt(within(signal, 'STATE_UNAVAILABLE', 'Redis', overrides.read(soon))),
    attempt(within(signal, 'TARGET_UNAVAILABLE', 'the platform', asked)),
    workers.read(reading, soon),
    costs.open(soon),
  ]);
  const currentWorkers = quantity.value;
  const observedAtMs = nowMs();
  const startSeconds = memory.value && startSecondsOf(memory.value.learned.boots);
  return {
    overrides: changes.value && overridesInForce(changes.value, observedAtMs),
    policy:
      changes.value === null || startSeconds === null
        ? null
        : policyInForce(policy, changes.value, { nowMs: observedAtMs, startSeconds }),
    observation: queue.value && {
      ...queue.value,
      observedAtMs,
      currentWorkers,
      workers: known,
      budgets: [],
    },
    currentWorkers,
    memory: leaseError === null ? memory.value : null,
    mayAct: quantity.error === null,
    error:
      queue.error ??
      leaseError ??
      memory.error ??
      changes.error ??
      quantity.error ??
      blindness(queue.value?.unreadableQueues ?? []),
  };
}

/** Where the ratio could not be told, it is taken to leave the workers as they are. */
function heldIn(
  { currentWorkers, decision }: Pick<TickRecord, 'currentWorkers' | 'decision'>,
  { policy: { leading, minWorkers, maxWorkers }, target }: LoopParts,
): Held {
  const asked = leading === 'ratio' ? decision?.recommendedWorkers : decision?.alternative.workers;
  const ratio = asked ?? currentWorkers ?? 0;
  return {
    ...{ workers: currentWorkers, max: maxWorkers },
    ratio: Math.min(Math.max(ratio, minWorkers), maxWorkers),
    workerDollarsPerHour: target?.workerDollarsPerHour() ?? null,
  };
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

function refused(why: string): OperationalError {
  return new OperationalError('TARGET_REJECTED', why, {
    hint: 'More workers run than the limit allows, so the platform refuses every change: lower MAX_WORKERS to the limit.',
  });
}
