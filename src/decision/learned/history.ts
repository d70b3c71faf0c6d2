import type { QueueReading } from '../types.ts';
import type { Bin, QueueMemory } from './memory.ts';

/** Shorter polls share a bin, so that a history has as many bins however often the pool is looked at. */
const binsMax = 36;
const historySecondsMin = 180;

/** What happened in a queue between two readings. */
export type Flow = {
  /** Zero when the queue was not read before. */
  readonly seconds: number;
  /** Jobs that became ready. */
  readonly arrivals: number;
  readonly completions: number;
  /** Slot-seconds that jobs ran. */
  readonly busySeconds: number;
};

/**
 * Conservation of flow: what was added and is no longer unfinished has ended, and what is ready or running and was not
 * before, together with what ended, became ready. A job that was added with a delay thus arrives when it is due.
 */
export function flowSince(
  before: QueueMemory | undefined,
  reading: QueueReading,
  nowMs: number,
): Flow {
  const inside = reading.readyJobs + reading.activeJobs;
  if (before === undefined) return { seconds: 0, arrivals: inside, completions: 0, busySeconds: 0 };
  const seconds = Math.max(0, nowMs - before.readAtMs) / 1000;
  const added = difference(reading.addedJobs, before.addedJobs);
  const unfinished = difference(reading.unfinishedJobs, before.unfinishedJobs);
  const completions =
    // A counter that went back was reset.
    added === null || unfinished === null || added < 0
      ? reading.finished.length
      : Math.max(0, added - unfinished);
  const arrivals = Math.max(0, inside - before.readyJobs - before.activeJobs + completions);
  const busySeconds = (seconds * (before.activeJobs + reading.activeJobs)) / 2;
  return { seconds, arrivals, completions, busySeconds };
}

/** How far back a history reaches, in seconds: cohorts are told apart by age until they are too late anyway. */
export function historySeconds(targetWaitSeconds: number): number {
  return Math.max(historySecondsMin, targetWaitSeconds + 60);
}

/** Adds what happened since the last reading, to the youngest bin as long as that stays short enough. */
export function addToHistory(
  bins: readonly Bin[],
  flow: Flow,
  now: {
    readonly nowMs: number;
    readonly activeJobs: number;
    readonly readyWorkers: number;
    readonly isFull: boolean;
  },
  spanSeconds: number,
): readonly Bin[] {
  const { nowMs, activeJobs, readyWorkers, isFull } = now;
  const binSeconds = spanSeconds / binsMax;
  const youngest = bins.at(-1);
  const bin = {
    untilMs: nowMs,
    seconds: flow.seconds,
    arrivals: flow.arrivals,
    completions: flow.completions,
    peakActive: activeJobs,
    readyWorkers,
    isFull,
  };
  const isJoined =
    youngest !== undefined &&
    // What was found at first, or after a gap, came at an unknown time, not within the seconds around it.
    youngest.seconds > 0 &&
    flow.seconds > 0 &&
    youngest.seconds + flow.seconds <= binSeconds &&
    // A comparison of few workers with many needs to know which of them it was.
    youngest.readyWorkers === readyWorkers;
  const kept = bins.filter(({ untilMs }) => nowMs - untilMs < spanSeconds * 1000);
  if (!isJoined) return [...kept.slice(1 - binsMax), bin];
  return [
    ...kept.slice(0, -1),
    {
      ...bin,
      seconds: youngest.seconds + flow.seconds,
      arrivals: youngest.arrivals + flow.arrivals,
      completions: youngest.completions + flow.completions,
      peakActive: Math.max(youngest.peakActive, activeJobs),
      isFull: youngest.isFull && isFull,
    },
  ];
}

function difference(now: number | null, before: number | null): number | null {
  return now === null || before === null ? null : now - before;
}
