import { z } from 'zod';
import type { LearnedMemory } from '../decision/types.ts';

const moment = z.number().nonnegative().max(8.64e15);
const count = z.number().int().nonnegative().max(1e9);
/** Sums of seconds or of jobs; larger ones cannot come from a pool. */
const amount = z.number().nonnegative().max(1e15);

const bin = z.object({
  untilMs: moment,
  seconds: amount,
  arrivals: amount,
  completions: amount,
  peakActive: amount,
  readyWorkers: count,
  isFull: z.boolean(),
});

const cap = z.object({
  workers: count,
  why: z.enum(['idle-slots', 'no-gain']),
  madeAtMs: moment,
  probeAfterSeconds: amount,
  heldBackSinceMs: moment.nullable(),
  wins: count,
  probe: z
    .object({ startedAtMs: moment, fromWorkers: count, completionsPerSecond: amount })
    .nullable(),
});

const queue = z.object({
  queue: z.string(),
  readAtMs: moment,
  readyJobs: amount,
  activeJobs: amount,
  addedJobs: amount.nullable(),
  unfinishedJobs: amount.nullable(),
  bins: z.array(bin).max(100),
  movedAtMs: moment,
  idleSlotsSinceMs: moment.nullable(),
  cap: cap.nullable(),
});

const service = z.object({
  queue: z.string(),
  jobName: z.string().nullable(),
  busySeconds: amount,
  completions: amount,
  seen: amount,
  recentSeconds: z.array(amount).max(100),
  usedAtMs: moment,
});

/** What the learned policy remembers, as it is stored: within the bounds that it keeps itself. */
export const learnedSchema: z.ZodType<LearnedMemory> = z.object({
  seenAtMs: moment.nullable(),
  watchedSinceMs: moment.nullable(),
  workers: count.nullable(),
  scaledDownAtMs: moment.nullable(),
  boots: z.object({
    meanSeconds: z.number().positive().max(3600),
    varianceSeconds2: amount,
    boots: amount,
    orders: z.array(z.object({ orderedAtMs: moment, workers: count })).max(100),
  }),
  slots: z.object({ perWorker: count, reachedAtMs: moment }).nullable(),
  holds: z.array(z.object({ madeAtMs: moment, workers: count })).max(1000),
  services: z.array(service).max(1000),
  queues: z.array(queue).max(200),
});
