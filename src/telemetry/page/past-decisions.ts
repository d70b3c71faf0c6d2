import { escape } from '../../html/escape.ts';
import type { TickReport } from '../report.ts';
import type { PoolView } from './pool-view.ts';
import { runsOf, type Run } from './runs.ts';
import { number, precisionOf, timeElement, type Precision } from './text.ts';

const runsMax = 8;

/** The latest decisions, newest first; those in a row that did the same for the same reason are one. */
export function pastDecisions({ past, intervalMs }: PoolView): string {
  if ('why' in past || past.ticks.length === 0) return '';
  const precision = precisionOf(intervalMs);
  const runs = runsOf(past.ticks).toReversed().slice(0, runsMax);
  const rows = runs.map((run) => row(run, precision));
  return `<h3>Before that</h3>\n<ol class="past">${rows.join('')}</ol>`;
}

function row({ first, last, ticks }: Run, precision: Precision): string {
  const until = ticks === 1 ? '' : `–${timeElement(last.at, precision)}`;
  const times = ticks === 1 ? '' : ` <span class="quiet">${number(ticks)} times</span>`;
  return `<li><span class="times">${timeElement(first.at, precision)}${until}</span><span><b>${verdict(last)}</b> ${escape(sentence(last))}${times}</span></li>`;
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
