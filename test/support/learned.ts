import type { FinishedJob, QueueReading, RunningJob } from '../../src/decision/types.ts';
import type { Bin, BootMemory, QueueMemory } from '../../src/decision/learned/memory.ts';
import { horizonOf } from '../../src/decision/learned/look-ahead.ts';
import { nothingLearned } from '../../src/decision/learned/memory.ts';
import type { Pool } from '../../src/decision/learned/pool.ts';
import { startMs } from './builders.ts';

/** Bins of 5 s, the last one ending now, each with so many arrivals. */
export function arrivalBins(arrivals: readonly number[], seconds = 5): Bin[] {
  return arrivals.map((jobs, index) =>
    bin({
      arrivals: jobs,
      seconds,
      untilMs: startMs - (arrivals.length - 1 - index) * seconds * 1000,
    }),
  );
}

export function bin(known: Partial<Bin> = {}): Bin {
  return {
    untilMs: startMs,
    seconds: 5,
    arrivals: 0,
    completions: 0,
    peakActive: 0,
    readyWorkers: 1,
    isFull: false,
    ...known,
  };
}

/** A boot that takes exactly so long, as far as anybody knows. */
export function bootsOf(meanSeconds: number, known: Partial<BootMemory> = {}): BootMemory {
  return { ...nothingLearned.boots, meanSeconds, varianceSeconds2: 1, ...known };
}

/** Workers with five slots that boot in 40 s, all of them ready and serving unless a test says more. */
export function fiveSlotted(
  known: Partial<Pool> & { readonly targetWaitSeconds?: number } = {},
): Pool {
  const { targetWaitSeconds = 120, ...rest } = known;
  const { workers = 2, readyWorkers = workers } = rest;
  const boots = bootsOf(40, {
    orders: [{ orderedAtMs: startMs - 1000, workers: workers - readyWorkers }],
  });
  const common = { nowMs: startMs, workers, readyWorkers, slotsPerWorker: 5 };
  return {
    ...common,
    ...{ gapSeconds: 5, continuitySeconds: 20, nextLookSeconds: 5, servingWorkers: workers, boots },
    ...{ slots: null, scaledDownAtMs: null, watchedSinceMs: 0 },
    horizon: horizonOf(boots, { ...common, targetWaitSeconds }),
    ...rest,
  };
}

export function queueMemory(known: Partial<QueueMemory> = {}): QueueMemory {
  return {
    queue: 'emails',
    readAtMs: startMs - 5000,
    readyJobs: 0,
    activeJobs: 0,
    addedJobs: 0,
    unfinishedJobs: 0,
    bins: [],
    movedAtMs: startMs - 5000,
    idleSlotsSinceMs: null,
    cap: null,
    ...known,
  };
}

export function running(ageSeconds: number, known: Partial<RunningJob> = {}): RunningJob {
  return {
    jobId: '1',
    worker: null,
    startedAtMs: startMs - ageSeconds * 1000,
    jobName: 'mail',
    ...known,
  };
}

export function ended(durationSeconds: number, jobName: string | null = 'mail'): FinishedJob {
  return { jobName, durationSeconds, waitSeconds: null };
}

export const counted = (addedJobs: number, unfinishedJobs: number): Partial<QueueReading> => ({
  addedJobs,
  unfinishedJobs,
});
