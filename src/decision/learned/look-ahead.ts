import { readyOfOrders, shareBooted, timesOf } from './boots.ts';
import type { Backlog } from './backlog.ts';
import type { BootMemory } from './memory.ts';

/** Deadlines are met this much early, since a fluid knows no whole jobs. */
const marginSeconds = 5;
const gridSteps = 64;

/** The pool over the next minutes, on a grid of time. */
export type Horizon = {
  readonly stepSeconds: number;
  /** Deadlines before this cannot be met by a worker ordered now. */
  readonly soonestSeconds: number;
  /** What missed its deadline is to start within this long. */
  readonly lateSeconds: number;
  readonly targetWaitSeconds: number;
  readonly workers: number;
  readonly readyWorkers: number;
  readonly slotsPerWorker: number;
  /** Of the workers ordered before, those ready at each step; and the share of a worker ordered now. */
  readonly readyOfOrders: Float64Array;
  readonly readyOfNew: Float64Array;
};

/** What one queue asks of the pool. */
export type Outlook = {
  /** Work that will have been released, and work that must have been started, at each step, in slot-seconds. */
  readonly released: Float64Array;
  readonly due: Float64Array;
  /** Slots that long jobs keep busy at each step. */
  readonly blocked: Float64Array;
  /** A slot that is free at a deadline has started a job by then: so much work it need not have done yet. */
  readonly creditSeconds: number;
};

/** Work that goes on arriving for a while. */
export type Inflow = { readonly workPerSecond: number; readonly untilSeconds: number };

export function horizonOf(
  boots: BootMemory,
  pool: {
    readonly nowMs: number;
    readonly targetWaitSeconds: number;
    readonly workers: number;
    readonly readyWorkers: number;
    readonly slotsPerWorker: number;
  },
): Horizon {
  const { meanSeconds, sdSeconds } = timesOf(boots);
  const { targetWaitSeconds, nowMs } = pool;
  const stepSeconds = Math.max(5, (meanSeconds + targetWaitSeconds + 60) / gridSteps);
  const steps = Math.ceil((meanSeconds + targetWaitSeconds + 60) / stepSeconds) + 1;
  const orders = new Float64Array(steps);
  const fresh = new Float64Array(steps);
  for (let step = 0; step < steps; step += 1) {
    orders[step] = readyOfOrders(boots, nowMs, step * stepSeconds);
    fresh[step] = shareBooted(boots, step * stepSeconds);
  }
  return {
    ...pool,
    stepSeconds,
    soonestSeconds: meanSeconds - sdSeconds + 5,
    lateSeconds: meanSeconds + Math.max(20, 0.4 * targetWaitSeconds),
    readyOfOrders: orders,
    readyOfNew: fresh,
  };
}

/** In how many seconds from when it became ready a job should start, a little before its wait counts as too long. */
export function patience({ targetWaitSeconds }: Horizon): number {
  return targetWaitSeconds - Math.min(marginSeconds, targetWaitSeconds / 4);
}

export function outlookOf(
  horizon: Horizon,
  queue: {
    readonly backlog: Backlog;
    /** Jobs that become ready at a known time: in how many seconds, and their work. */
    readonly dueSoon: readonly { readonly inSeconds: number; readonly workSeconds: number }[];
    readonly blocked: { readonly seconds: readonly number[]; readonly slotsOfEach: number };
    readonly meanServiceSeconds: number;
  },
): Outlook {
  const steps = horizon.readyOfNew.length;
  const released = new Float64Array(steps).fill(queue.backlog.workSeconds);
  const due = new Float64Array(steps);
  const blocked = new Float64Array(steps);
  const target = patience(horizon);
  for (const { ageSeconds, workSeconds } of queue.backlog.cohorts)
    addDue(horizon, due, target - ageSeconds, workSeconds);
  for (const { inSeconds, workSeconds } of queue.dueSoon) {
    for (let step = Math.ceil(inSeconds / horizon.stepSeconds); step < steps; step += 1)
      released[step] = (released[step] ?? 0) + workSeconds;
    addDue(horizon, due, inSeconds + target, workSeconds);
  }
  for (const seconds of queue.blocked.seconds)
    for (let step = 0; step < steps && step * horizon.stepSeconds < seconds; step += 1)
      blocked[step] = (blocked[step] ?? 0) + queue.blocked.slotsOfEach;
  return {
    ...{ released, due, blocked },
    creditSeconds: Math.min(queue.meanServiceSeconds, horizon.targetWaitSeconds),
  };
}

/** Adds work that is due at a time; what no worker ordered now can meet is due a little later. */
function addDue(horizon: Horizon, due: Float64Array, inSeconds: number, workSeconds: number): void {
  const { stepSeconds, soonestSeconds, lateSeconds } = horizon;
  const at = inSeconds < soonestSeconds ? lateSeconds : inSeconds;
  for (let step = Math.floor(at / stepSeconds); step < due.length; step += 1)
    due[step] = (due[step] ?? 0) + workSeconds;
}

/**
 * The fewest workers, from `least` to `most`, that start every job by its deadline, of those that are ready, those that
 * boot, and those that would be ordered now: an earliest-deadline-first test on a fluid of work, by binary search since
 * more workers never do worse. `most` when no number is enough.
 */
export function fewestWorkers(
  horizon: Horizon,
  outlook: Outlook,
  inflow: Inflow,
  least: number,
  most: number,
): number {
  let low = Math.min(least, most);
  let high = most;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (meetsDeadlines(middle, horizon, outlook, inflow)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function meetsDeadlines(
  workers: number,
  horizon: Horizon,
  outlook: Outlook,
  inflow: Inflow,
): boolean {
  const { stepSeconds, lateSeconds, soonestSeconds, readyOfNew } = horizon;
  const { released, due, blocked, creditSeconds } = outlook;
  const { workPerSecond, untilSeconds } = inflow;
  const ready = Math.min(workers, horizon.readyWorkers);
  const booting = Math.max(0, Math.min(workers, horizon.workers) - ready);
  const fresh = Math.max(0, workers - horizon.workers);
  const target = patience(horizon);
  const firstDue = target < soonestSeconds ? lateSeconds : target;
  let served = 0;
  for (let step = 1; step < readyOfNew.length; step += 1) {
    const seconds = step * stepSeconds;
    const orders = Math.min(booting, horizon.readyOfOrders[step] ?? 0);
    const up = ready + orders + fresh * (readyOfNew[step] ?? 0);
    const slots = Math.max(0, up * horizon.slotsPerWorker - (blocked[step] ?? 0));
    const arrived = (released[step] ?? 0) + workPerSecond * Math.min(seconds, untilSeconds);
    served = Math.min(arrived, served + slots * stepSeconds);
    const dueOfInflow =
      seconds < firstDue
        ? 0
        : workPerSecond * Math.min(Math.max(0, seconds - target), untilSeconds);
    if ((due[step] ?? 0) + dueOfInflow > served + slots * creditSeconds + 1e-6) return false;
  }
  return true;
}
