import type { LearnedMemory } from './learned/memory.ts';
import type { Pause, Setting } from './overrides.ts';
import type { Window } from './schedule.ts';

export type { LearnedMemory };

/** The vocabulary of the decision. Counts are whole numbers; what is not known is `null`, never 0. */

/** A job that a live worker holds. */
export type RunningJob = {
  readonly jobId: string;
  /** The name the worker gave itself (on Heroku its dyno, `worker.3`); null when it has none. */
  readonly worker: string | null;
  readonly startedAtMs: number | null;
  /** What kind of job it is; jobs of one name are taken to be alike. Null when that was not looked up. */
  readonly jobName: string | null;
};

/** A job that ended, well or badly, between two readings. */
export type FinishedJob = {
  readonly jobName: string | null;
  /** From its start to its end, without the time it waited. */
  readonly durationSeconds: number;
  /** From when it was ready until that start; null when that is not known. */
  readonly waitSeconds: number | null;
};

/** A job that was put back, and how often so far, because its worker died or hung while it ran. */
export type StalledJob = { readonly jobId: string; readonly stalls: number };

/** Jobs that become ready at a time that is known already. */
export type DueJobs = { readonly dueAtMs: number; readonly jobs: number };

/** What one queue looked like at one moment. */
export type QueueReading = {
  readonly queue: string;
  /** Jobs that a free worker could start now; 0 while the queue is paused. */
  readonly readyJobs: number;
  /** Jobs held by a live worker. */
  readonly activeJobs: number;
  /** Jobs that are marked as running although their worker is gone. */
  readonly orphanedJobs: number;
  /** Jobs that become ready later. */
  readonly delayedJobs: number;
  /** Jobs that would be ready if the queue were not paused. */
  readonly pausedJobs: number;
  readonly isPaused: boolean;
  /** How long the job that waits longest has been ready; null when none is ready or its age cannot be told. */
  readonly oldestWaitSeconds: number | null;
  /** Most jobs that the queue lets run at once over all workers; null when there is no such cap. */
  readonly concurrencyLimit: number | null;
  /** Until the queue's rate limit lets another job start; null while it is not at its limit. */
  readonly rateLimitedForSeconds: number | null;
  /** Jobs held by live workers, as far as they were listed (a very long list is cut). */
  readonly running: readonly RunningJob[];
  /** Ids of orphaned jobs, cut likewise. */
  readonly orphanedJobIds: readonly string[];
  /** Jobs that were ever added: its growth is the arrivals. Null when the queue system does not count them. */
  readonly addedJobs: number | null;
  /** Jobs that were added and have not ended: what was added and is none of these has ended. Null when not counted. */
  readonly unfinishedJobs: number | null;
  /** The names of ready jobs at evenly spaced places of the line, the next to run first; empty when not looked up. */
  readonly readyJobNames: readonly string[];
  /** Delayed jobs that become ready soon (retries and the next run of schedulers among them), the earliest first. */
  readonly dueSoon: readonly DueJobs[];
  /** Some of the jobs that ended since the last reading. */
  readonly finished: readonly FinishedJob[];
  /** Jobs that stalled since the last reading, or run again after they did, as far as they were seen. */
  readonly stalledJobs: readonly StalledJob[];
};

/** What is known of the workers beyond how many were asked for. */
export type WorkersReading = {
  /** Workers that have shown a sign of life; null when nobody can tell. */
  readonly readyWorkers: number | null;
  /** Jobs one worker runs at once for each queue, as the workers themselves say; null when they do not. */
  readonly concurrency: number | null;
  /**
   * What spares running jobs when workers are removed. `drain`: companions, so that any worker may be named for
   * removal; `names`: only workers known to be idle go; `none`: whatever runs on a removed worker is interrupted.
   */
  readonly protection: 'drain' | 'names' | 'none';
  /** Jobs that companions of the pool ever handed back; null without companions, or when they cannot be heard. */
  readonly handedBackJobs: number | null;
};

export type UnreadableQueue = { readonly queue: string; readonly why: string };

/** What several pools, or a pool and others, have to share. */
export const budgetLimits = ['connection-budget', 'worker-budget', 'cost-budget'] as const;

/** The most workers for which there is enough of something. */
export type Budget = {
  readonly limit: (typeof budgetLimits)[number];
  /** Null while that cannot be told: then it limits nothing, and `why` says so. */
  readonly workers: number | null;
  readonly why: string;
};

/** Everything a decision is made from. */
export type Observation = {
  readonly observedAtMs: number;
  readonly queues: readonly QueueReading[];
  /** Queues that could not be read. While there is one, the pool is blind: it never shrinks. */
  readonly unreadableQueues: readonly UnreadableQueue[];
  /** Workers asked of the platform; null when that is unknown. */
  readonly currentWorkers: number | null;
  readonly workers: WorkersReading;
  /** Those that the pool has. */
  readonly budgets: readonly Budget[];
};

/** Ways to tell from what was seen how many workers are needed. */
export const policyNames = ['ratio', 'learned'] as const;
export type PolicyName = (typeof policyNames)[number];

/** What the owner of the pool wants. */
export type Policy = {
  /** The one that is followed; the other is computed beside it, so that its owner can watch before switching. */
  readonly leading: PolicyName;
  /** How long a job may wait from when it is ready until it starts. */
  readonly targetWaitSeconds: number;
  /** Time between two ticks. */
  readonly intervalSeconds: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Ready jobs one worker is expected to handle. */
  readonly eventsPerWorker: number;
  /** Jobs one worker runs at once; null when nobody said so. */
  readonly concurrency: number | null;
  /** After a gap longer than this in what was seen, memory counts as none: nobody knows what was needed meanwhile. */
  readonly continuitySeconds: number;
  /** Scale down only to the highest recommendation of this long. */
  readonly scaleDownStabilizationSeconds: number;
  /** The same once the schedule or an operator sets a target: the learned policy holds by itself, unless it is told to. */
  readonly stabilizationWithTargetSeconds: number;
  /** Most workers added in one tick; null for any number. */
  readonly scaleUpStep: number | null;
  /** Most workers removed in one tick; null for any number. */
  readonly scaleDownStep: number | null;
  /** How long a number of workers that a person set is respected; 0 for not at all. */
  readonly manualHoldSeconds: number;
  /** What holds instead of this at certain times; the first window that matches counts. */
  readonly schedule: readonly Window[];
  /** The window that counts now; null outside of all. */
  readonly window: { readonly text: string; readonly untilMs: number } | null;
  /** When the schedule changes something next, or a worker must be ordered for it; null when nothing comes soon. */
  readonly nextChangeAtMs: number | null;
  /** Where a setting comes from, in words, when that is not its config var. */
  readonly origins: Readonly<Partial<Record<Setting, string>>>;
  /** Why nothing may be changed now; null when it may. */
  readonly pause: Pause | null;
};

/** What a decision must remember of earlier ones: a plain value that can be stored, bounded in size. */
export type Memory = {
  /** When the pool was last seen and its workers counted; null before that. */
  readonly lastSeenAtMs: number | null;
  /** Earlier recommendations, oldest first, each higher than all that follow it: those a later window can still need. */
  readonly recommendations: readonly {
    readonly madeAtMs: number;
    readonly workers: number;
    /** Not recommended, but found running when the pool was first seen, or seen again after a gap. */
    readonly isFound: boolean;
  }[];
  /** When each orphaned job was first seen as such. */
  readonly orphans: readonly { readonly job: string; readonly seenAtMs: number }[];
  /** Jobs that stalled, since when each is known to, and when it was first seen to have done so as often. */
  readonly stalls: readonly {
    readonly job: string;
    readonly stalls: number;
    readonly sinceMs: number;
    readonly stalledAtMs: number;
    readonly seenAtMs: number;
    /** How many jobs of the queue had ended by the first; null when nobody counts them. */
    readonly endedJobs: number | null;
  }[];
  /** The most workers the platform allows, learned from a refusal. */
  readonly platformLimit: { readonly workers: number; readonly learnedAtMs: number } | null;
  /** Dynos that were asked to drain, since when, and whether they still are: not after they took too long. */
  readonly drains: readonly {
    readonly dyno: string;
    readonly sinceMs: number;
    readonly isAsked: boolean;
  }[];
  /** The last removal, until it was seen whether the right dynos went. */
  readonly removal: { readonly workers: number; readonly madeAtMs: number } | null;
  /**
   * When a removal was seen to take others than the highest numbers, so that nobody can tell which workers would go;
   * null when none was, or not lately.
   */
  readonly tailUnknownSinceMs: number | null;
  readonly learned: LearnedMemory;
  /**
   * The number of workers that was asked for last, written down before asking; null before the pool was first seen.
   * Until it was seen to hold it is not known whether the request was obeyed, and `formerWorkers` is what it was before.
   */
  readonly intent: {
    readonly workers: number;
    readonly formerWorkers: number | null;
    readonly madeAtMs: number;
  } | null;
  /** What a person set, as long as it is respected. */
  readonly manual: {
    readonly workers: number;
    readonly setAtMs: number;
    readonly untilMs: number;
  } | null;
};

/** Everything that may change what was recommended. Labels a metric, so the set is closed. */
export const limits = [
  'queue-concurrency',
  'queue-rate-limit',
  'ineffective-workers',
  'stuck-jobs',
  'expected-interruptions',
  'blind',
  'stabilization',
  'scale-up-step',
  'scale-down-step',
  ...budgetLimits,
  'manual-scale',
  'min-workers',
  'max-workers',
  'platform-limit',
  'pause',
] as const;
export type Limit = (typeof limits)[number];

/** One stage of a decision that changed the number of workers, with the sentence that says why. */
export type Step = {
  readonly step: 'recommend' | Limit;
  /** Null when nothing could be recommended, because no queue could be read. */
  readonly workers: number | null;
  readonly why: string;
};

/**
 * Orphaned: nobody recovers the jobs of a dead worker. No progress: workers are up, and no job ends or none starts.
 * Stalling: jobs are put back again and again, because the workers that run them die or hang.
 */
export const stuckKinds = ['orphaned', 'no-progress', 'stalling'] as const;

/** Work of one queue that does not go on by itself, so that a person has to look at it. */
export type StuckWork = {
  readonly queue: string;
  readonly kind: (typeof stuckKinds)[number];
  readonly sinceMs: number;
  /** A few of the jobs, those that have been stuck longest first; empty when no job in particular is. */
  readonly jobIds: readonly string[];
  readonly why: string;
};

export type Action = 'scale-up' | 'scale-down' | 'hold';

export type Decision = {
  readonly action: Action;
  readonly currentWorkers: number | null;
  /** From the formula alone; null when no queue could be read. */
  readonly recommendedWorkers: number | null;
  /** After every limit. */
  readonly desiredWorkers: number;
  /** The last limit that changed the number. */
  readonly limitedBy: Limit | 'none';
  /** Begins with `recommend`; then every limit that changed the number, in order. */
  readonly steps: readonly Step[];
  /** The number a person set that is respected now, whether or not it changed the decision. */
  readonly manualHold: {
    readonly workers: number;
    readonly untilMs: number;
    readonly why: string;
  } | null;
  /** When to look again, if sooner than at the next interval; null for the interval. */
  readonly lookAgainAfterSeconds: number | null;
  /** What the policy that does not lead would have recommended. */
  readonly alternative: {
    readonly policy: PolicyName;
    readonly workers: number | null;
    readonly why: string;
  };
  /** At most one of each kind for each queue that could be read. */
  readonly stuck: readonly StuckWork[];
};
