import { startSecondsOf } from './decision/learned/boots.ts';
import { overridesInForce, type Overrides } from './decision/overrides.ts';
import { policyInForce } from './decision/policy-in-force.ts';
import type { Memory, Observation, Policy, UnreadableQueue } from './decision/types.ts';
import type { Ledger } from './cost/ledger.ts';
import { within, withDeadline } from './deadline.ts';
import type { WorkersSource } from './drain/workers.ts';
import { operational, OperationalError } from './errors.ts';
import type { QueueSource } from './queues/queue-source.ts';
import type { Lease } from './state/lease.ts';
import type { MemoryStore } from './state/memory-store.ts';
import type { Target } from './targets/target.ts';

/** What is looked at, and what of it a decision rests on. */
export type ObservationParts = {
  /** What is configured; the schedule and operators may change some of it for a while. */
  readonly policy: Policy;
  readonly overrides: {
    /** @throws {OperationalError} `STATE_UNAVAILABLE` */
    read(signal: AbortSignal): Promise<Overrides>;
  };
  readonly queues: QueueSource;
  readonly workers: WorkersSource;
  readonly target: Target | null;
  readonly lease: Pick<Lease, 'take' | 'heldForMs'>;
  readonly memories: Pick<MemoryStore, 'load'>;
  readonly costs: Pick<Ledger, 'open'>;
  readonly nowMs: () => number;
  /** How long a tick may take, in milliseconds. */
  readonly deadlineMs: number;
};

/** However short the interval, the platform is asked about the workers at most this often, unless they are to change. */
const workersAgeMsMax = 10_000;
/** Redis may hang: the rest of the tick is for seeing and saying what can be seen without it. */
const shareOfLease = 1 / 3;

/** What a tick has to go on. Without all of it, it cannot go all the way. */
export type Seen = {
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

/** What came of asking: an answer, or what stood in the way. */
type Attempt<T> = { readonly value: T | null; readonly error: OperationalError | null };

/** Whether this daemon acts for the pool. Waits no longer than the server may take that is merely slow. */
export function takeLease(
  { lease, deadlineMs }: ObservationParts,
  soon: AbortSignal,
): Promise<Attempt<boolean>> {
  return withDeadline(soon, deadlineMs * shareOfLease, (signal) =>
    attempt(within(signal, 'STATE_UNAVAILABLE', 'Redis', lease.take(signal))),
  );
}

/** Everything is read side by side, and what one part cannot tell does not hide what the others can. */
export async function observe(
  { queues, workers, memories, overrides, policy, target, lease, costs, nowMs }: ObservationParts,
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

async function attempt<T>(work: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work, error: null };
  } catch (error) {
    return { value: null, error: operational(error) };
  }
}

function blindness(unreadable: readonly UnreadableQueue[]): OperationalError | null {
  if (unreadable.length === 0) return null;
  const named = unreadable.slice(0, 3).map(({ queue, why }) => `queue "${queue}": ${why}`);
  const more = unreadable.length > 3 ? [`and ${String(unreadable.length - 3)} more`] : [];
  const message = [...named, ...more].join('; ');
  const hint = 'Until every queue of the pool can be read, workers are not removed.';
  return new OperationalError('QUEUE_UNREADABLE', message, { hint });
}
