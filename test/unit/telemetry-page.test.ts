import { expect, test } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { statusPage } from '../../src/telemetry/page/status-page.ts';
import { tickReport } from '../../src/telemetry/report.ts';
import { pageMs, pageView, pastTicks, poolView, spanOfHours } from '../support/page-views.ts';
import {
  bounds,
  hold,
  observation,
  orphans,
  reading,
  tick,
  ticksOfAllKinds,
  withinBudget,
} from '../support/tick-records.ts';

const pageOf = (...pools: Parameters<typeof poolView>[0][]) =>
  statusPage(pageView(pools.map(poolView)));

test('shows the workers, the bounds, every sentence of the decision and the queues', () => {
  const page = pageOf({});
  for (const text of [
    '<h2>worker</h2>',
    '<dt>current</dt><dd>3</dd>',
    '<dt>recommended</dt><dd>13</dd>',
    '<dt>desired</dt><dd>10</dd>',
    '<dd>1–10</dd>',
    '<dt>jobs ready and active</dt><dd>1,270</dd>',
    'Last decision: scale-up 3 → 10, limited by max-workers',
    '1,240 ready jobs ÷ 100 jobs per worker',
    'at most 10 (MAX_WORKERS)',
    'The learned policy would have 4: a wait under 2 min takes 4',
    '<td>1,240</td><td>30</td><td>2</td><td>7</td><td>42 s</td>',
    'healthy',
    '4 s ago',
  ])
    expect(page).toContain(text);
  expect(page).not.toContain('not healthy');
  expect(page).not.toContain('target 2 min');
});

test('keeps the pools in one order, so that cards stay where they are, and lists them first', () => {
  const reports = ['b', 'a', 'c'].map((pool) => tickReport(tick({ pool }), bounds));
  const page = pageOf(...reports.map((report) => ({ report })));
  expect(page.match(/(?<=<h2>)\w(?=<)/g)).toEqual(['a', 'b', 'c']);
  expect(page.match(/(?<=<a href="#pool-)\w/g)).toEqual(['a', 'b', 'c']);
});

test('loads nothing from anywhere and fits a phone', () => {
  const page = pageOf({});
  expect(page).not.toMatch(/\son\w+=|\sstyle=|src=|url\(|@import/i);
  expect(page).toContain('width=device-width');
  expect(page).toContain('prefers-color-scheme: dark');
});

test('escapes everything that others wrote', () => {
  const evil = `<img src=x onerror="alert('1')">&`;
  const error = new OperationalError('QUEUE_UNREADABLE', evil, { hint: evil });
  const seen = observation({
    queues: [reading({ queue: evil })],
    unreadableQueues: [{ queue: evil, why: evil }],
  });
  const decision = {
    ...hold,
    steps: [{ step: 'recommend' as const, workers: 3, why: evil }],
    stuck: [{ ...orphans, queue: evil, jobIds: [evil], why: evil }],
  };
  const record = tick({ pool: evil, observation: seen, decision, outcome: 'failed', error });
  const report = tickReport(record, bounds);
  const page = statusPage(
    pageView([poolView({ report, past: { ticks: [report] } }), poolView({ past: { why: evil } })], {
      outdated: evil,
    }),
  );
  expect(page).not.toContain('<img');
  const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;';
  expect(page.split(escaped).length).toBeGreaterThan(15);
});

test('names stuck work, and is silent where there is none', () => {
  expect(pageOf({})).not.toContain('<h3>Stuck</h3>');
  const report = tickReport(tick({ decision: { ...hold, stuck: [orphans] } }), bounds);
  expect(pageOf({ report })).toMatch(
    /<h3>Stuck<\/h3>\n.*<b>mail<\/b><span>nobody has recovered 2 orphaned jobs of mail for 12m \(job 8, job 9\) .*11:48/,
  );
});

test('tells what the workers cost beside what they would have, and which budget is enough for how many', () => {
  expect(pageOf({})).not.toMatch(/<h3>(Cost|Budgets)/);
  const page = pageOf({ report: tickReport(withinBudget(), bounds) });
  expect(page).toContain('<h3>Cost <span class="quiet">$1.04 an hour now</span></h3>');
  expect(page).toContain(
    '<th scope="row">today</th><td>$4.17</td><td>$13.89</td><td>$2.78</td></tr>',
  );
  expect(page).toContain(
    '<th scope="row">month</th><td>$31.25</td><td>$104.17</td><td>$20.83</td></tr>',
  );
  expect(page).toContain('Nobody counted 0.50 h of this month.');
  expect(page).toMatch(
    /<b>\?<\/b><span>Redis does not say it <span class="quiet">connection-budget/,
  );
  expect(page).toMatch(/<b>6<\/b><span>limits the workers now, as said above/);
});

test('tells in hours what has no price', () => {
  const unpriced = ticksOfAllKinds().at(-1) ?? tick();
  const page = pageOf({ report: tickReport(unpriced, bounds) });
  expect(page).toContain('<th scope="row">today</th><td>12.00</td><td>40.00</td>');
});

test('marks what is not known, a paused queue, and an error with its hint', () => {
  const error = new OperationalError('TARGET_UNAVAILABLE', 'no answer', { hint: 'Wait.' });
  const seen = observation({
    queues: [reading({ isPaused: true, pausedJobs: 5, readyJobs: 0, oldestWaitSeconds: null })],
    currentWorkers: null,
  });
  const record = tick({ observation: seen, decision: null, outcome: 'failed', error });
  const page = pageOf({ report: tickReport(record, bounds) });
  expect(page).toContain('<dt>current</dt><dd>?</dd>');
  expect(page).toContain('paused with 5');
  expect(page).toContain('<td>–</td>');
  expect(page).toContain('<b>TARGET_UNAVAILABLE</b> no answer<br>Wait.');
  expect(page).toContain('not healthy');
  expect(page).toContain('No decision (failed)');
  expect(page).toContain('last good one not yet');
});

test('says so when there is nothing to show yet', () => {
  expect(pageOf()).toContain('No pool has been looked at yet.');
});

test('has a way out where one has to log in', () => {
  expect(statusPage(pageView([], { isGuarded: true }))).toContain('action="/logout"');
  expect(pageOf()).not.toContain('<form');
});

test('tells many holds for the same reason as one, and every change by itself, newest first', () => {
  const past = { ticks: pastTicks(60) };
  const rows = pageOf({ past }).match(/<li><span class="times">.*?<\/li>/g) ?? [];
  const texts = rows.map((row) => row.replace(/<[^>]+>/g, '|').replace(/\|+/g, '|'));
  expect(texts[0]).toMatch(/^\|11:45\|–\|11:59\|hold 9\| \d+ ready jobs → 9 \|15 times\|$/);
  expect(texts[1]).toMatch(/^\|11:\d\d\|scale-up 8 → 9\| \d+ ready jobs → 9\|$/);
});

test('says the day of what was not decided today, and no number of ticks that were not all kept', () => {
  const ticks = [30, 20, 10].map((hours) =>
    tickReport(
      tick({ startedAtMs: pageMs - hours * 3_600_000, decision: hold, outcome: 'held' }),
      bounds,
    ),
  );
  const report = { ...tickReport(tick(), bounds), at: new Date(pageMs).toISOString() };
  const [row = ''] =
    pageOf({ report, past: { ticks } }).match(/<li><span class="times">.*?<\/li>/) ?? [];
  expect(row.replace(/<[^>]+>/g, '')).toMatch(/^4 Jan 06:00–5 Jan 02:00/);
  expect(row).not.toContain('times</span>');
});

test('draws the last hours, with the bounds and the target, and a table of the same', () => {
  const [first, ...others] = pastTicks(300).toReversed();
  if (first === undefined) throw new Error('there is a past');
  const ticks = others.toReversed();
  const report = { ...first, at: new Date(pageMs).toISOString() };
  const page = pageOf({ report, past: { ticks } });
  expect(page.match(/<svg class="chart"/g)).toHaveLength(3);
  expect(page.match(/<path class="band" d="M[\d.]+,/g)).toHaveLength(1);
  expect(page).toContain('target 60 s');
  const drawn = page.slice(page.indexOf('<svg'), page.lastIndexOf('</svg>'));
  expect(drawn).not.toMatch(/NaN|undefined|Infinity/);
  const table = page.slice(page.indexOf('<details>'), page.indexOf('</details>'));
  expect(table).toContain('<th scope="row">12:00</th>');
  expect(table.match(/<tr>/g)?.length).toBeLessThan(40);
});

test('writes no more times below a chart than fit on a phone', () => {
  for (const minutes of [5, 11, 25, 70, 170, 350]) {
    const page = pageOf({ past: { ticks: pastTicks(minutes) } });
    const times = page.match(/text-anchor="middle"/g)?.length ?? 0;
    expect(times / 3).toBeGreaterThanOrEqual(2);
    expect(times / 3).toBeLessThanOrEqual(6);
  }
});

test('goes back as far as its address asks, and says which day it was', () => {
  const ticks = [50, 40, 30, 20, 10].map((hours) =>
    tickReport(tick({ startedAtMs: pageMs - hours * 3_600_000 }), bounds),
  );
  const [short, long] = [undefined, 168].map((hours) => {
    const view = poolView({ span: spanOfHours(hours), past: { ticks } });
    return statusPage(pageView([view], { span: spanOfHours(hours) }));
  });
  expect(short).toContain('<a href="/" aria-current="page">6 h</a>');
  expect(short).toContain('There will be charts here after a few ticks.');
  expect(long).toContain('<a href="/?hours=168" aria-current="page">7 days</a>');
  expect(long).toContain('<th scope="row">3 Jan 10:00</th>');
});

test('leaves a gap where nobody looked', () => {
  const ticks = pastTicks(300);
  const whole = lineOf(pageOf({ past: { ticks } }));
  const without = lineOf(
    pageOf({ past: { ticks: [...ticks.slice(0, 100), ...ticks.slice(200)] } }),
  );
  expect(whole.match(/M/g)).toHaveLength(1);
  expect(without.match(/M/g)).toHaveLength(2);
});

function lineOf(page: string): string {
  return /class="line demand" data-line="0" d="([^"]*)"/.exec(page)?.[1] ?? '';
}
