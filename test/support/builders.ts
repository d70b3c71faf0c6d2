import { nothingLearned } from '../../src/decision/learned/memory.ts';
import type { Ledger } from '../../src/cost/ledger.ts';
import type { Memory, Observation, Policy, QueueReading } from '../../src/decision/types.ts';

/** A queue that was read and is empty, but for what a test says. */
export function reading(known: Partial<QueueReading> = {}): QueueReading {
  return {
    queue: 'emails',
    readyJobs: 0,
    activeJobs: 0,
    orphanedJobs: 0,
    delayedJobs: 0,
    pausedJobs: 0,
    isPaused: false,
    oldestWaitSeconds: null,
    concurrencyLimit: null,
    rateLimitedForSeconds: null,
    running: [],
    orphanedJobIds: [],
    addedJobs: null,
    unfinishedJobs: null,
    readyJobNames: [],
    dueSoon: [],
    finished: [],
    stalledJobs: [],
    ...known,
  };
}

export const startMs = Date.UTC(2026, 0, 1);

/** What a tick saw: one queue with so many ready jobs, unless a test says more. */
export function observation(readyJobs: number, known: Partial<Observation> = {}): Observation {
  return {
    observedAtMs: startMs,
    queues: [reading({ readyJobs })],
    unreadableQueues: [],
    currentWorkers: 1,
    workers: { readyWorkers: null, concurrency: null, protection: 'none', handedBackJobs: null },
    budgets: [],
    ...known,
  };
}

/** A policy that lets every number through, so that a test shows only the rule it is about. */
export function policy(known: Partial<Policy> = {}): Policy {
  return {
    leading: 'ratio',
    targetWaitSeconds: 120,
    intervalSeconds: 60,
    minWorkers: 0,
    maxWorkers: 1000,
    eventsPerWorker: 100,
    concurrency: null,
    continuitySeconds: 600,
    scaleDownStabilizationSeconds: 0,
    stabilizationWithTargetSeconds: 0,
    scaleUpStep: null,
    scaleDownStep: null,
    manualHoldSeconds: 0,
    schedule: [],
    window: null,
    nextChangeAtMs: null,
    origins: {},
    pause: null,
    ...known,
  };
}

/** A memory with one recommendation, so that the workers found running do not count as one. */
export function memory(known: Partial<Memory> = {}): Memory {
  return {
    lastSeenAtMs: startMs,
    recommendations: [{ madeAtMs: 0, workers: 0, isFound: false }],
    orphans: [],
    stalls: [],
    platformLimit: null,
    drains: [],
    removal: null,
    tailUnknownSinceMs: null,
    learned: nothingLearned,
    intent: null,
    manual: null,
    ...known,
  };
}

/** A lease that nobody else wants. */
export const ownLease = {
  take: () => Promise.resolve(true),
  heldForMs: () => Infinity,
  assertHeld: () => undefined,
};

/** The account of a pool whose costs a test does not care for. */
export const noAccount: Ledger = {
  open: () => Promise.resolve(),
  month: () => null,
  count: () => null,
  save: () => Promise.resolve(),
};
