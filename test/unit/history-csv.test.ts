import { expect, test } from 'vitest';
import { csvOf } from '../../src/commands/history/csv.ts';
import { reportAt, noonMs } from '../support/history.ts';
import { observation, reading, redisGone } from '../support/tick-records.ts';

const row = (report = reportAt(noonMs)) => csvOf([report]).split('\r\n')[1] ?? '';

test('a table has a header, lines that end as RFC 4180 says, and quotes what has to be', () => {
  const why = 'says "a, b"\nand more';
  const report = { ...reportAt(noonMs), steps: [{ step: 'recommend' as const, workers: 3, why }] };
  const text = csvOf([report]);
  expect(text.startsWith('time,pool,')).toBe(true);
  expect(text.endsWith(',"says ""a, b""\nand more"\r\n')).toBe(true);
  expect(csvOf([])).toMatch(/^time,[^\r]*\r\n$/);
});

test.each(['=1+1', '+1', '-1', '@sum', '\t=1', '\r=1', '＝1'])(
  'no text is a formula for a spreadsheet, such as %j',
  (pool) => {
    expect(csvOf([{ ...reportAt(noonMs), pool }])).toContain(`'${pool}`);
  },
);

test('jobs are those of all queues, and the oldest wait is the longest', () => {
  const queues = [
    reading({ readyJobs: 3, activeJobs: 1, orphanedJobs: 0, delayedJobs: 2, oldestWaitSeconds: 8 }),
    reading({
      readyJobs: 4,
      activeJobs: 5,
      orphanedJobs: 1,
      delayedJobs: 0,
      oldestWaitSeconds: 20.5,
    }),
  ];
  expect(row(reportAt(noonMs, { observation: observation({ queues }) }))).toContain(
    ',7,6,1,2,20.5,,',
  );
});

test('what was not seen is empty rather than 0', () => {
  const blind = { unreadableQueues: [{ queue: 'sms', why: 'WRONGTYPE' }] };
  expect(row(reportAt(noonMs, { observation: observation(blind) }))).toContain(',held,,,,,,,');
  const gone = reportAt(noonMs, {
    observation: null,
    decision: null,
    error: redisGone(),
    outcome: 'failed',
  });
  expect(row(gone)).toContain(',worker,,,,hold,none,failed,,,,,,QUEUE_UNREADABLE,');
  expect(row(reportAt(noonMs, { observation: observation({ queues: [] }) }))).toContain(
    ',held,0,0,0,0,,,',
  );
});
