import { OperationalError } from '../errors.ts';
import type { HistoryStore } from '../state/history-store.ts';
import type { PoolView } from '../telemetry/page/pool-view.ts';
import type { Span } from '../telemetry/page/span.ts';
import type { TickReport } from '../telemetry/report.ts';

/** What the status page shows of the time before a pool's last tick. Never rejects but for bugs. */
export type ReadPast = (report: TickReport, span: Span) => Promise<PoolView['past']>;

/** However many people look, Redis is asked no more often than this, and a page waits for it no longer than that. */
const freshMs = 5_000;
const readMsMax = 1_500;
/** The last ticks one by one; of the hours before, what was kept of each step of the span, and every change. */
const lastTicksMax = 200;
const hourMs = 3_600_000;

/** Reads the history as far as the page shows it. */
export function createPast(
  historyOf: (pool: string) => Pick<HistoryStore, 'read'> | undefined,
  nowMs: () => number,
): ReadPast {
  const answers = new Map<
    string,
    { readonly atMs: number; readonly past: Promise<PoolView['past']> }
  >();
  return async function read({ pool, at }, span) {
    const name = `${pool} ${span.hours}`;
    let answer = answers.get(name);
    if (answer === undefined || Math.abs(nowMs() - answer.atMs) >= freshMs) {
      answer = { atMs: nowMs(), past: readPast(historyOf(pool), pool, span, nowMs()) };
      answers.set(name, answer);
    }
    const past = await answer.past;
    return 'why' in past ? past : { ticks: past.ticks.filter((tick) => tick.at < at) };
  };
}

async function readPast(
  history: Pick<HistoryStore, 'read'> | undefined,
  pool: string,
  { hours, stepMs, ticksMax }: Span,
  untilMs: number,
): Promise<PoolView['past']> {
  if (history === undefined) return { ticks: [] };
  const signal = AbortSignal.timeout(readMsMax);
  const last = { sinceMs: untilMs - hourMs, untilMs, entriesMax: lastTicksMax };
  const sinceMs = untilMs - hours * hourMs;
  const earlier = { sinceMs, untilMs, entriesMax: ticksMax, stepMs };
  try {
    const parts = await Promise.all(
      [earlier, last].map((range) => history.read(pool, range, signal)),
    );
    return { ticks: merged(parts.flatMap(({ ticks }) => ticks)) };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { why: error.message };
  }
}

/** Each tick once, oldest first. */
function merged(ticks: readonly TickReport[]): readonly TickReport[] {
  const byTime = new Map(ticks.map((tick) => [tick.at, tick]));
  return [...byTime.values()].toSorted((one, other) => (one.at < other.at ? -1 : 1));
}
