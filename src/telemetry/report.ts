import type { Blocked } from '../drain/plan.ts';
import type { Overrides, Setting } from '../decision/overrides.ts';
import type {
  Budget,
  Decision,
  Limit,
  Policy,
  Step,
  StuckWork,
  UnreadableQueue,
} from '../decision/types.ts';
import type { ErrorCode } from '../errors.ts';
import type { Outcome, TickRecord } from '../tick-record.ts';
import { costReport, type CostReport } from './cost-report.ts';

/** What `once --json` and `/status.json` say of a pool. Counts are whole numbers; what is not known is null. */
export type TickReport = {
  readonly pool: string;
  /** When the tick began, in ISO 8601. */
  readonly at: string;
  /** The bounds in force, whoever set them. */
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** How long jobs may wait; null where the ratio decides. */
  readonly targetWaitSeconds: number | null;
  /** The bounds without what operators changed. */
  readonly configured: Bounds;
  readonly currentWorkers: number | null;
  readonly recommendedWorkers: number | null;
  readonly desiredWorkers: number | null;
  readonly action: Decision['action'];
  readonly limitedBy: Limit | 'none';
  /** Begins with `recommend`; then every limit that changed the number, in order. */
  readonly steps: readonly {
    readonly step: Step['step'];
    readonly workers: number | null;
    readonly why: string;
  }[];
  /** What the policy that does not lead would have recommended; null when nothing was decided. */
  readonly alternative: Decision['alternative'] | null;
  /** What a person set, as long as it is respected. */
  readonly manualHold: {
    readonly workers: number;
    /** In ISO 8601. */
    readonly until: string;
    readonly why: string;
  } | null;
  /** The window of the schedule that counts; null outside of all. */
  readonly window: { readonly text: string; readonly until: string } | null;
  /** Why nothing is changed, as long as somebody has paused the pool. */
  readonly pause: PauseReport | null;
  /** What operators changed, as long as it is in force. */
  readonly overrides: readonly OverrideReport[];
  readonly outcome: Outcome;
  readonly error?: ErrorReport | undefined;
  /** What should go and cannot yet; empty when nothing stands in the way. */
  readonly blocked: readonly BlockedReport[];
  /** Work that does not go on by itself; empty when there is none, and when nothing was decided. */
  readonly stuck: readonly StuckReport[];
  readonly queues: readonly QueueReport[];
  readonly unreadableQueues: readonly UnreadableQueue[];
  /** Null while another daemon acts, or when what was counted before cannot be read. */
  readonly cost: CostReport | null;
  /** For how many workers each budget of the pool is enough, null where that is not known, and why. */
  readonly budgets: readonly Budget[];
};

type Bounds = { readonly minWorkers: number; readonly maxWorkers: number };

/** Who and until when, in ISO 8601, is null where what was stored cannot be understood. */
export type PauseReport = {
  readonly by: string | null;
  readonly at: string | null;
  readonly until: string | null;
  readonly why: string;
};

export type OverrideReport = {
  readonly setting: Setting;
  /** A count, or a duration as it was typed, such as `2m`. */
  readonly value: number | string;
  readonly by: string;
  /** When it was set and until when it holds, in ISO 8601. */
  readonly at: string;
  readonly until: string;
};

export type ErrorReport = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
};

export type QueueReport = {
  readonly queue: string;
  readonly readyJobs: number;
  readonly activeJobs: number;
  readonly orphanedJobs: number;
  readonly delayedJobs: number;
  readonly pausedJobs: number;
  readonly isPaused: boolean;
  readonly oldestWaitSeconds: number | null;
};

export type BlockedReport = {
  readonly dyno: string;
  /** Why it is not removed: `busy`, `starting`, or `unknown` where nobody can tell. */
  readonly verdict: string;
  /** Since when it has been in the way, in ISO 8601; null where none is asked to drain. */
  readonly since: string | null;
  /** The jobs known to run there. */
  readonly jobs: readonly {
    readonly queue: string;
    readonly jobId: string;
    /** When the job began, in ISO 8601; null when that is not known. */
    readonly startedAt: string | null;
  }[];
};

export type StuckReport = Omit<StuckWork, 'sinceMs'> & {
  /** In ISO 8601. */
  readonly since: string;
};

export type Status = { readonly pools: readonly TickReport[] };

export type Health = {
  readonly isHealthy: boolean;
  readonly pools: readonly {
    readonly pool: string;
    readonly isHealthy: boolean;
    /** In ISO 8601; null before the first good tick. */
    readonly lastGoodTickAt: string | null;
    readonly ageSeconds: number | null;
  }[];
};

/** `configured` is the policy without what operators changed, which also stands in where that is not known. */
export function tickReport(
  record: TickRecord,
  configured: Bounds & Pick<Policy, 'leading'> & { readonly targetWaitSeconds: number | null },
): TickReport {
  const { pool, startedAtMs, observation, decision, outcome, drain, cost, error } = record;
  const inForce = record.policy ?? configured;
  return {
    pool,
    at: new Date(startedAtMs).toISOString(),
    minWorkers: inForce.minWorkers,
    maxWorkers: inForce.maxWorkers,
    configured: { minWorkers: configured.minWorkers, maxWorkers: configured.maxWorkers },
    targetWaitSeconds: inForce.leading === 'learned' ? inForce.targetWaitSeconds : null,
    currentWorkers: decision?.currentWorkers ?? record.currentWorkers,
    recommendedWorkers: decision?.recommendedWorkers ?? null,
    desiredWorkers: decision?.desiredWorkers ?? null,
    action: decision?.action ?? 'hold',
    limitedBy: decision?.limitedBy ?? 'none',
    steps: decision?.steps ?? [{ step: 'recommend', workers: null, why: whyUndecided(record) }],
    alternative: decision?.alternative ?? null,
    manualHold: manualHoldReport(decision?.manualHold ?? null),
    window: windowReport(record.policy?.window ?? null),
    pause: pauseReport(record.policy?.pause ?? null),
    overrides: overrideReports(record.overrides?.settings ?? []),
    outcome,
    ...(error === null
      ? {}
      : { error: { code: error.code, message: error.message, hint: error.hint } }),
    blocked: (drain?.blocked ?? []).map(blockedReport),
    stuck: (decision?.stuck ?? []).map(({ sinceMs, ...work }) => ({
      ...work,
      since: new Date(sinceMs).toISOString(),
    })),
    queues: (observation?.queues ?? []).map(queueReport),
    unreadableQueues: observation?.unreadableQueues ?? [],
    cost: cost && costReport(cost),
    budgets: observation?.budgets ?? [],
  };
}

/** Why a tick came to no decision: it failed before, or another daemon acts for the pool. */
export function whyUndecided({ error }: TickRecord): string {
  return error?.message ?? 'another daemon acts for this pool';
}

function manualHoldReport(hold: Decision['manualHold']): TickReport['manualHold'] {
  if (hold === null) return null;
  return { workers: hold.workers, until: new Date(hold.untilMs).toISOString(), why: hold.why };
}

function windowReport(window: Policy['window']): TickReport['window'] {
  return window && { text: window.text, until: new Date(window.untilMs).toISOString() };
}

export function pauseReport(pause: Policy['pause']): PauseReport | null {
  if (pause === null) return null;
  return { by: pause.by, at: iso(pause.setAtMs), until: iso(pause.untilMs), why: pause.why };
}

export function overrideReports(settings: Overrides['settings']): readonly OverrideReport[] {
  return settings.map(({ setting, text, by, setAtMs, untilMs }) => ({
    setting,
    value: /^\d+$/.test(text) ? Number(text) : text,
    by,
    at: new Date(setAtMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  }));
}

function blockedReport({ dyno, verdict, sinceMs, jobs }: Blocked): BlockedReport {
  return {
    dyno,
    verdict,
    since: iso(sinceMs),
    jobs: jobs.map(({ queue, jobId, startedAtMs }) => ({
      queue,
      jobId,
      startedAt: iso(startedAtMs),
    })),
  };
}

function iso(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

function queueReport(reading: QueueReport): QueueReport {
  const { queue, readyJobs, activeJobs, orphanedJobs, delayedJobs, pausedJobs } = reading;
  const { isPaused, oldestWaitSeconds } = reading;
  return {
    queue,
    readyJobs,
    activeJobs,
    orphanedJobs,
    delayedJobs,
    pausedJobs,
    isPaused,
    oldestWaitSeconds,
  };
}

/** Two ticks in a row with the same gist belong together: nothing was scaled, and the reason is the same. */
export function gistOf(report: TickReport): string {
  const { at, outcome, currentWorkers, desiredWorkers, steps, error, manualHold } = report;
  const reasons = steps.map(({ step }) => step).join('>');
  return [
    ...[outcome === 'scaled' ? at : outcome, currentWorkers, desiredWorkers, reasons],
    ...[error?.code, manualHold?.workers],
  ].join(' ');
}

/** When a good tick ended, in Unix milliseconds; null for a tick with an error. */
export function goodTickAtMs({ startedAtMs, durationSeconds, error }: TickRecord): number | null {
  return error === null ? startedAtMs + durationSeconds * 1000 : null;
}

/** One late tick is nobody's emergency; and at short intervals a second or two is noise. */
const healthyIntervals = 3;
const healthyAgeMsMin = 3_000;

/** Healthy while every pool's last good tick is younger than three intervals (at least 3 s). Without pools: not healthy. */
export function healthOf(
  pools: readonly {
    readonly pool: string;
    readonly intervalMs: number;
    readonly lastGoodTickAtMs: number | null;
  }[],
  nowMs: number,
): Health {
  const reports = pools.map(({ pool, intervalMs, lastGoodTickAtMs }) => {
    // Clocks of two machines differ by a little: nothing is younger than new.
    const ageMs = lastGoodTickAtMs === null ? null : Math.max(0, nowMs - lastGoodTickAtMs);
    return {
      pool,
      isHealthy: ageMs !== null && ageMs < Math.max(healthyIntervals * intervalMs, healthyAgeMsMin),
      lastGoodTickAt: lastGoodTickAtMs === null ? null : new Date(lastGoodTickAtMs).toISOString(),
      ageSeconds: ageMs === null ? null : ageMs / 1000,
    };
  });
  return {
    isHealthy: reports.length > 0 && reports.every(({ isHealthy }) => isHealthy),
    pools: reports,
  };
}
