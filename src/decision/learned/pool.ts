import { lookAgainAfterSeconds } from '../look-again.ts';
import type { Observation, Policy } from '../types.ts';
import { followBoots } from './boots.ts';
import { horizonOf, type Horizon } from './look-ahead.ts';
import type { BootMemory, LearnedMemory } from './memory.ts';

/**
 * Looks may be missed for so long: counters tell what came and went meanwhile. It is shorter than a boot, so that whoever
 * was busy at the last look has not yet been idle for as long as starting it again takes.
 */
const missedSecondsMax = 30;
/** Running jobs outlive the worker count for a while after a removal. */
const settlingSeconds = 45;
/** Slots that were not all used for this long are learned anew, because a release may have changed their number. */
const slotsMemoryMs = 60 * 60_000;

/** What is known of the workers of a pool at one moment. */
export type Pool = {
  readonly nowMs: number;
  /** Since the last look; the interval when there was none. */
  readonly gapSeconds: number;
  /** What was known before a gap longer than this counts for nothing. */
  readonly continuitySeconds: number;
  /** Until the next look. */
  readonly nextLookSeconds: number;
  /** Workers asked of the platform, and those of them that are not asked to drain. */
  readonly workers: number;
  readonly servingWorkers: number;
  readonly readyWorkers: number;
  readonly slotsPerWorker: number;
  readonly boots: BootMemory;
  readonly slots: LearnedMemory['slots'];
  readonly scaledDownAtMs: number | null;
  readonly watchedSinceMs: number;
  readonly horizon: Horizon;
};

/** Follows the workers of a pool from its last look to this one. */
export function followPool(
  observation: Observation,
  policy: Policy,
  memory: LearnedMemory,
  drainingWorkers: number,
): Pool {
  const { observedAtMs: nowMs, workers: seen, queues } = observation;
  const { seenAtMs } = memory;
  const gapSeconds = seenAtMs === null ? Infinity : (nowMs - seenAtMs) / 1000;
  const continuitySeconds = Math.max(policy.continuitySeconds, missedSecondsMax);
  const isContinued = gapSeconds >= 0 && gapSeconds <= continuitySeconds;
  const workers = observation.currentWorkers ?? memory.workers ?? seen.readyWorkers ?? 0;
  const workersBefore = memory.workers ?? workers;

  const active = queues.reduce((most, { activeJobs }) => Math.max(most, activeJobs), 0);
  const told = policy.concurrency ?? seen.concurrency;
  const { boots, readyWorkers } = followBoots(memory.boots, {
    nowMs,
    beforeMs: isContinued ? (seenAtMs ?? nowMs) : nowMs,
    workers,
    workersBefore,
    readyWorkers: seen.readyWorkers,
    busyWorkers: Math.ceil(active / (told ?? memory.slots?.perWorker ?? active + 1)),
  });
  const scaledDownAtMs = workers < workersBefore ? nowMs : memory.scaledDownAtMs;
  const isSettled = scaledDownAtMs === null || nowMs - scaledDownAtMs > settlingSeconds * 1000;
  const slots =
    isSettled && readyWorkers === workers
      ? learnSlots(memory.slots, active, readyWorkers, nowMs)
      : memory.slots;
  const slotsPerWorker = Math.max(1, told ?? slots?.perWorker ?? 1);
  const { targetWaitSeconds } = policy;
  return {
    nowMs,
    gapSeconds: isContinued && gapSeconds > 0 ? gapSeconds : policy.intervalSeconds,
    continuitySeconds,
    nextLookSeconds: lookAgainAfterSeconds(observation, policy) ?? policy.intervalSeconds,
    workers,
    servingWorkers: Math.max(0, workers - drainingWorkers),
    readyWorkers,
    slotsPerWorker,
    boots,
    slots,
    scaledDownAtMs,
    watchedSinceMs: isContinued ? (memory.watchedSinceMs ?? nowMs) : nowMs,
    horizon: horizonOf(boots, { nowMs, targetWaitSeconds, workers, readyWorkers, slotsPerWorker }),
  };
}

/** A worker has at least as many slots as it was seen to use: the most jobs of one queue ÷ workers, rounded down. */
function learnSlots(
  slots: LearnedMemory['slots'],
  activeJobs: number,
  readyWorkers: number,
  nowMs: number,
): LearnedMemory['slots'] {
  if (readyWorkers === 0) return slots;
  const used = Math.floor(activeJobs / readyWorkers);
  if (used === 0) return slots;
  const isForgotten = slots === null || nowMs - slots.reachedAtMs > slotsMemoryMs;
  return isForgotten || used >= slots.perWorker ? { perWorker: used, reachedAtMs: nowMs } : slots;
}
