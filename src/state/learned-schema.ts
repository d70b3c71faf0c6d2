import { z } from 'zod';
import type { LearnedMemory } from '../decision/types.ts';
import { momentMs } from './moment.ts';

const count = z.number().int().nonnegative().max(1e9);
/** Sums of seconds or of jobs; larger ones cannot come from a pool. */
const amount = z.number().nonnegative().max(1e15);

const bin = z.object({
  untilMs: momentMs,
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
  madeAtMs: momentMs,
  probeAfterSeconds: amount,
  heldBackSinceMs: momentMs.nullable(),
  wins: count,
  probe: z
    .object({ startedAtMs: momentMs, fromWorkers: count, completionsPerSecond: amount })
    .nullable(),
});

const queue = z.object({
  queue: z.string(),
  readAtMs: momentMs,
  readyJobs: amount,
  activeJobs: amount,
  addedJobs: amount.nullable(),
  unfinishedJobs: amount.nullable(),
  bins: z.array(bin).max(100),
  movedAtMs: momentMs,
  idleSlotsSinceMs: momentMs.nullable(),
  cap: cap.nullable(),
});

const service = z.object({
  queue: z.string(),
  jobName: z.string().nullable(),
  busySeconds: amount,
  completions: amount,
  seen: amount,
  recentSeconds: z.array(amount).max(100),
  usedAtMs: momentMs,
});

/** What the learned policy remembers, as it is stored: within the bounds that it keeps itself. */
export const learnedSchema: z.ZodType<LearnedMemory> = z.object({
  seenAtMs: momentMs.nullable(),
  watchedSinceMs: momentMs.nullable(),
  workers: count.nullable(),
  scaledDownAtMs: momentMs.nullable(),
  boots: z.object({
    meanSeconds: z.number().positive().max(3600),
    varianceSeconds2: amount,
    boots: amount,
    orders: z.array(z.object({ orderedAtMs: momentMs, workers: count })).max(100),
  }),
  slots: z.object({ perWorker: count, reachedAtMs: momentMs }).nullable(),
  holds: z.array(z.object({ madeAtMs: momentMs, workers: count })).max(1000),
  services: z.array(service).max(1000),
  queues: z.array(queue).max(200),
});
