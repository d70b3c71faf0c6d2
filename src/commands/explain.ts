import type { TickReport } from '../telemetry/report.ts';
import { exitCodes, type Command } from './command.ts';
import { clock, momentExamples, parseMoment, timeZone } from './explain/moment.ts';
import { runLines } from './explain/sentences.ts';
import { readStory, tellMoment, tellPresent } from './explain/story.ts';
import {
  entriesMax,
  lookBack,
  nothingRecorded,
  skippedSentence,
  type Lookback,
} from './history-reader.ts';
import { harmless } from './report-text.ts';

const lastMax = 10_000;

export const explain: Command = {
  name: 'explain',
  summary: 'Why there are so many workers, or why there were at a time',
  help: `Says in sentences how many workers each pool has, since when and why, and what changed before; or, with --at, what was
so at a time: the tick that was in force, what it saw and decided, and what followed. Reads what the daemon recorded in
Redis, a week back, and needs nothing but REDIS_URL (or STATE_REDIS_URL). For example:
  backlog-autoscaler explain --at 14:05
  backlog-autoscaler explain --pool mail --at "2026-11-28 14:05"
  backlog-autoscaler explain --last 50
Times are in the time zone of TZ, here ${timeZone()}.`,
  options: {
    pool: { type: 'string', help: 'Only this pool' },
    at: { type: 'string', help: `A time: ${momentExamples}` },
    last: { type: 'string', help: 'The last so many ticks, those that say the same in one line' },
  },
  async execute({ json, ...given }, surroundings) {
    const question = readQuestion(given, surroundings.nowMs());
    const { print, complain } = surroundings;
    if ('problem' in question) {
      complain(`explain: ${question.problem}\n`);
      return exitCodes.usage;
    }
    const pool = typeof given['pool'] === 'string' ? given['pool'] : null;
    return lookBack('explain', { pool }, surroundings, async (lookback) => {
      const answers = await Promise.all(
        lookback.pools.map((one) => answer(one, question, lookback)),
      );
      const pools = answers.map(({ pool, ticks }) => ({ pool, ticks }));
      if (json === true) print(`${JSON.stringify({ pools })}\n`);
      else print(harmless(paragraphs(answers.filter(({ lines }) => lines.length > 0))));
      complain(answers.map(({ complaint }) => complaint).join(''));
      if (pools.length === 0) complain(nothingRecorded);
      return pools.some(({ ticks }) => ticks.length > 0) ? exitCodes.fine : exitCodes.failed;
    });
  },
};

type Question = { readonly nowMs: number } & (
  | { readonly kind: 'now' }
  | { readonly kind: 'at'; readonly text: string; readonly untilMs: number }
  | { readonly kind: 'last'; readonly ticks: number }
);

function readQuestion(
  { at, last }: Readonly<Record<string, string | boolean | undefined>>,
  nowMs: number,
): Question | { readonly problem: string } {
  if (typeof at === 'string' && typeof last === 'string')
    return { problem: '--at and --last are two questions: ask one at a time' };
  if (typeof at === 'string') {
    const moment = parseMoment(at, nowMs);
    if ('problem' in moment) return { problem: `--at ${JSON.stringify(at)} ${moment.problem}` };
    return { kind: 'at', text: at.trim(), untilMs: Math.min(moment.untilMs, nowMs), nowMs };
  }
  if (typeof last !== 'string') return { kind: 'now', nowMs };
  const ticks = /^\d{1,5}$/.test(last) ? Number(last) : 0;
  if (ticks < 1 || ticks > lastMax)
    return {
      problem: `--last ${JSON.stringify(last)} must be a whole number from 1 to ${String(lastMax)}, as in --last 20`,
    };
  return { kind: 'last', ticks, nowMs };
}

type Answer = {
  readonly pool: string;
  /** What the sentences are about, oldest first. */
  readonly ticks: readonly TickReport[];
  readonly lines: readonly string[];
  readonly complaint: string;
};

async function answer(pool: string, question: Question, lookback: Lookback): Promise<Answer> {
  const { nowMs } = question;
  if (question.kind === 'last') {
    const range = { sinceMs: 0, untilMs: nowMs, entriesMax: question.ticks };
    const { ticks, skipped } = await lookback.history.read(pool, range, lookback.signal);
    const title = `${pool}, the last ${String(ticks.length)} ticks:`;
    const lines = ticks.length === 0 ? [] : [title, ...runLines(ticks, nowMs)];
    return { pool, ticks, lines, complaint: skippedSentence('explain', pool, skipped) };
  }
  const atMs = question.kind === 'at' ? question.untilMs : nowMs;
  const { story, skipped } = await readStory(pool, { atMs, nowMs }, lookback);
  const complaint = skippedSentence('explain', pool, skipped);
  if (story === null) {
    const range = await rangeOf(pool, nowMs, lookback);
    return { pool, ticks: [], lines: [], complaint: `${complaint}explain: ${range}\n` };
  }
  const told = question.kind === 'at' ? tellMoment(story, question.text) : tellPresent(story);
  return { pool, ...told, complaint };
}

async function rangeOf(
  pool: string,
  nowMs: number,
  { history, signal }: Lookback,
): Promise<string> {
  const { ticks } = await history.read(pool, { sinceMs: 0, untilMs: nowMs, entriesMax }, signal);
  const [first, last] = [ticks[0], ticks.at(-1)];
  if (first === undefined || last === undefined) return `nothing of ${pool} can be read`;
  const from = clock(Date.parse(first.at), nowMs);
  return `nothing is recorded of ${pool} so early: its history reaches from ${from} to ${clock(Date.parse(last.at), nowMs)} (${timeZone()})`;
}

function paragraphs(answers: readonly Answer[]): readonly string[] {
  const texts = answers.flatMap(({ lines }) => [...lines, '']);
  return texts.length === 0 ? [] : [...texts, `Times are in ${timeZone()}.`];
}
