import { expect, test } from 'vitest';
import { jobsInWords } from '../../src/telemetry/job-words.ts';

test('jobs are named by queue, and nothing is said of none', () => {
  const job = (queue: string, jobId: string) => ({ queue, jobId });
  expect(jobsInWords([])).toBe('');
  expect(jobsInWords([job('mail', '7')])).toBe('job 7 of mail');
  expect(jobsInWords([job('mail', '7'), job('reports', '3'), job('mail', '9')])).toBe(
    'jobs 7, 9 of mail; job 3 of reports',
  );
});
