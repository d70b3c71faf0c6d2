import type { Policy, QueueReading } from '../types.ts';
import { arrivalRate } from './arrival-rate.ts';
import { backlogOf, type Backlog } from './backlog.ts';
import { timesOf } from './boots.ts';
import {
  fewestWorkers,
  meetsDeadlines,
  outlookOf,
  patience,
  type Inflow,
  type Outlook,
} from './look-ahead.ts';
import type { Bin } from './memory.ts';
import type { Pool } from './pool.ts';
import { blockedSlots } from './residual.ts';
import type { ServiceTimes } from './service-times.ts';

/** Arrivals are counted on for so long when workers might go: those removed earlier would be ordered again. */
const keepingSeconds = 180;
/** Backlog that the ready workers drain within this share of the target wait is not worth a boot. */
const shortWait = 1 / 2;
/** A worker ordered to shorten waits must find this many boots' worth of work. */
const bootsWorthAWorker = 4;
/** While every worker has so much work waiting, none is removed. */
const committedSeconds = 15;

/** What one queue asks for, in workers. */
export type Demand = {
  readonly queue: string;
  readonly readyJobs: number;
  readonly workSeconds: number;
  readonly meanServiceSeconds: number;
  /** No job has ended yet, so that nobody knows how long they take. */
  readonly isGuess: boolean;
  readonly arrivalsPerSecond: number;
  /** Fewer than these would be too few, and why. */
  readonly lower: number;
  readonly lowerBy: 'deadlines' | 'drain';
  /** Whether so many start every job in time: the most that are allowed may not. */
  readonly isEnough: boolean;
  /** More than these are too many, and why. */
  readonly upper: number;
  readonly upperBy: 'deadlines' | 'arrivals' | 'work' | 'old-jobs';
  /** Workers that the arrivals keep busy. */
  readonly busy: number;
};

/**
 * Bounds between which the number of workers may stay as it is, after the lazy capacity provisioning of Lin, Wierman,
 * Andrew and Thereska (2011): below the lower one jobs would wait too long; above the upper one a worker costs more than
 * starting it again later.
 */
export function demandOf(
  reading: QueueReading,
  bins: readonly Bin[],
  times: ServiceTimes,
  pool: Pool,
  policy: Policy,
): Demand {
  const { nowMs, slotsPerWorker, horizon, servingWorkers } = pool;
  const backlog = backlogOf(reading, bins, times, nowMs);
  const rate = arrivalRate(bins, nowMs);
  const meanServiceSeconds = times.meanSeconds;
  const outlook = outlookOf(horizon, {
    backlog,
    dueSoon: dueInTime(reading, meanServiceSeconds, pool),
    blocked: blockedSlots(reading, times, nowMs),
    meanServiceSeconds,
  });
  const { meanSeconds: bootSeconds } = timesOf(pool.boots);
  const steadily = {
    workPerSecond: rate.steadily * meanServiceSeconds,
    // Until a worker ordered at the next look would be ready.
    untilSeconds: bootSeconds + pool.nextLookSeconds,
  };
  const lately = {
    workPerSecond: rate.lately * meanServiceSeconds,
    untilSeconds: keepingSeconds,
  };
  const { maxWorkers } = policy;
  const used = usedWorkers(bins, pool);
  const isAsleep =
    (pool.workers === 0 || used === 0) && canSleepOn(backlog, outlook, steadily, pool);
  const forDeadlines = isAsleep ? 0 : fewestWorkers(horizon, outlook, steadily, 0, maxWorkers);
  const forDrain = Math.min(workersWorthBooting(backlog.workSeconds, pool, policy), maxWorkers);
  const lower = Math.max(forDeadlines, forDrain);

  const busy = Math.floor(lately.workPerSecond / slotsPerWorker + 0.1);
  const forArrivals = Math.min(
    Math.max(busy, fewestWorkers(horizon, outlook, lately, lower, maxWorkers)),
    used,
  );
  const committed = Math.ceil(backlog.workSeconds / (slotsPerWorker * committedSeconds) - 0.2);
  const inTime = workersInTime(backlog, pool, policy);
  const reasonsToKeep: readonly (readonly [Demand['upperBy'], number])[] = [
    ['deadlines', lower],
    ['arrivals', forArrivals],
    ['work', Math.min(servingWorkers, committed)],
    ['old-jobs', Math.min(servingWorkers, inTime)],
  ];
  const [upperBy, upper] = reasonsToKeep.reduce((most, each) => (each[1] > most[1] ? each : most));
  return {
    queue: reading.queue,
    readyJobs: reading.readyJobs,
    workSeconds: backlog.workSeconds,
    meanServiceSeconds,
    isGuess: times.of(null).recentSeconds.length === 0,
    arrivalsPerSecond: rate.lately,
    lower,
    lowerBy: forDrain > forDeadlines ? 'drain' : 'deadlines',
    isEnough: lower < maxWorkers || meetsDeadlines(maxWorkers, horizon, outlook, steadily),
    ...{ upper, upperBy },
    busy: Math.min(busy, used),
  };
}

/**
 * The fewest ready workers that start every waiting job that can still be in time. The look-ahead gives jobs that no new
 * worker can reach a later deadline; those that are there may well reach them, and are not sent away meanwhile.
 */
function workersInTime(
  { cohorts }: Backlog,
  { slotsPerWorker }: Pool,
  { targetWaitSeconds }: Policy,
): number {
  let workSeconds = 0;
  let most = 0;
  for (const cohort of cohorts.toReversed()) {
    workSeconds += cohort.workSeconds;
    const leftSeconds = targetWaitSeconds - cohort.ageSeconds;
    if (leftSeconds > 0)
      most = Math.max(most, Math.ceil(workSeconds / (slotsPerWorker * leftSeconds)));
  }
  return most;
}

/**
 * The most workers that were busy at once during the last boot time: one that was idle for longer has cost more than
 * starting it again (ski rental, 2-competitive). Infinity while all were busy, or the queue is not known for so long.
 */
function usedWorkers(bins: readonly Bin[], { nowMs, boots, slotsPerWorker }: Pool): number {
  const sinceMs = nowMs - timesOf(boots).meanSeconds * 1000;
  let peak = 0;
  for (let index = bins.length - 1; index >= 0; index -= 1) {
    const bin = bins[index];
    if (bin === undefined || bin.isFull) return Infinity;
    peak = Math.max(peak, bin.peakActive);
    if (bin.untilMs - bin.seconds * 1000 <= sinceMs) return Math.ceil(peak / slotsPerWorker);
  }
  return Infinity;
}

/** Jobs that become ready before a worker ordered at the next look would be. */
function dueInTime(
  { dueSoon }: QueueReading,
  meanServiceSeconds: number,
  { nowMs, boots, nextLookSeconds }: Pool,
): { inSeconds: number; workSeconds: number }[] {
  const { meanSeconds, sdSeconds } = timesOf(boots);
  const soonSeconds = meanSeconds + sdSeconds / 2 + nextLookSeconds;
  return dueSoon
    .map(({ dueAtMs, jobs }) => ({
      inSeconds: Math.max(0, dueAtMs - nowMs) / 1000,
      workSeconds: jobs * meanServiceSeconds,
    }))
    .filter(({ inSeconds }) => inSeconds <= soonSeconds);
}

/**
 * Waiting costs nothing while nobody works: none is ordered as long as one worker that is ordered at the next look, and
 * boots slowly, starts every job in time.
 */
function canSleepOn(
  backlog: Backlog,
  outlook: Outlook,
  inflow: Inflow,
  { horizon, nextLookSeconds, boots }: Pool,
): boolean {
  const { meanSeconds, sdSeconds } = timesOf(boots);
  const wakeSeconds = nextLookSeconds + meanSeconds + 1.7 * sdSeconds;
  const ages = backlog.cohorts.map(({ ageSeconds }) => ageSeconds);
  if (patience(horizon) - Math.max(0, ...ages) < wakeSeconds) return false;
  const readyOfNew = horizon.readyOfNew.map((_, step) =>
    step * horizon.stepSeconds >= wakeSeconds ? 1 : 0,
  );
  return meetsDeadlines(1, { ...horizon, readyOfNew }, outlook, inflow);
}

/**
 * Workers that pay for their boot by the work they find, ordered for short waits where no deadline asks for them: one
 * for every four boots' worth of work, and the first as soon as the work is worth its own.
 */
function workersWorthBooting(
  workSeconds: number,
  { slotsPerWorker, readyWorkers, servingWorkers, workers, boots }: Pool,
  { targetWaitSeconds }: Policy,
): number {
  const serving = Math.min(readyWorkers, servingWorkers);
  const { meanSeconds } = timesOf(boots);
  const excess = workSeconds / slotsPerWorker - serving * targetWaitSeconds * shortWait;
  const worth = Math.floor(excess / (bootsWorthAWorker * meanSeconds));
  if (worth > 0) return serving + worth;
  const isBooting = workers > readyWorkers;
  return !isBooting && excess >= meanSeconds && workers > 0 ? serving + 1 : 0;
}
