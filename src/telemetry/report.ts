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
import { blockedReport, type BlockedReport } from './blocked-report.ts';
import { costReport, type CostReport } from './cost-report.ts';
import {
  overrideReports,
  pauseReport,
  type OverrideReport,
  type PauseReport,
} from './override-report.ts';
import { queueReport, type QueueReport } from './queue-report.ts';

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
  /** Null while another daemon acts, when what was counted before cannot be read, and in the history. */
  readonly cost: CostReport | null;
  /** For how many workers each budget of the pool is enough, null where that is not known, and why. */
  readonly budgets: readonly Budget[];
};

type Bounds = { readonly minWorkers: number; readonly maxWorkers: number };

export type ErrorReport = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
};

export type StuckReport = Omit<StuckWork, 'sinceMs'> & {
  /** In ISO 8601. */
  readonly since: string;
};

export type Status = { readonly pools: readonly TickReport[] };

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

/** Two ticks in a row with the same gist belong together: nothing was scaled, and the reason is the same. */
export function gistOf(report: TickReport): string {
  const { at, outcome, currentWorkers, desiredWorkers, steps, error, manualHold } = report;
  const reasons = steps.map(({ step }) => step).join('>');
  return [
    ...[outcome === 'scaled' ? at : outcome, currentWorkers, desiredWorkers, reasons],
    ...[error?.code, manualHold?.workers],
  ].join(' ');
}
