import { escape } from '../../html/escape.ts';
import { spokenSeconds } from '../../html/words.ts';
import { jobsInWords } from '../job-words.ts';
import type { TickReport } from '../report.ts';
import { costTable } from './cost-table.ts';
import { historyCharts } from './history-charts.ts';
import { pastDecisions, verdict } from './past-decisions.ts';
import type { PoolView } from './pool-view.ts';
import { queueTable } from './queue-table.ts';
import { readingOf } from './readings.ts';
import { badge, number, timeElement } from './text.ts';

/** All that is known of one pool. */
export function poolCard(view: PoolView, nowMs: number): string {
  const { report, health } = view;
  const { pool, error } = report;
  return `<section class="card" id="${anchorOf(pool)}">
<header><h2>${escape(pool)}</h2>${badge(health?.isHealthy ?? false)}<span class="quiet">last tick ${timeElement(report.at, 'seconds')} UTC; last good one ${lastGood(view)}</span></header>
${figures(report)}
${error === undefined ? '' : `<p class="error"><b>${error.code}</b> ${escape(error.message)}<br>${escape(error.hint)}</p>`}
<div class="columns">
<div>
${decision(report)}
${scheduled(report)}
${operators(report)}
${personInCharge(report)}
${blockedList(report)}
${stuckList(report)}
${queueTable(report)}
${budgetList(report)}
${costTable(report)}
</div>
${historyCharts(view, nowMs)}
<div>${pastDecisions(view)}</div>
</div>
</section>`;
}

export function anchorOf(pool: string): string {
  return `pool-${escape(pool)}`;
}

function figures(report: TickReport): string {
  const { demandJobs, oldestWaitSeconds } = readingOf(report);
  const target = report.targetWaitSeconds;
  const wait = oldestWaitSeconds === null ? '–' : spokenSeconds(oldestWaitSeconds);
  return `<dl class="figures">
${figure('current', number(report.currentWorkers))}
${figure('recommended', number(report.recommendedWorkers))}
${figure('desired', number(report.desiredWorkers))}
${figure('bounds', `${number(report.minWorkers)}–${number(report.maxWorkers)}`)}
${figure('jobs ready and active', number(demandJobs))}
${figure('oldest wait', wait, target === null ? '' : `target ${spokenSeconds(target)}`)}
</dl>`;
}

function figure(name: string, value: string, note = ''): string {
  return `<div><dt>${name}</dt><dd>${value}${note === '' ? '' : ` <small>${note}</small>`}</dd></div>`;
}

function decision(report: TickReport): string {
  const { desiredWorkers, limitedBy, steps, alternative, error, outcome } = report;
  // Without a decision the only sentence is that of the error, which has its own place.
  if (desiredWorkers === null && error !== undefined) return `<h3>No decision (${outcome})</h3>`;
  const limited = limitedBy === 'none' ? '' : `, limited by ${limitedBy}`;
  const sentences = steps.map(
    ({ step, workers, why }) =>
      `<li><b>${number(workers)}</b><span>${escape(why)} <span class="quiet">${step}</span></span></li>`,
  );
  return `<h3>Last decision: ${verdict(report)}${limited}</h3>
<ol class="steps">${sentences.join('')}</ol>${
    alternative === null
      ? ''
      : `\n<p class="quiet">The ${alternative.policy} policy would have ${number(alternative.workers)}: ${escape(alternative.why)}</p>`
  }`;
}

/** The window of the schedule that counts now. */
function scheduled({ window }: TickReport): string {
  return window === null
    ? ''
    : `<p class="quiet">Schedule: ${escape(window.text)}, until ${escape(window.until.slice(0, 16).replace('T', ' '))} UTC</p>`;
}

/** What operators changed, and the pause where no step of the decision says it. */
function operators({ pause, overrides, steps }: TickReport): string {
  const isSaid = steps.some(({ step }) => step === 'pause');
  const paused = pause === null || isSaid ? '' : `<p class="notice">${escape(pause.why)}</p>\n`;
  const items = overrides.map(
    ({ setting, value, by, until }) =>
      `<li><b>${setting}=${escape(String(value))}</b><span>set by ${escape(by)} <span class="quiet">until ${escape(until.slice(0, 16).replace('T', ' '))} UTC</span></span></li>`,
  );
  return items.length === 0
    ? paused
    : `${paused}<h3>Set by hand</h3>\n<ol class="steps">${items.join('')}</ol>`;
}

/** Who is in charge, where no step of the decision says it. */
function personInCharge({ manualHold, steps }: TickReport): string {
  const isSaid = steps.some(({ step }) => step === 'manual-scale');
  return manualHold === null || isSaid ? '' : `<p class="notice">${escape(manualHold.why)}</p>`;
}

/** What holds up a scale-down, so that a person can look at that very job. */
function blockedList({ blocked, outcome }: TickReport): string {
  const items = blocked.map(({ dyno, verdict: state, since, jobs }) => {
    const doing = jobsInWords(jobs) || state;
    const asked =
      since === null ? '' : ` <span class="quiet">since ${timeElement(since, 'minutes')}</span>`;
    return `<li><b>${escape(dyno)}</b><span>${escape(doing)}${asked}</span></li>`;
  });
  const title = outcome === 'draining' ? 'Draining, and waiting for' : 'Waiting for';
  return items.length === 0 ? '' : `<h3>${title}</h3>\n<ol class="steps">${items.join('')}</ol>`;
}

/** What does not go on by itself, so that a person can look at it. */
function stuckList({ stuck }: TickReport): string {
  const items = stuck.map(({ queue, jobIds, since, why }) => {
    const jobs = jobIds.map((id) => `job ${id}`).join(', ');
    const named = jobs === '' ? '' : ` (${escape(jobs)})`;
    const asOf = `<span class="quiet">since ${timeElement(since, 'minutes')}</span>`;
    return `<li><b>${escape(queue)}</b><span>${escape(why)}${named} ${asOf}</span></li>`;
  });
  return items.length === 0 ? '' : `<h3>Stuck</h3>\n<ol class="steps">${items.join('')}</ol>`;
}

/** For how many workers each budget is enough, and why where no step of the decision says it. */
function budgetList({ budgets, steps }: TickReport): string {
  const items = budgets.map(({ limit, workers, why }) => {
    const isHolding = steps.some(({ step }) => step === limit);
    const state = isHolding
      ? '<span>limits the workers now, as said above'
      : `<span>${escape(why)}`;
    return `<li><b>${number(workers)}</b>${state} <span class="quiet">${limit}</span></span></li>`;
  });
  return items.length === 0 ? '' : `<h3>Budgets</h3>\n<ol class="steps">${items.join('')}</ol>`;
}

function lastGood({ health }: PoolView): string {
  const age = health?.ageSeconds ?? null;
  return age === null ? 'not yet' : `${spokenSeconds(Math.round(age))} ago`;
}
