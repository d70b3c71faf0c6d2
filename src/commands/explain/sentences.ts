import { counted, spoken } from '../../decision/words.ts';
import { runsOf } from '../../telemetry/page/runs.ts';
import type { TickReport } from '../../telemetry/report.ts';
import { detailLines, queueLines, shown } from '../report-text.ts';
import type { Change } from './changes.ts';
import { clock } from './moment.ts';

const queuesMax = 10;

/** `12 workers since 13:58:10 (7m), because …`, as it was at a time. */
export function standing(
  tick: TickReport,
  { change, firstMs, atMs }: { change: Change | null; firstMs: number; atMs: number },
): string {
  const since = (fromMs: number) =>
    `${clock(fromMs, atMs)} (${spoken(Math.max(0, atMs - fromMs) / 1000)})`;
  if (change !== null)
    return `${counted(change.to, 'worker')} since ${since(change.atMs)}, because ${reasonOf(change)}`;
  const { currentWorkers, desiredWorkers } = tick;
  if (currentWorkers !== null)
    return `${counted(currentWorkers, 'worker')} since ${since(firstMs)} or longer: the history begins there`;
  const wanted = desiredWorkers === null ? '' : `; ${counted(desiredWorkers, 'worker')} wanted`;
  return `how many workers there were is not known${wanted}`;
}

/** Why the number of workers changed. */
function reasonOf({ cause, seenBy }: Change): string {
  if (cause !== null) return whysOf(cause);
  return seenBy?.manualHold?.why ?? 'somebody or something else set that number';
}

function whysOf({ steps }: TickReport): string {
  return steps.map(({ why }) => why).join('; ');
}

function workersOf({ currentWorkers, desiredWorkers }: TickReport): string {
  if (currentWorkers !== desiredWorkers)
    return `${shown(currentWorkers)} → ${shown(desiredWorkers)} workers`;
  return currentWorkers === null ? 'workers unknown' : counted(currentWorkers, 'worker');
}

/** One tick, with what it saw. */
export function tickLines(title: string, tick: TickReport): readonly string[] {
  const seen = queueLines(tick, queuesMax);
  return [
    `${title} (${tick.outcome}, ${workersOf(tick)}):`,
    ...detailLines(tick),
    ...(seen.length === 0 ? [] : ['It saw:', ...seen]),
  ];
}

export function changeLines(changes: readonly Change[], besideMs: number): readonly string[] {
  return aligned(
    changes.map((change) => [
      clock(change.atMs, besideMs),
      `${String(change.from)} → ${String(change.to)}`,
      reasonOf(change),
    ]),
  );
}

/** What a long time without a tick means, from when ticks came before it. */
export function silenceLines(recent: readonly TickReport[], nowMs: number): readonly string[] {
  const times = recent.map(({ at }) => Date.parse(at));
  const gaps = times.slice(1).map((atMs, place) => atMs - (times[place] ?? atMs));
  const [lastMs, usualMs] = [times.at(-1) ?? nowMs, Math.max(...gaps)];
  const ageMs = nowMs - lastMs;
  if (gaps.length === 0 || ageMs < 3 * usualMs + 3_000) return [];
  return [
    `That was ${spoken(ageMs / 1000)} ago, and ticks came every ${spoken(usualMs / 1000)}: no daemon acts for the pool now, or it cannot write to this Redis.`,
  ];
}

/** One tick for each hour is kept for a week. */
const gapMsMin = 2 * 3_600_000;

export function gapLines(
  tickMs: number,
  { atMs, nextMs }: { readonly atMs: number; readonly nextMs: number | null },
): readonly string[] {
  if (atMs - tickMs < gapMsMin) return [];
  const until = nextMs === null ? '' : ` until ${clock(nextMs, atMs)}`;
  return [
    `Nothing is recorded after that${until}: no daemon acted for the pool, or Redis was away or too full.`,
  ];
}

/** Otherwise what was desired did not come to be. */
const moving: readonly TickReport['outcome'][] = ['scaled', 'draining', 'dry-run'];

/** Ticks in a row that say the same take one line. */
export function runLines(ticks: readonly TickReport[], besideMs: number): readonly string[] {
  return aligned(
    runsOf(ticks).map(({ first, last, ticks: count }) => {
      const from = clock(Date.parse(first.at), besideMs);
      const to = clock(Date.parse(last.at), besideMs);
      const { currentWorkers, desiredWorkers, outcome, error } = last;
      const isMoving = moving.includes(outcome) && currentWorkers !== desiredWorkers;
      return [
        count === 1 ? from : `${from} – ${to}`,
        isMoving ? `${shown(currentWorkers)} → ${shown(desiredWorkers)}` : shown(currentWorkers),
        count === 1 ? outcome : `${outcome} × ${String(count)}`,
        error === undefined ? whysOf(last) : `${error.code}: ${error.message}`,
      ];
    }),
  );
}

/** Columns as wide as their longest cell; the last one is as long as it likes. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map(
    (row) =>
      `  ${row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')}`,
  );
}
