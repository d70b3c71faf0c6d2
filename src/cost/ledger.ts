import { OperationalError } from '../errors.ts';
import {
  addUsage,
  dayOf,
  firstKeptDay,
  noUsage,
  usageByDay,
  type DayUsage,
  type Held,
  type Usage,
} from './usage.ts';

/** What is stored of a pool's usage. */
export type Account = {
  /** Until when time was counted; null before the first tick. */
  readonly countedUntilMs: number | null;
  /** Oldest first. */
  readonly days: readonly DayUsage[];
};

export type CostStore = {
  /** @throws {OperationalError} `STATE_UNAVAILABLE` */
  load(signal: AbortSignal): Promise<Account>;
  /**
   * Replaces some days, and forgets others.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  save(
    changes: Account & { readonly forgottenDays: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
};

/** What a tick knows of the costs of its pool. */
export type CostReading = {
  /** Since the tick before. */
  readonly counted: Usage;
  /** Since midnight, of UTC. */
  readonly today: Usage;
  /** Since the first of the month, of UTC. */
  readonly month: Usage;
  /** Of all workers there are now; null when their number or their price is not known. */
  readonly dollarsPerHour: number | null;
};

/** Keeps the account of one pool for the daemon that acts for it. */
export type Ledger = {
  /** Reads what was counted before, unless nobody else can have written since. Trouble is not told: then it is closed. */
  open(signal: AbortSignal): Promise<void>;
  /** What was used since the first of the month of `nowMs`; null while the account is not open. */
  month(nowMs: number): Usage | null;
  /** Counts the time since the last tick; null while the account is not open. */
  count(nowMs: number, held: Held): CostReading | null;
  /** @throws {OperationalError} `STATE_UNAVAILABLE` */
  save(signal: AbortSignal): Promise<void>;
};

/** Between two ticks the number of workers is taken to have been the one that the second found, for at most so long. */
const knownIntervals = 3;
/** A deploy of the daemon takes no longer. */
const knownMsMin = 120_000;

export function createLedger(parts: {
  readonly store: CostStore;
  readonly intervalMs: number;
  /** How long this daemon has acted for the pool without a gap; null while it does not. */
  readonly heldForMs: () => number | null;
}): Ledger {
  const { store } = parts;
  const knownMsMax = Math.max(knownIntervals * parts.intervalMs, knownMsMin);
  let openedAt: number | null = null;
  let countedUntilMs: number | null = null;
  let days = new Map<string, Usage>();
  const changed = new Set<string>();

  const isOpen = () =>
    openedAt !== null && performance.now() - openedAt <= (parts.heldForMs() ?? -1);

  return {
    async open(signal) {
      if (isOpen()) return;
      openedAt = null;
      const askedAt = performance.now();
      try {
        const account = await store.load(signal);
        countedUntilMs = account.countedUntilMs;
        days = new Map(account.days.map(({ day, usage }) => [day, usage]));
        changed.clear();
        openedAt = askedAt;
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
      }
    },
    month: (nowMs) => (isOpen() ? monthOf(days, nowMs) : null),
    count(nowMs, held) {
      if (!isOpen()) return null;
      const fromMs = countedUntilMs ?? nowMs;
      const isKnown = nowMs - fromMs <= knownMsMax;
      // Without the number now, the next tick that has it may still tell what it was.
      const waits = held.workers === null && isKnown;
      let counted = noUsage;
      if (!waits) {
        const pieces = usageByDay(fromMs, nowMs, isKnown ? held : { ...held, workers: null });
        for (const { day, usage } of pieces) {
          days.set(day, addUsage(days.get(day) ?? noUsage, usage));
          changed.add(day);
          counted = addUsage(counted, usage);
        }
        countedUntilMs = nowMs;
      }
      const { workers, workerDollarsPerHour: each } = held;
      const dollarsPerHour = workers === null || each === null ? null : workers * each;
      const today = days.get(dayOf(nowMs)) ?? noUsage;
      return { counted, today, month: monthOf(days, nowMs), dollarsPerHour };
    },
    async save(signal) {
      if (!isOpen() || countedUntilMs === null) return;
      const first = firstKeptDay(countedUntilMs);
      const forgottenDays = [...days.keys()].filter((day) => day < first);
      const written = [...changed].flatMap((day) => {
        const usage = days.get(day);
        return usage === undefined ? [] : [{ day, usage }];
      });
      changed.clear();
      try {
        await store.save({ countedUntilMs, days: written, forgottenDays }, signal);
      } catch (error) {
        for (const { day } of written) changed.add(day);
        throw error;
      }
      for (const day of forgottenDays) days.delete(day);
    },
  };
}

function monthOf(days: ReadonlyMap<string, Usage>, nowMs: number): Usage {
  const month = dayOf(nowMs).slice(0, 'yyyy-mm'.length);
  let sum = noUsage;
  for (const [day, usage] of days) if (day.startsWith(month)) sum = addUsage(sum, usage);
  return sum;
}
