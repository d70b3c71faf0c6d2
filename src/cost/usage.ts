/** Worker-time, and what it cost as far as the price of a worker was known. */
export type Amount = { readonly workerSeconds: number; readonly dollars: number };

/** What the same time was spent on, or would have been with another number of workers. */
export const alternatives = ['max', 'ratio'] as const;
export type Alternative = (typeof alternatives)[number];

/** What a pool used over some time. */
export type Usage = {
  /** Time in which the number of workers was known. */
  readonly knownSeconds: number;
  /** Time in which nobody knew it: no worker of it is in any sum. */
  readonly unknownSeconds: number;
  /** The part of the known time in which the price of a worker was not known: no dollar of it is in any sum. */
  readonly unpricedSeconds: number;
  readonly used: Amount;
  /** With the most workers that the pool may have, all the time. */
  readonly max: Amount;
  /** With what the bare ratio asked for at each look, within the bounds: no stabilization, no drain, nobody's hand. */
  readonly ratio: Amount;
};

/** What a pool used on one day, as in `2026-11-28`, of UTC. */
export type DayUsage = { readonly day: string; readonly usage: Usage };

export const noUsage: Usage = {
  ...{ knownSeconds: 0, unknownSeconds: 0, unpricedSeconds: 0 },
  used: { workerSeconds: 0, dollars: 0 },
  max: { workerSeconds: 0, dollars: 0 },
  ratio: { workerSeconds: 0, dollars: 0 },
};

export function addUsage(one: Usage, other: Usage): Usage {
  const sum = (a: Amount, b: Amount) => ({
    workerSeconds: a.workerSeconds + b.workerSeconds,
    dollars: a.dollars + b.dollars,
  });
  return {
    knownSeconds: one.knownSeconds + other.knownSeconds,
    unknownSeconds: one.unknownSeconds + other.unknownSeconds,
    unpricedSeconds: one.unpricedSeconds + other.unpricedSeconds,
    used: sum(one.used, other.used),
    max: sum(one.max, other.max),
    ratio: sum(one.ratio, other.ratio),
  };
}

/** Dollars of an amount; null when no price was known for any of the time, and 0 would be a lie. */
export function dollarsOf(usage: Usage, of: 'used' | Alternative): number | null {
  const isUnpriced = usage.unpricedSeconds > 0 && usage.unpricedSeconds >= usage.knownSeconds;
  return isUnpriced || usage.knownSeconds === 0 ? null : usage[of].dollars;
}

/** How many workers there were, and would have been, while time passed. */
export type Held = {
  /** Null when that is not known. */
  readonly workers: number | null;
  readonly max: number;
  readonly ratio: number;
  /** What a worker costs; null when that is not known. */
  readonly workerDollarsPerHour: number | null;
};

/** What was used from one moment to another. */
function usageOf(seconds: number, { workers, max, ratio, workerDollarsPerHour }: Held): Usage {
  if (workers === null) return { ...noUsage, unknownSeconds: seconds };
  const amount = (count: number) => {
    const workerSeconds = count * seconds;
    return { workerSeconds, dollars: (workerSeconds / 3600) * (workerDollarsPerHour ?? 0) };
  };
  return {
    ...{ knownSeconds: seconds, unknownSeconds: 0 },
    unpricedSeconds: workerDollarsPerHour === null ? seconds : 0,
    ...{ used: amount(workers), max: amount(max), ratio: amount(ratio) },
  };
}

const dayMs = 24 * 60 * 60_000;
/** A year and a bit, so that a month can be compared with that of last year. */
export const keptDays = 400;

/** What was used from one moment to another, by day; at most the days that are kept. */
export function usageByDay(fromMs: number, untilMs: number, held: Held): readonly DayUsage[] {
  const days: DayUsage[] = [];
  let beginMs = Math.max(fromMs, untilMs - keptDays * dayMs);
  while (beginMs < untilMs) {
    const endMs = Math.min(untilMs, (Math.floor(beginMs / dayMs) + 1) * dayMs);
    days.push({ day: dayOf(beginMs), usage: usageOf((endMs - beginMs) / 1000, held) });
    beginMs = endMs;
  }
  return days;
}

/** `2026-11-28` */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** The first day that is still kept at some time. */
export function firstKeptDay(nowMs: number): string {
  return dayOf(nowMs - (keptDays - 1) * dayMs);
}
