import { runsOf } from '../../telemetry/page/runs.ts';
import { gistOf, type TickReport } from '../../telemetry/report.ts';
import { entriesMax, type Lookback } from '../history-reader.ts';
import { changesOf, type Change } from './changes.ts';
import { clock } from './moment.ts';
import { changeLines, gapLines, runLines, silenceLines, standing, tickLines } from './sentences.ts';

/** What led to how a pool is, or was at a time, and what followed. */
export type Story = {
  readonly pool: string;
  /** The tick that was in force, the last one up to that time. */
  readonly tick: TickReport;
  readonly tickMs: number;
  readonly atMs: number;
  readonly nowMs: number;
  /** Some ticks up to it. */
  readonly recent: readonly TickReport[];
  /** When the next tick is known to have been; null when none is. */
  readonly nextMs: number | null;
  /** The first of every run of ticks that say the same, from the beginning of the history to now. */
  readonly turns: readonly TickReport[];
  readonly changes: readonly Change[];
};

/** What a person reads, and the ticks that it is about, oldest first. */
export type Told = { readonly lines: readonly string[]; readonly ticks: readonly TickReport[] };

const hourMs = 3_600_000;
/** One is enough, unless it is damaged; and several tell how often ticks came. */
const recentTicks = 5;
const changesTold = 8;
const followingTold = 3;

/** @throws {OperationalError} `STATE_UNAVAILABLE` */
export async function readStory(
  pool: string,
  { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
  { history, signal }: Lookback,
): Promise<{ readonly story: Story | null; readonly skipped: number }> {
  // Ticks that changed something, and one for each hour, are enough beside those around the one in force.
  const [coarse, before] = await Promise.all([
    history.read(pool, { sinceMs: 0, untilMs: nowMs, entriesMax, stepMs: hourMs }, signal),
    history.read(pool, { sinceMs: 0, untilMs: atMs, entriesMax: recentTicks }, signal),
  ]);
  const skipped = coarse.skipped + before.skipped;
  const tick = before.ticks.at(-1);
  if (tick === undefined) return { story: null, skipped };
  const known = inOrder([...coarse.ticks, tick]);
  const tickMs = Date.parse(tick.at);
  const next = known.find(({ at }) => Date.parse(at) > tickMs);
  const story = {
    ...{ pool, tick, tickMs, atMs, nowMs, recent: before.ticks },
    nextMs: next === undefined ? null : Date.parse(next.at),
    turns: runsOf(known).map(({ first }) => first),
    changes: changesOf(known),
  };
  return { story, skipped };
}

/** How the pool is now, and how it came to be so. */
export function tellPresent(story: Story): Told {
  const { pool, tick, tickMs, atMs, recent } = story;
  const changes = story.changes.slice(-changesTold);
  const causes = changes.flatMap(({ cause, seenBy }) => cause ?? seenBy ?? []);
  return {
    ticks: inOrder([...causes, tick]),
    lines: [
      `${pool}: ${standing(tick, { change: changes.at(-1) ?? null, firstMs: firstMsOf(story), atMs })}`,
      ...tickLines(`The last tick, at ${clock(tickMs, atMs)}`, tick),
      ...silenceLines(recent, atMs),
      ...section('The last changes:', changeLines(changes, atMs)),
    ],
  };
}

/** How the pool was at the time that a person named so, and what came before and after. */
export function tellMoment(story: Story, name: string): Told {
  const { pool, tick, tickMs, atMs, nowMs, nextMs, turns } = story;
  const day = !name.includes('-') && clock(atMs, nowMs).includes('-') ? ' yesterday' : '';
  const change = story.changes.findLast((one) => one.atMs <= atMs) ?? null;
  const between = turns.filter((turn) => {
    const turnMs = Date.parse(turn.at);
    return turnMs > (change?.atMs ?? 0) && turnMs < tickMs && gistOf(turn) !== gistOf(tick);
  });
  const following = turns.filter(({ at }) => Date.parse(at) > tickMs).slice(0, followingTold);
  return {
    ticks: [tick],
    lines: [
      `${pool} at ${name}${day}: ${standing(tick, { change, firstMs: firstMsOf(story), atMs: tickMs })}`,
      ...tickLines(`The tick of ${clock(tickMs, atMs)}`, tick),
      ...gapLines(tickMs, { atMs, nextMs }),
      ...section('Since the last change:', runLines(between.slice(-changesTold), atMs)),
      ...section('What followed:', runLines(following, atMs)),
      ...(following.length === 0 ? ['Nothing has changed since.'] : []),
    ],
  };
}

function firstMsOf({ turns, tick }: Story): number {
  return Date.parse((turns[0] ?? tick).at);
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

/** Each tick once. */
function inOrder(ticks: readonly TickReport[]): readonly TickReport[] {
  const distinct = [...new Map(ticks.map((tick) => [tick.at, tick])).values()];
  return distinct.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
