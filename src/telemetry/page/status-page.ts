import { escape } from '../../html/escape.ts';
import type { Health, QueueReport, Status, TickReport } from '../report.ts';
import { document } from './document.ts';

/** The status page, which reloads itself; one that is guarded by a token has a way out. */
export function statusPage(
  status: Status,
  health: Health,
  { isGuarded }: { readonly isGuarded: boolean },
): string {
  const cards = status.pools
    .toSorted((one, other) => one.pool.localeCompare(other.pool))
    .map((report) =>
      card(
        report,
        health.pools.find(({ pool }) => pool === report.pool),
      ),
    );
  const nothing = '<p class="card">No pool has been looked at yet.</p>';
  return document({
    title: `${health.isHealthy ? '' : '⚠ '}backlog-autoscaler`,
    head: '\n<meta http-equiv="refresh" content="10">',
    header: `${badge(health.isHealthy)}${isGuarded ? logout : ''}`,
    main: cards.length === 0 ? nothing : cards.join('\n'),
  });
}

const logout = '<form method="post" action="/logout"><button>Log out</button></form>';

function card(report: TickReport, health: Health['pools'][number] | undefined): string {
  const { pool, at, currentWorkers, recommendedWorkers, desiredWorkers, error } = report;
  return `<section class="card">
<header><h2>${escape(pool)}</h2>${badge(health?.isHealthy ?? false)}</header>
<dl>
${figure('current', number(currentWorkers))}
${figure('recommended', number(recommendedWorkers))}
${figure('desired', number(desiredWorkers))}
${figure('bounds', `${number(report.minWorkers)}–${number(report.maxWorkers)}`)}
</dl>
${decision(report)}
${personInCharge(report)}
${error === undefined ? '' : `<p class="error"><b>${error.code}</b> ${escape(error.message)}<br>${escape(error.hint)}</p>`}
${blockedList(report)}
${queueTable(report)}
<p class="quiet">Tick of <time datetime="${escape(at)}">${escape(at)}</time>; last good one ${lastGood(health)}.</p>
</section>`;
}

function decision({
  action,
  outcome,
  limitedBy,
  desiredWorkers,
  steps,
  alternative,
  error,
}: TickReport): string {
  // Without a decision the only sentence is that of the error, which has its own place.
  if (desiredWorkers === null && error !== undefined) return `<h3>No decision (${outcome})</h3>`;
  const limited = limitedBy === 'none' ? '' : `, limited by ${limitedBy}`;
  const sentences = steps.map(
    ({ step, workers, why }) =>
      `<li><b>${number(workers)}</b><span>${escape(why)} <span class="quiet">${step}</span></span></li>`,
  );
  return `<h3>Last decision: ${action} (${outcome}${limited})</h3>
<ol>${sentences.join('')}</ol>${
    alternative === null
      ? ''
      : `\n<p class="quiet">The ${alternative.policy} policy would have ${number(alternative.workers)}: ${escape(alternative.why)}</p>`
  }`;
}

/** Who is in charge, where no step of the decision says it. */
function personInCharge({ manualHold, steps }: TickReport): string {
  const isSaid = steps.some(({ step }) => step === 'manual-scale');
  return manualHold === null || isSaid ? '' : `<p>${escape(manualHold.why)}</p>`;
}

/** What holds up a scale-down, so that a person can look at that very job. */
function blockedList({ blocked }: TickReport): string {
  const items = blocked.map(({ dyno, verdict, since, jobs }) => {
    const doing = jobs.map(({ queue, jobId }) => `job ${jobId} of ${queue}`).join(', ') || verdict;
    const asked = since === null ? '' : ` <span class="quiet">since ${escape(since)}</span>`;
    return `<li><b>${escape(dyno)}</b><span>${escape(doing)}${asked}</span></li>`;
  });
  return items.length === 0 ? '' : `<h3>Waiting for</h3>\n<ol>${items.join('')}</ol>`;
}

function queueTable({ queues, unreadableQueues }: TickReport): string {
  if (queues.length + unreadableQueues.length === 0) return '';
  const rows = queues.map(queueRow);
  const unread = unreadableQueues.map(
    ({ queue, why }) =>
      `<tr><th scope="row">${escape(queue)}</th><td colspan="5" class="bad wide">${escape(why)}</td></tr>`,
  );
  return `<div class="scroll"><table>
<thead><tr><th scope="col">queue</th><th scope="col">ready</th><th scope="col">active</th><th scope="col">orphaned</th><th scope="col">delayed</th><th scope="col">oldest wait</th></tr></thead>
<tbody>${[...rows, ...unread].join('')}</tbody>
</table></div>`;
}

function queueRow(reading: QueueReport): string {
  const { queue, readyJobs, activeJobs, orphanedJobs, delayedJobs, pausedJobs } = reading;
  const paused = reading.isPaused
    ? ` <span class="quiet">paused with ${number(pausedJobs)}</span>`
    : '';
  const wait =
    reading.oldestWaitSeconds === null ? '–' : `${number(Math.round(reading.oldestWaitSeconds))} s`;
  const cells = [readyJobs, activeJobs, orphanedJobs, delayedJobs].map(number);
  return `<tr><th scope="row">${escape(queue)}${paused}</th>${[...cells, wait].map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function figure(name: string, value: string): string {
  return `<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function badge(isHealthy: boolean): string {
  return isHealthy ? '<span class="good">healthy</span>' : '<span class="bad">not healthy</span>';
}

function lastGood(health: Health['pools'][number] | undefined): string {
  const age = health?.ageSeconds ?? null;
  return age === null ? 'not yet' : `${number(Math.round(age))} s ago`;
}

const grouped = new Intl.NumberFormat('en');

function number(value: number | null): string {
  return value === null ? '?' : grouped.format(value);
}
