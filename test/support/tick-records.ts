import type { CostReading } from '../../src/cost/ledger.ts';
import { addUsage, noUsage, usageByDay } from '../../src/cost/usage.ts';
import { noOverrides } from '../../src/decision/overrides.ts';
import type { Decision, Observation, QueueReading } from '../../src/decision/types.ts';
import { OperationalError } from '../../src/errors.ts';
import type { TickRecord } from '../../src/tick-record.ts';
import * as empty from './builders.ts';

/** Ticks as the loop would record them, for everything that reads a record. */
const startedAtMs = Date.UTC(2026, 0, 5, 12, 0, 0);

export const bounds = {
  minWorkers: 1,
  maxWorkers: 10,
  leading: 'ratio' as const,
  intervalSeconds: 60,
  targetWaitSeconds: null,
  costBudgetDollars: null,
};

export function reading(changes: Partial<QueueReading> = {}): QueueReading {
  return empty.reading({
    queue: 'mail',
    readyJobs: 1240,
    activeJobs: 30,
    orphanedJobs: 2,
    delayedJobs: 7,
    oldestWaitSeconds: 41.5,
    running: [{ jobId: '1', worker: 'worker.1', startedAtMs, jobName: null }],
    orphanedJobIds: ['8', '9'],
    ...changes,
  });
}

export function observation(changes: Partial<Observation> = {}): Observation {
  return empty.observation(0, {
    observedAtMs: startedAtMs,
    queues: [reading()],
    currentWorkers: 3,
    ...changes,
  });
}

const alternative = { policy: 'learned', workers: 4, why: 'a wait under 2 min takes 4' } as const;

const scaleUp: Decision = {
  action: 'scale-up',
  currentWorkers: 3,
  recommendedWorkers: 13,
  desiredWorkers: 10,
  limitedBy: 'max-workers',
  steps: [
    { step: 'recommend', workers: 13, why: '1,240 ready jobs ÷ 100 jobs per worker → 13' },
    { step: 'max-workers', workers: 10, why: 'at most 10 (MAX_WORKERS)' },
  ],
  manualHold: null,
  lookAgainAfterSeconds: null,
  alternative,
  stuck: [],
};

export const hold: Decision = {
  action: 'hold',
  currentWorkers: 3,
  recommendedWorkers: 3,
  desiredWorkers: 3,
  limitedBy: 'none',
  steps: [{ step: 'recommend', workers: 3, why: '240 ready jobs ÷ 100 jobs per worker → 3' }],
  manualHold: null,
  lookAgainAfterSeconds: null,
  alternative,
  stuck: [],
};

/** Jobs that ran when their worker died, twelve minutes ago. */
export const orphans: Decision['stuck'][number] = {
  queue: 'mail',
  kind: 'orphaned',
  sinceMs: startedAtMs - 12 * 60_000,
  jobIds: ['8', '9'],
  why: 'nobody has recovered 2 orphaned jobs of mail for 12m',
};

/** A tick that scaled up, unless told otherwise. */
export function tick(changes: Partial<TickRecord> = {}): TickRecord {
  const seen = changes.observation === undefined ? observation() : changes.observation;
  return {
    currentWorkers: seen?.currentWorkers ?? null,
    pool: 'worker',
    startedAtMs,
    durationSeconds: 0.25,
    observation: observation(),
    overrides: noOverrides,
    policy: empty.policy({ minWorkers: bounds.minWorkers, maxWorkers: bounds.maxWorkers }),
    decision: scaleUp,
    outcome: 'scaled',
    drain: null,
    cost: null,
    error: null,
    ...changes,
  };
}

export function refused(): OperationalError {
  return new OperationalError('TARGET_REJECTED', 'Heroku refused: 403 forbidden', {
    hint: 'Create a token with scope write.',
  });
}

export function redisGone(): OperationalError {
  return new OperationalError('QUEUE_UNREADABLE', 'Redis at 127.0.0.1:1: ECONNREFUSED', {
    hint: 'No server answers there.',
    cause: new Error('connect ECONNREFUSED 127.0.0.1:1'),
  });
}

/** One tick of every kind, in an order that could happen. */
export function ticksOfAllKinds(): readonly TickRecord[] {
  const blind = observation({ unreadableQueues: [{ queue: 'sms', why: 'WRONGTYPE' }] });
  return [
    tick(),
    tick({ decision: hold, outcome: 'held' }),
    tick({ outcome: 'draining', decision: { ...hold, action: 'scale-down', desiredWorkers: 1 } }),
    tick({
      outcome: 'dry-run',
      observation: observation({ currentWorkers: null }),
      decision: { ...hold, currentWorkers: null },
    }),
    tick({ outcome: 'not-leader', observation: null, decision: null }),
    tick({ outcome: 'held', observation: blind, decision: hold, error: redisGone() }),
    tick({ outcome: 'failed', observation: null, decision: null, error: redisGone() }),
    tick({ outcome: 'failed', error: refused() }),
    withinBudget(),
    tick({ cost: { ...costs(null), dollarsPerHour: null } }),
  ];
}

/** What four hours of the day, and thirty of the month, cost with three workers, and would have cost otherwise. */
function costs(workerDollarsPerHour: number | null): CostReading {
  const held = { ...{ workers: 3, max: 10, ratio: 2 }, workerDollarsPerHour };
  const usage = (hours: number) =>
    usageByDay(startedAtMs - hours * 3_600_000, startedAtMs, held).reduce(
      (sum, day) => addUsage(sum, day.usage),
      { ...noUsage, unknownSeconds: 1_800 },
    );
  return { counted: noUsage, today: usage(4), month: usage(30), dollarsPerHour: 1.0417 };
}

/** A tick of which one budget decided, another is enough, and the third cannot be told. */
export function withinBudget(): TickRecord {
  const why = '$31.25 of $200 are spent this month (COST_BUDGET): what has come in pays 6 workers';
  const budgets = [
    { limit: 'connection-budget', workers: null, why: 'Redis does not say it' },
    { limit: 'worker-budget', workers: 12, why: 'all pools together may have 40' },
    { limit: 'cost-budget', workers: 6, why },
  ] as const;
  const steps = [...scaleUp.steps.slice(0, 1), { step: 'cost-budget', workers: 6, why } as const];
  return tick({
    observation: observation({ budgets }),
    decision: { ...scaleUp, desiredWorkers: 6, limitedBy: 'cost-budget', steps },
    cost: costs(250 / 720),
  });
}
