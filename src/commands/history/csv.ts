import type { TickReport } from '../../telemetry/report.ts';

type Cell = string | number | null;

/** The columns of the table, and what of a tick stands in each; what is not known is empty. */
const columns: Readonly<Record<string, (tick: TickReport) => Cell>> = {
  time: ({ at }) => at,
  pool: ({ pool }) => pool,
  current: ({ currentWorkers }) => currentWorkers,
  recommended: ({ recommendedWorkers }) => recommendedWorkers,
  desired: ({ desiredWorkers }) => desiredWorkers,
  action: ({ action }) => action,
  limited_by: ({ limitedBy }) => limitedBy,
  outcome: ({ outcome }) => outcome,
  ready: (tick) => sumOf(tick, ({ readyJobs }) => readyJobs),
  active: (tick) => sumOf(tick, ({ activeJobs }) => activeJobs),
  orphaned: (tick) => sumOf(tick, ({ orphanedJobs }) => orphanedJobs),
  delayed: (tick) => sumOf(tick, ({ delayedJobs }) => delayedJobs),
  oldest_wait_seconds: oldestWaitOf,
  error_code: ({ error }) => error?.code ?? null,
  why: ({ steps }) => steps.map(({ why }) => why).join('; '),
};

/** A table after RFC 4180: a header, then a line for each tick. */
export function csvOf(ticks: readonly TickReport[]): string {
  const rows = ticks.map((tick) => Object.values(columns).map((cellOf) => cellOf(tick)));
  return [Object.keys(columns), ...rows].map((row) => `${row.map(written).join(',')}\r\n`).join('');
}

/** Over all queues of the pool; null when one of them was not seen. */
function sumOf(tick: TickReport, count: (queue: TickReport['queues'][number]) => number): Cell {
  return isSeen(tick) ? tick.queues.reduce((sum, queue) => sum + count(queue), 0) : null;
}

function oldestWaitOf(tick: TickReport): Cell {
  const waits = tick.queues.flatMap(({ oldestWaitSeconds }) => oldestWaitSeconds ?? []);
  return isSeen(tick) && waits.length > 0 ? Math.max(...waits) : null;
}

function isSeen({ queues, unreadableQueues, error }: TickReport): boolean {
  return unreadableQueues.length === 0 && (queues.length > 0 || error === undefined);
}

/**
 * Names of queues are anyone's text, and a spreadsheet takes a cell that begins with one of these for a formula, which
 * may send the table away: with an apostrophe before it, it is a text.
 */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;

function written(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = formula.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
