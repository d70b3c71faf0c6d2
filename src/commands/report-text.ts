import { counted, spoken } from '../decision/words.ts';
import { jobsInWords } from '../telemetry/job-words.ts';
import type { QueueReport } from '../telemetry/queue-report.ts';
import type { TickReport } from '../telemetry/report.ts';

/** A number of workers as a person reads it. */
export function shown(workers: number | null): string {
  return workers === null ? '?' : String(workers);
}

/** Each step with its reason, and all that stands beside the decision, a line each. */
export function detailLines(report: TickReport): string[] {
  const { steps, alternative, blocked, stuck, error } = report;
  const width = Math.max(...steps.map(({ step }) => step.length));
  const lines = steps.map(
    ({ step, workers, why }) => `  ${step.padEnd(width)}  ${shown(workers).padStart(5)}  ${why}`,
  );
  const other =
    alternative === null
      ? []
      : [`  (${alternative.policy} policy: ${shown(alternative.workers)}, ${alternative.why})`];
  const waits = blocked.map(({ dyno, verdict, jobs }) => {
    const doing = jobsInWords(jobs) || verdict;
    return `  waits for ${dyno}: ${doing}`;
  });
  const stopped = stuck.map(({ why, jobIds }) => {
    const jobs = jobIds.map((id) => `job ${id}`).join(', ');
    return `  stuck: ${why}${jobs === '' ? '' : ` (${jobs})`}`;
  });
  const trouble =
    error === undefined ? [] : [`  ${error.code}: ${error.message}`, `  ${error.hint}`];
  return [...lines, ...other, ...byHandLines(report), ...waits, ...stopped, ...trouble];
}

/** What operators changed, and the pause where no step says it. */
function byHandLines({ pause, overrides, steps }: TickReport): string[] {
  const isSaid = pause === null || steps.some(({ step }) => step === 'pause');
  return [
    ...(isSaid ? [] : [`  ${pause.why}`]),
    ...overrides.map(({ setting, value, by }) => `  ${setting}=${String(value)}, set by ${by}`),
  ];
}

/** What was seen of the queues, a line each, the busiest first. */
export function queueLines({ queues, unreadableQueues }: TickReport, linesMax: number): string[] {
  const busiest = queues.toSorted(
    (one, other) => other.readyJobs - one.readyJobs || other.activeJobs - one.activeJobs,
  );
  const lines = [
    ...unreadableQueues.map(({ queue, why }) => `  ${queue}: could not be read: ${why}`),
    ...busiest.map((queue) => `  ${queue.queue}: ${jobsOf(queue)}`),
  ];
  const rest = lines.length - linesMax;
  return rest > 0 ? [...lines.slice(0, linesMax), `  and ${counted(rest, 'more queue')}`] : lines;
}

const wholeNumber = new Intl.NumberFormat('en');

function jobsOf(queue: QueueReport): string {
  const { readyJobs, activeJobs, orphanedJobs, delayedJobs, pausedJobs, isPaused } = queue;
  const counts = { ready: readyJobs, active: activeJobs, orphaned: orphanedJobs };
  const told = Object.entries({ ...counts, delayed: delayedJobs, paused: pausedJobs })
    .filter(([, jobs]) => jobs > 0)
    .map(([state, jobs]) => `${wholeNumber.format(jobs)} ${state}`);
  const jobs = told.length === 0 ? 'empty' : told.join(', ');
  const wait = queue.oldestWaitSeconds;
  const oldest = wait === null ? '' : `; the oldest has waited ${spoken(wait)}`;
  return `${isPaused ? 'paused; ' : ''}${jobs}${oldest}`;
}

/** Names of queues and jobs are anyone's text, and a terminal obeys some characters. */
export function harmless(lines: readonly string[]): string {
  return lines.map((line) => `${line.replace(/\p{Cc}+/gu, ' ')}\n`).join('');
}
