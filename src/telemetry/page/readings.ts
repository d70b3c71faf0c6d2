import type { TickReport } from '../report.ts';

/** What the charts show of a tick; null where it is not known. */
export type Reading = {
  readonly atMs: number;
  /** Ready and active jobs of all queues. */
  readonly demandJobs: number | null;
  readonly currentWorkers: number | null;
  readonly desiredWorkers: number | null;
  /** Of the job that waits longest in any queue; 0 when none waits. */
  readonly oldestWaitSeconds: number | null;
  readonly minWorkers: number;
  readonly maxWorkers: number;
};

export type Measure = 'demandJobs' | 'currentWorkers' | 'desiredWorkers' | 'oldestWaitSeconds';

export function readingOf(report: TickReport): Reading {
  const { at, queues, unreadableQueues, desiredWorkers } = report;
  // Where a queue was not read, or none could be, the sum is not known.
  const isSeen = unreadableQueues.length === 0 && (queues.length > 0 || desiredWorkers !== null);
  const jobs = queues.map(({ readyJobs, activeJobs }) => readyJobs + activeJobs);
  const waits = queues.flatMap(({ readyJobs, oldestWaitSeconds }) =>
    readyJobs === 0 ? 0 : (oldestWaitSeconds ?? []),
  );
  return {
    atMs: Date.parse(at),
    demandJobs: isSeen ? jobs.reduce((sum, each) => sum + each, 0) : null,
    currentWorkers: report.currentWorkers,
    desiredWorkers,
    oldestWaitSeconds: isSeen && waits.length > 0 ? Math.max(...waits) : null,
    minWorkers: report.minWorkers,
    maxWorkers: report.maxWorkers,
  };
}

/** Puts a reading of nothing where none was made for so long that nobody can have looked. */
export function withGaps(readings: readonly Reading[], gapMs: number): readonly Reading[] {
  return readings.flatMap((reading, place) => {
    const next = readings[place + 1];
    return next === undefined || next.atMs - reading.atMs <= gapMs
      ? [reading]
      : [reading, { ...reading, ...nothing, atMs: reading.atMs + gapMs / 2 }];
  });
}

/** The last reading holds until now, unless it is long ago. */
export function untilNow(
  readings: readonly Reading[],
  nowMs: number,
  gapMs: number,
): readonly Reading[] {
  const last = readings.at(-1);
  if (last === undefined || nowMs - last.atMs > gapMs) return readings;
  return [...readings, { ...last, atMs: nowMs }];
}

const nothing: Record<Measure, null> = {
  demandJobs: null,
  currentWorkers: null,
  desiredWorkers: null,
  oldestWaitSeconds: null,
};
