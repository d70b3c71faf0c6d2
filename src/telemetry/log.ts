import { destination, pino, stdTimeFunctions, type Logger } from 'pino';
import type { ErrorCode } from '../errors.ts';
import type { QueueReading } from '../decision/types.ts';
import type { TickRecord } from '../tick-record.ts';
import { overrideReports, pauseReport } from './override-report.ts';
import { whyUndecided } from './report.ts';
import { createScrubber, scrubJson } from '../scrub.ts';

/**
 * A logger that writes one line of JSON for each message, at once, to stdout or whatever is given. Every line passes
 * through one scrubber, so that no message, stack, cause or field can carry a secret out.
 */
export function createLog(options: {
  readonly level: string;
  /** Values that must never be seen: tokens, and URLs with a password. */
  readonly secrets: readonly string[];
  readonly destination: 'stdout' | 'stderr' | { write(line: string): void };
}): Logger {
  const scrub = createScrubber(options.secrets);
  const out = streamOf(options.destination);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line) {
        out.write(`${scrubJson(scrub, line)}\n`);
      },
    },
  );
}

function streamOf(place: Parameters<typeof createLog>[0]['destination']): {
  write(line: string): void;
} {
  if (typeof place === 'object') return place;
  // Synchronous, so that the last words of a process that ends are not lost.
  return destination({ fd: place === 'stdout' ? 1 : 2, sync: true });
}

/** Errors that no later tick can overcome by itself: a person has to act. */
const needsPerson: ReadonlySet<ErrorCode> = new Set(['TARGET_REJECTED', 'CONFIG_INVALID']);

/**
 * Writes the one line of a tick: `info` when it was good, `error` when a person has to act, else `warn`. The stack of
 * an error follows at `debug`.
 */
export function logTick(log: Logger, record: TickRecord): void {
  const { pool, observation, decision, outcome, error, durationSeconds } = record;
  const isBlind = observation === null || observation.unreadableQueues.length > 0;
  const total = (count: (reading: QueueReading) => number): number | null =>
    isBlind ? null : observation.queues.reduce((sum, reading) => sum + count(reading), 0);
  const hold = decision?.manualHold ?? null;
  const stuck = decision?.stuck ?? [];
  const budgets = observation?.budgets ?? [];
  const level = error === null ? 'info' : needsPerson.has(error.code) ? 'error' : 'warn';

  log[level](
    {
      pool,
      currentWorkers: record.currentWorkers,
      recommendedWorkers: decision?.recommendedWorkers ?? null,
      desiredWorkers: decision?.desiredWorkers ?? null,
      action: decision?.action ?? 'hold',
      limitedBy: decision?.limitedBy ?? 'none',
      alternative: decision?.alternative ?? null,
      outcome,
      readyJobs: total(({ readyJobs }) => readyJobs),
      activeJobs: total(({ activeJobs }) => activeJobs),
      orphanedJobs: total(({ orphanedJobs }) => orphanedJobs),
      oldestWaitSeconds: isBlind ? null : oldestWaitSeconds(observation.queues),
      durationMs: Math.round(durationSeconds * 1000),
      ...(hold === null
        ? {}
        : { manualHold: hold.workers, manualHoldUntil: new Date(hold.untilMs).toISOString() }),
      ...operatorFields(record),
      ...(record.drain === null
        ? {}
        : {
            draining: record.drain.marked,
            cancelled: record.drain.cancelled,
            blocked: record.drain.blocked,
          }),
      ...(budgets.length === 0 ? {} : { budgets }),
      ...(stuck.length === 0 ? {} : { stuck }),
      ...(error === null ? {} : { code: error.code, hint: error.hint }),
    },
    sentence(record),
  );
  if (error !== null) log.debug({ pool, err: error }, 'the error of this tick in full');
}

function oldestWaitSeconds(queues: readonly QueueReading[]): number | null {
  const waits = queues.map((queue) => queue.oldestWaitSeconds).filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}

/** `worker: 3 → 10 workers (scaled): 1,240 ready jobs ÷ 100 jobs per worker → 13; at most 10 (MAX_WORKERS)` */
function sentence(record: TickRecord): string {
  const { pool, decision, outcome, error } = record;
  const whys = decision?.steps.map(({ why }) => why) ?? [];
  const stuck = decision?.stuck.map(({ why }) => why) ?? [];
  const trouble = error === null ? [] : [`${error.code}: ${error.message} (${error.hint})`];
  const story =
    decision === null && error === null
      ? [whyUndecided(record)]
      : [
          ...whys,
          ...operatorStory(record),
          ...personStory(record),
          ...drainStory(record),
          ...stuck,
          ...trouble,
        ];
  return `${pool}: ${movement(record)} (${outcome}): ${story.join('; ')}`;
}

/** What operators changed, as one may search a log for it. */
function operatorFields({ policy, overrides }: TickRecord): object {
  const pause = pauseReport(policy?.pause ?? null);
  const changes = overrideReports(overrides?.settings ?? []);
  return {
    ...(pause === null ? {} : { pausedBy: pause.by, pausedUntil: pause.until }),
    ...(changes.length === 0 ? {} : { overrides: changes }),
  };
}

/** That the pool is paused, if no step has said so already. */
function operatorStory({ policy, decision }: TickRecord): readonly string[] {
  const pause = policy?.pause ?? null;
  const isSaid = decision?.steps.some(({ step }) => step === 'pause') ?? false;
  return pause === null || isSaid ? [] : [pause.why];
}

/** Who is in charge until when, if no step has said so already. */
function personStory({ decision }: TickRecord): readonly string[] {
  const hold = decision?.manualHold ?? null;
  const isSaid = decision?.steps.some(({ step }) => step === 'manual-scale') ?? false;
  return hold === null || isSaid ? [] : [hold.why];
}

/** Which dyno holds up a scale-down, and with what; and which go on although they were to go. */
function drainStory({ drain }: TickRecord): readonly string[] {
  if (drain === null) return [];
  const { blocked, cancelled } = drain;
  const back = cancelled.length === 0 ? [] : [`${cancelled.join(', ')} back at work`];
  const [first, ...others] = blocked;
  if (first === undefined) return back;
  const [job] = first.jobs;
  const doing = job === undefined ? `is ${first.verdict}` : `runs job ${job.jobId} of ${job.queue}`;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return [...back, `waits for ${first.dyno}, which ${doing}${more}`];
}

function movement({ decision, error }: TickRecord): string {
  if (decision === null) return error === null ? 'stands by' : 'no decision';
  const { currentWorkers, desiredWorkers } = decision;
  const noun = desiredWorkers === 1 ? 'worker' : 'workers';
  if (currentWorkers === desiredWorkers) return `holds ${desiredWorkers} ${noun}`;
  return `${currentWorkers ?? '?'} → ${desiredWorkers} ${noun}`;
}
