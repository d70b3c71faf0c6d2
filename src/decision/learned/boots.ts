import type { BootMemory } from './memory.ts';

/** Older boots are forgotten as newer ones come: a new release may start faster or slower. */
const rememberedBootsMax = 30;
/** Orders remembered one by one. */
const rememberedOrdersMax = 32;

type Seen = {
  readonly nowMs: number;
  /** When the pool was last looked at, which is when what is new since was ordered. */
  readonly beforeMs: number;
  readonly workers: number;
  readonly workersBefore: number;
  /** Workers that have shown a sign of life; null when nobody can tell. */
  readonly readyWorkers: number | null;
  /** Workers that must be ready, because so many jobs run. */
  readonly busyWorkers: number;
};

/**
 * Follows workers from their order to their first sign of life, learns from it how long a boot takes, and tells how
 * many are ready. Where nobody sees signs of life, a worker counts as ready when a boot should be over.
 */
export function followBoots(
  memory: BootMemory,
  seen: Seen,
): { readonly boots: BootMemory; readonly readyWorkers: number } {
  const { workers, workersBefore, nowMs, beforeMs } = seen;
  let orders = memory.orders.map((order) => ({
    ...order,
    orderedAtMs: Math.min(order.orderedAtMs, nowMs),
  }));
  if (workers > workersBefore)
    orders.push({ orderedAtMs: beforeMs, workers: workers - workersBefore });
  // The platform removes the workers it started last.
  if (workers < workersBefore)
    orders = without(orders.reverse(), workersBefore - workers).left.reverse();

  if (seen.readyWorkers === null) {
    const { meanSeconds, sdSeconds } = timesOf(memory);
    const bootMs = (meanSeconds + sdSeconds) * 1000;
    orders = orders.filter(({ orderedAtMs }) => nowMs - orderedAtMs < bootMs);
    const readyWorkers = Math.max(workers - total(orders), Math.min(seen.busyWorkers, workers));
    return { boots: { ...memory, orders: bounded(orders) }, readyWorkers };
  }

  const readyWorkers = Math.min(seen.readyWorkers, workers);
  const surplus = total(orders) - (workers - readyWorkers);
  if (surplus <= 0) {
    // What was ready and is not any more was restarted, and boots again.
    if (surplus < 0) orders.push({ orderedAtMs: nowMs, workers: -surplus });
    return { boots: { ...memory, orders: bounded(orders) }, readyWorkers };
  }
  const { left, taken } = without(orders, surplus);
  const learned = taken.reduce((known, { orderedAtMs, workers: booted }) => {
    const earliest = Math.max(0, beforeMs - orderedAtMs) / 1000;
    const latest = (nowMs - orderedAtMs) / 1000;
    return learnBoot(known, bootBetween(known, earliest, latest), booted);
  }, memory);
  return { boots: { ...learned, orders: bounded(left) }, readyWorkers };
}

/** Mean and standard deviation of a boot, in seconds. */
export function timesOf(memory: BootMemory): {
  readonly meanSeconds: number;
  readonly sdSeconds: number;
} {
  return {
    meanSeconds: memory.meanSeconds,
    sdSeconds: Math.max(1, Math.sqrt(memory.varianceSeconds2)),
  };
}

/** How long a worker takes from its order until it is ready, but for one in six. */
export function startSecondsOf(memory: BootMemory): number {
  const { meanSeconds, sdSeconds } = timesOf(memory);
  return meanSeconds + sdSeconds;
}

/** The share of boots that are over this long after their order: uniform with the learned mean and deviation. */
export function shareBooted(memory: BootMemory, seconds: number): number {
  const { meanSeconds, sdSeconds } = timesOf(memory);
  return clamp((seconds - (meanSeconds - 1.7 * sdSeconds)) / (3.4 * sdSeconds));
}

/**
 * How many of the ordered workers will be ready in so many seconds, given that they are not ready now. What is overdue
 * is expected any moment, and after twice the longest boot no more.
 */
export function readyOfOrders(memory: BootMemory, nowMs: number, seconds: number): number {
  const { meanSeconds, sdSeconds } = timesOf(memory);
  const longest = meanSeconds + 1.7 * sdSeconds;
  return memory.orders.reduce((sum, { orderedAtMs, workers }) => {
    const age = (nowMs - orderedAtMs) / 1000;
    if (age > 2 * longest + 30) return sum;
    const already = shareBooted(memory, age);
    const share =
      already > 0.9
        ? clamp(seconds / (0.34 * sdSeconds + 5))
        : (shareBooted(memory, age + seconds) - already) / (1 - already);
    return sum + workers * share;
  }, 0);
}

/** A boot of which only the looks before and after its end are known. */
type SeenBoot = { readonly seconds: number; readonly varianceSeconds2: number };

/**
 * A boot that ended between two looks may have taken any time between them that boots are known to take; a look a minute
 * after the order alone says next to nothing. One that took longer or shorter than any before is put in the middle.
 */
function bootBetween(memory: BootMemory, earliest: number, latest: number): SeenBoot {
  const { meanSeconds, sdSeconds } = timesOf(memory);
  let from = Math.max(earliest, meanSeconds - 1.7 * sdSeconds);
  let to = Math.min(latest, meanSeconds + 1.7 * sdSeconds);
  if (from > to) [from, to] = [earliest, latest];
  const seconds = Math.max(1, Math.min(600, (from + to) / 2));
  return { seconds, varianceSeconds2: (to - from) ** 2 / 12 };
}

/** Exponentially forgetting mean and variance of West (1979), with the prior as its first boots. */
function learnBoot(memory: BootMemory, seen: SeenBoot, times: number): BootMemory {
  let { meanSeconds, varianceSeconds2, boots } = memory;
  for (let time = 0; time < Math.min(times, rememberedBootsMax); time += 1) {
    boots = Math.min(boots + 1, rememberedBootsMax);
    const weight = 1 / boots;
    const off = seen.seconds - meanSeconds;
    meanSeconds += weight * off;
    varianceSeconds2 =
      (1 - weight) * (varianceSeconds2 + weight * off * off) + weight * seen.varianceSeconds2;
  }
  return { ...memory, meanSeconds, varianceSeconds2, boots };
}

type Orders = { orderedAtMs: number; workers: number }[];

/** Takes so many workers from the front of a list of orders. */
function without(orders: Orders, workers: number): { left: Orders; taken: Orders } {
  const left: Orders = [];
  const taken: Orders = [];
  let rest = workers;
  for (const order of orders) {
    const count = Math.min(rest, order.workers);
    if (count > 0) taken.push({ ...order, workers: count });
    if (count < order.workers) left.push({ ...order, workers: order.workers - count });
    rest -= count;
  }
  return { left, taken };
}

/** The oldest orders are joined when there are too many to remember each. */
function bounded(orders: Orders): Orders {
  const surplus = orders.length - rememberedOrdersMax;
  const [first] = orders;
  if (surplus <= 0 || first === undefined) return orders;
  const joined = { ...first, workers: total(orders.slice(0, surplus + 1)) };
  return [joined, ...orders.slice(surplus + 1)];
}

function total(orders: BootMemory['orders']): number {
  return orders.reduce((sum, { workers }) => sum + workers, 0);
}

function clamp(share: number): number {
  return Math.max(0, Math.min(1, share));
}
