import { act, save, verifyLastRemoval, type ActionParts, type Turn } from './act.ts';
import { decide } from './decision/decide.ts';
import { learnPlatformLimit } from './decision/limits.ts';
import type { Budget, Observation } from './decision/types.ts';
import type { Ledger } from './cost/ledger.ts';
import type { Held } from './cost/usage.ts';
import { withDeadline } from './deadline.ts';
import { operational, OperationalError } from './errors.ts';
import { observe, takeLease, type ObservationParts, type Seen } from './observe.ts';
import { LeaseLost } from './state/claim.ts';
import type { TickRecord } from './tick-record.ts';

/** What limits the workers of a pool beside its own bounds, asked when it is known how many are wanted. */
export type Budgets = (
  seen: {
    /** What the pool would have without any budget. */
    readonly wantedWorkers: number;
    readonly currentWorkers: number | null;
    readonly observedAtMs: number;
    /** The minimum in force. */
    readonly minWorkers: number;
  },
  signal: AbortSignal,
) => Promise<readonly Budget[]>;

export type LoopParts = ObservationParts &
  ActionParts & {
    readonly pool: string;
    readonly costs: Ledger;
    /** Null when the pool has none. */
    readonly budgets: Budgets | null;
  };

/** A refused change is decided again with the limit it taught: a limit per process type, then one over all types. */
const roundsMax = 4;
/** Adapters are told to give up a little before the tick does, so that their own story of what went wrong is heard. */
const shareOfAdapters = 0.95;

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
        const isLeader = await takeLease(parts, soon);
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
      const { minWorkers } = policy;
      const wantedWorkers = decided.decision.desiredWorkers;
      const budgets = await parts.budgets(
        { ...observation, wantedWorkers, minWorkers },
        turn.signal,
      );
      observation = { ...observation, budgets };
      decided = { ...decide(observation, policy, remembered), observation };
    }
    try {
      if (!seen.mayAct) {
        await save(parts, decided.memory, turn);
        throw error ?? restless();
      }
      let memory = await verifyLastRemoval(parts, { ...decided, memory: remembered }, turn);
      if (memory !== remembered) decided = { ...decide(observation, policy, memory), observation };
      for (let round = 1; round <= roundsMax; round += 1) {
        const { decision } = decided;
        const acted = await act(parts, decided, turn);
        if (acted.kind === 'done') return { ...acted, observation, decision, error };
        if (acted.kind === 'changed') {
          observation = { ...observation, currentWorkers: acted.currentWorkers };
          const { intent, manual } = decided.memory;
          memory = { ...memory, intent, manual };
        } else memory = learnPlatformLimit(memory, acted.limitWorkers, nowMs());
        decided = { ...decide(observation, policy, memory), observation };
        const isSame = decided.decision.desiredWorkers === decision.desiredWorkers;
        if (acted.kind === 'limited' && isSame) throw refused(acted.why);
      }
      throw restless();
    } catch (failure) {
      if (failure instanceof LeaseLost) return standingBy;
      const { decision } = decided;
      return { observation, decision, outcome: 'failed', drain: null, error: operational(failure) };
    }
  }
}

/** Where the ratio could not be told, it is taken to leave the workers as they are. */
function heldIn(
  { currentWorkers, decision, policy }: Pick<TickRecord, 'currentWorkers' | 'decision' | 'policy'>,
  { policy: configured, target }: LoopParts,
): Held {
  const { leading, minWorkers, maxWorkers } = policy ?? configured;
  const asked = leading === 'ratio' ? decision?.recommendedWorkers : decision?.alternative.workers;
  const ratio = asked ?? currentWorkers ?? 0;
  return {
    ...{ workers: currentWorkers, max: maxWorkers },
    ratio: Math.min(Math.max(ratio, minWorkers), maxWorkers),
    workerDollarsPerHour: target?.workerDollarsPerHour() ?? null,
  };
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
