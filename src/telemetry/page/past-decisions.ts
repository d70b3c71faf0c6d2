import { escape } from '../../html/escape.ts';
import type { TickReport } from '../report.ts';
import type { PoolView } from './pool-view.ts';
import { runsOf, type Run } from './runs.ts';
import { dayName, number, precisionOf, timeElement, type Precision } from './text.ts';

const runsMax = 8;

/** The latest decisions, newest first; those in a row that did the same for the same reason are one. */
export function pastDecisions({ report, past, intervalMs }: PoolView): string {
  if ('why' in past || past.ticks.length === 0) return '';
  const scale = { besideMs: Date.parse(report.at), intervalMs, precision: precisionOf(intervalMs) };
  const runs = runsOf(past.ticks).toReversed().slice(0, runsMax);
  const rows = runs.map((run) => row(run, scale));
  return `<h3>Before that</h3>\n<ol class="past">${rows.join('')}</ol>`;
}

type Scale = {
  readonly besideMs: number;
  readonly intervalMs: number;
  readonly precision: Precision;
};

function row({ first, last, ticks }: Run, { besideMs, intervalMs, precision }: Scale): string {
  const [fromMs, toMs] = [Date.parse(first.at), Date.parse(last.at)];
  // Of what is long ago not every tick is kept, so that nobody knows how many there were.
  const isWhole = toMs - fromMs < 2 * ticks * intervalMs;
  const until = ticks === 1 ? '' : `–${dayUnless(toMs, fromMs)}${timeElement(last.at, precision)}`;
  const times = ticks === 1 || !isWhole ? '' : ` <span class="quiet">${number(ticks)} times</span>`;
  return `<li><span class="times">${dayUnless(fromMs, besideMs)}${timeElement(first.at, precision)}${until}</span><span><b>${verdict(last)}</b> ${escape(sentence(last))}${times}</span></li>`;
}

/** The day, where it is not that of the time beside it. */
function dayUnless(atMs: number, besideMs: number): string {
  const [day, beside] = [dayName(atMs), dayName(besideMs)];
  return day === beside ? '' : `${day} `;
}

/** What was done, in the fewest words. */
export function verdict({ action, outcome, currentWorkers, desiredWorkers }: TickReport): string {
  const change = `${number(currentWorkers)} → ${number(desiredWorkers)}`;
  switch (outcome) {
    case 'scaled':
      return `${action} ${change}`;
    case 'dry-run':
      return action === 'hold' ? 'hold (dry run)' : `${action} ${change} (dry run)`;
    case 'draining':
      return `draining ${change}`;
    case 'held':
      return `hold ${number(currentWorkers)}`;
    case 'failed':
      return 'failed';
    case 'not-leader':
      return 'stands by';
  }
}

/** Why, as far as one line goes. */
function sentence({ steps, error }: TickReport): string {
  const whys = steps.map(({ why }) => why);
  if (error !== undefined && !whys.includes(error.message)) whys.push(error.message);
  return whys.join('; ');
}
