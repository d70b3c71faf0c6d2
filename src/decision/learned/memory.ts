/** What the learned policy remembers: plain values that can be stored, bounded in number by what fills them. */

/** Orders of workers that have not shown a sign of life, and how long earlier ones took. */
export type BootMemory = {
  readonly meanSeconds: number;
  readonly varianceSeconds2: number;
  /** How many boots the two tell of, counted up to where old ones are forgotten. */
  readonly boots: number;
  /** Oldest first. */
  readonly orders: readonly { readonly orderedAtMs: number; readonly workers: number }[];
};

/** How long jobs of one kind take. */
export type ServiceMemory = {
  readonly queue: string;
  /** Null for the queue as a whole; empty for jobs whose name nobody told. */
  readonly jobName: string | null;
  /** Slot-seconds spent on these jobs, and how many ended by them; older ones weigh less. */
  readonly busySeconds: number;
  readonly completions: number;
  /** All that ever ended, which tells how much the estimate is worth. */
  readonly seen: number;
  /** Service times of the jobs that ended last, oldest first. */
  readonly recentSeconds: readonly number[];
  readonly usedAtMs: number;
};

/** A stretch of time in a queue's history. */
export type Bin = {
  readonly untilMs: number;
  readonly seconds: number;
  /** Jobs that became ready. */
  readonly arrivals: number;
  readonly completions: number;
  /** The most jobs seen running. */
  readonly peakActive: number;
  readonly readyWorkers: number;
  /** Whether every slot was busy. */
  readonly isFull: boolean;
};

/** A number of workers above which more did not help, and the attempt to find out whether they do by now. */
export type CapMemory = {
  readonly workers: number;
  readonly why: 'idle-slots' | 'no-gain';
  readonly madeAtMs: number;
  readonly probeAfterSeconds: number;
  /** Since when the cap has kept workers back; null while it does not. */
  readonly heldBackSinceMs: number | null;
  readonly wins: number;
  readonly probe: {
    readonly startedAtMs: number;
    readonly fromWorkers: number;
    readonly completionsPerSecond: number;
  } | null;
};

/** A queue that is in use. */
export type QueueMemory = {
  readonly queue: string;
  readonly readAtMs: number;
  readonly readyJobs: number;
  readonly activeJobs: number;
  readonly addedJobs: number | null;
  readonly unfinishedJobs: number | null;
  /** Oldest first, without gaps. */
  readonly bins: readonly Bin[];
  /** When a job was last seen to end, or none to run. */
  readonly movedAtMs: number;
  /** Since when slots have been idle although jobs wait; null while they are not. */
  readonly idleSlotsSinceMs: number | null;
  readonly cap: CapMemory | null;
};

export type LearnedMemory = {
  /** When the pool was last looked at; null before that. */
  readonly seenAtMs: number | null;
  /** Since when it has been watched without a gap. */
  readonly watchedSinceMs: number | null;
  readonly workers: number | null;
  readonly scaledDownAtMs: number | null;
  readonly boots: BootMemory;
  /** Most jobs of one queue that a worker was seen to run at once. */
  readonly slots: { readonly perWorker: number; readonly reachedAtMs: number } | null;
  /** Workers that the arrivals kept busy, oldest first, each more than all that follow. */
  readonly holds: readonly { readonly madeAtMs: number; readonly workers: number }[];
  readonly services: readonly ServiceMemory[];
  readonly queues: readonly QueueMemory[];
};

/**
 * The prior of a boot is 40 ± 10 s: a Heroku worker that runs Node is seldom ready before 20 s or after 60 s. It
 * weighs as much as four boots.
 */
export const nothingLearned: LearnedMemory = {
  seenAtMs: null,
  watchedSinceMs: null,
  workers: null,
  scaledDownAtMs: null,
  boots: { meanSeconds: 40, varianceSeconds2: 100, boots: 4, orders: [] },
  slots: null,
  holds: [],
  services: [],
  queues: [],
};
