import { expect, test } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { statusPage } from '../../src/telemetry/page/status-page.ts';
import { healthOf, tickReport } from '../../src/telemetry/report.ts';
import { bounds, hold, observation, reading, tick } from '../support/tick-records.ts';

const open = { isGuarded: false };
const nowMs = Date.UTC(2026, 0, 5, 12, 0, 4);
const health = healthOf(
  [{ pool: 'worker', intervalMs: 10_000, lastGoodTickAtMs: nowMs - 4_000 }],
  nowMs,
);

test('shows the workers, the bounds, every sentence of the decision and the queues', () => {
  const page = statusPage({ pools: [tickReport(tick(), bounds)] }, health, open);
  for (const text of [
    '<h2>worker</h2>',
    '<dt>current</dt><dd>3</dd>',
    '<dt>recommended</dt><dd>13</dd>',
    '<dt>desired</dt><dd>10</dd>',
    '<dd>1–10</dd>',
    '1,240 ready jobs ÷ 100 jobs per worker',
    'at most 10 (MAX_WORKERS)',
    'The learned policy would have 4: a wait under 2 min takes 4',
    '<td>1,240</td><td>30</td><td>2</td><td>7</td><td>42 s</td>',
    'healthy',
    '4 s ago',
  ])
    expect(page).toContain(text);
  expect(page).not.toContain('not healthy');
});

test('keeps the pools in one order, so that cards stay where they are', () => {
  const reports = ['b', 'a', 'c'].map((pool) => tickReport(tick({ pool }), bounds));
  const page = statusPage({ pools: reports }, health, open);
  expect(page.match(/(?<=<h2>)\w(?=<)/g)).toEqual(['a', 'b', 'c']);
});

test('runs nothing, loads nothing and fits a phone', () => {
  const page = statusPage({ pools: [tickReport(tick(), bounds)] }, health, open);
  expect(page).not.toMatch(/<script|\son\w+=|src=|url\(|@import/i);
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
  const decision = { ...hold, steps: [{ step: 'recommend' as const, workers: 3, why: evil }] };
  const record = tick({ pool: evil, observation: seen, decision, outcome: 'failed', error });
  const page = statusPage({ pools: [tickReport(record, bounds)] }, health, open);
  expect(page).not.toContain('<img');
  expect(page.split('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;').length).toBe(
    8,
  );
});

test('marks what is not known, a paused queue, and an error with its hint', () => {
  const error = new OperationalError('TARGET_UNAVAILABLE', 'no answer', { hint: 'Wait.' });
  const seen = observation({
    queues: [reading({ isPaused: true, pausedJobs: 5, readyJobs: 0, oldestWaitSeconds: null })],
    currentWorkers: null,
  });
  const record = tick({ observation: seen, decision: null, outcome: 'failed', error });
  const page = statusPage({ pools: [tickReport(record, bounds)] }, healthOf([], nowMs), open);
  expect(page).toContain('<dt>current</dt><dd>?</dd>');
  expect(page).toContain('paused with 5');
  expect(page).toContain('<td>–</td>');
  expect(page).toContain('<b>TARGET_UNAVAILABLE</b> no answer<br>Wait.');
  expect(page).toContain('not healthy');
  expect(page).toContain('No decision (failed)');
  expect(page).toContain('last good one not yet');
});

test('says so when there is nothing to show yet', () => {
  expect(statusPage({ pools: [] }, healthOf([], nowMs), open)).toContain(
    'No pool has been looked at yet.',
  );
});
