import { escape } from '../../html/escape.ts';
import { spokenSeconds } from '../../html/words.ts';
import type { QueueReport } from '../queue-report.ts';
import type { TickReport } from '../report.ts';
import { number } from './text.ts';

const columns = ['queue', 'ready', 'active', 'orphaned', 'delayed', 'oldest wait'];

/** What was seen of each queue, and why of some nothing was. */
export function queueTable({ queues, unreadableQueues }: TickReport): string {
  if (queues.length + unreadableQueues.length === 0) return '';
  const rows = queues.map(queueRow);
  const unread = unreadableQueues.map(
    ({ queue, why }) =>
      `<tr><th scope="row">${escape(queue)}</th><td colspan="${columns.length - 1}" class="bad wide">${escape(why)}</td></tr>`,
  );
  return `<div class="scroll" tabindex="0" role="group" aria-label="Queues"><table>
<thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
<tbody>${[...rows, ...unread].join('')}</tbody>
</table></div>`;
}

function queueRow(reading: QueueReport): string {
  const { queue, readyJobs, activeJobs, orphanedJobs, delayedJobs, pausedJobs } = reading;
  const { isPaused, oldestWaitSeconds } = reading;
  const paused = isPaused ? ` <span class="quiet">paused with ${number(pausedJobs)}</span>` : '';
  const wait = oldestWaitSeconds === null ? '–' : spokenSeconds(oldestWaitSeconds);
  const cells = [...[readyJobs, activeJobs, orphanedJobs, delayedJobs].map(number), wait];
  return `<tr><th scope="row">${escape(queue)}${paused}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}
