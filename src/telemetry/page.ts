import type { Health, QueueReport, Status, TickReport } from './report.ts';

/** The status page: one HTML document without scripts or outside resources, which reloads itself. */
export function statusPage(status: Status, health: Health): string {
  const cards = status.pools
    .toSorted((one, other) => one.pool.localeCompare(other.pool))
    .map((report) =>
      card(
        report,
        health.pools.find(({ pool }) => pool === report.pool),
      ),
    );
  const nothing = '<p class="card">No pool has been looked at yet.</p>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<link rel="icon" href="data:,">
<title>${health.isHealthy ? '' : '⚠ '}backlog-autoscaler</title>
<style>${style}</style>
</head>
<body>
<header><h1>backlog-autoscaler</h1>${badge(health.isHealthy)}</header>
<main>
${cards.length === 0 ? nothing : cards.join('\n')}
</main>
</body>
</html>
`;
}

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

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names of queues and messages of servers are anyone's text. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const style = `
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1c2430; --quiet: #5b6675; --line: #dfe3e8; --good: #11733b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1b212a; --text: #e6eaf0; --quiet: #9aa6b5; --line: #303945; --good: #5fd08f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3 { margin: 0; font-size: 1.15rem; } h2 { font-size: 1.3rem; } h3 { font-size: 1rem; }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: 1rem; }
.card { margin: 0 0 1rem; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .quiet { color: var(--quiet); font-weight: normal; }
.good, header .bad { white-space: nowrap; font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(2, 1fr); gap: .75rem; margin: 0 0 1rem; }
@media (min-width: 36rem) { dl { grid-template-columns: repeat(4, 1fr); } }
dt { color: var(--quiet); font-size: .875rem; } dd { margin: 0; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
ol { margin: .25rem 0 1rem; padding: 0; list-style: none; } li { display: flex; gap: .75rem; } li b { min-width: 2ch; text-align: right; font-variant-numeric: tabular-nums; }
.error { margin: .5rem 0 1rem; padding: .5rem .75rem; border-left: 4px solid var(--bad); background: color-mix(in srgb, var(--bad) 10%, transparent); }
.scroll { overflow-x: auto; } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right; } th:first-child, td.wide { text-align: left; } thead th { white-space: nowrap; color: var(--quiet); font-size: .875rem; font-weight: normal; }
p { margin: .75rem 0 0; }
`;
