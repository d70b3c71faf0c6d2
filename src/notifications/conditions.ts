import { stuckKinds, type Step } from '../decision/types.ts';
import { counted } from '../decision/words.ts';
import type { TickRecord } from '../tick-record.ts';

/** What people want to be told of. */
export const conditionNames = [
  'at-max',
  'blocked',
  'failing',
  'platform-limit',
  'manual-scale',
  ...stuckKinds,
] as const;
export type ConditionName = (typeof conditionNames)[number];

/**
 * What a tick says of each condition: a sentence while it holds, or one for each queue of which it does; null while it
 * does not. A condition that the tick could not see is left out.
 */
export type Conditions = {
  readonly [Name in ConditionName]?: string | ReadonlyMap<string, string> | null;
};

export function conditionsOf(record: TickRecord): Conditions {
  const { decision, drain, error, outcome } = record;
  const failing = failure(record);
  if (decision === null) return { failing };
  return {
    failing,
    'at-max': atMax(record),
    'platform-limit': whyOf(decision.steps, 'platform-limit'),
    'manual-scale': decision.manualHold?.why ?? null,
    ...stuckWork(record),
    // A tick that failed did not look: what was in the way may be still.
    ...(drain === null && (error !== null || outcome === 'failed')
      ? {}
      : { blocked: blockage(record) }),
  };
}

/** More are wanted than may be, and jobs wait for them. */
function atMax({ decision, observation }: TickRecord): string | null {
  const why = decision === null ? null : whyOf(decision.steps, 'max-workers');
  const waiting = (observation?.queues ?? []).reduce((sum, { readyJobs }) => sum + readyJobs, 0);
  if (decision === null || why === null || waiting === 0) return null;
  const wanted = decision.recommendedWorkers;
  const needed = wanted === null ? '' : `, although ${counted(wanted, 'worker')} would be needed`;
  return `${why}${needed}: ${counted(waiting, 'job')} wait`;
}

function blockage({ drain }: TickRecord): string | null {
  const [first, ...others] = drain?.blocked ?? [];
  if (first === undefined) return null;
  const [job] = first.jobs;
  const doing = job === undefined ? `is ${first.verdict}` : `runs job ${job.jobId} of ${job.queue}`;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `a scale-down waits for ${first.dyno}, which ${doing}${more}`;
}

/** Each kind of stuck work for itself. What there may be in a queue that cannot be read is left out. */
function stuckWork({ decision, observation }: TickRecord): Conditions {
  const isPartlySeen = observation === null || observation.unreadableQueues.length > 0;
  const told: Partial<Record<ConditionName, ReadonlyMap<string, string> | null>> = {};
  for (const kind of stuckKinds) {
    const found = decision?.stuck.filter((work) => work.kind === kind) ?? [];
    const sentences = found.map(({ queue, why, jobIds }) => {
      const jobs = jobIds.length === 0 ? '' : ` (job ${jobIds.join(', job ')})`;
      return [queue, `work is stuck, ${kind}: ${why}${jobs}`] as const;
    });
    if (sentences.length > 0) told[kind] = new Map(sentences);
    else if (!isPartlySeen) told[kind] = null;
  }
  return told;
}

/** Whatever kept the tick from being a good one. */
function failure({ error, observation }: TickRecord): string | null {
  if (error === null) return null;
  const isBlind = observation === null || observation.unreadableQueues.length > 0;
  const effect = isBlind ? 'cannot see, and removes nobody meanwhile' : 'cannot scale';
  return `${effect}: ${error.message} (${error.hint})`;
}

function whyOf(steps: readonly Step[], name: Step['step']): string | null {
  return steps.find(({ step }) => step === name)?.why ?? null;
}
