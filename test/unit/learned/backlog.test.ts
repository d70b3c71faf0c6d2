import { describe, expect, test } from 'vitest';
import { backlogOf } from '../../../src/decision/learned/backlog.ts';
import type { ServiceTimes } from '../../../src/decision/learned/service-times.ts';
import { reading, startMs } from '../../support/builders.ts';
import { arrivalBins } from '../../support/learned.ts';

const secondsOf: Record<string, number> = { mail: 1, report: 10 };
const times: ServiceTimes = {
  meanSeconds: 2,
  of: (name) => ({ meanSeconds: secondsOf[name ?? ''] ?? 2, recentSeconds: [], longestSeconds: 0 }),
};

describe('the backlog', () => {
  test('are the jobs that arrived last, by age', () => {
    const { cohorts } = backlogOf(
      reading({ readyJobs: 15, oldestWaitSeconds: 8 }),
      arrivalBins([100, 10, 10]),
      times,
      startMs,
    );
    expect(cohorts).toEqual([
      { jobs: 10, workSeconds: 20, ageSeconds: 5 },
      { jobs: 5, workSeconds: 10, ageSeconds: 8 },
    ]);
  });

  test('is never older than the oldest job', () => {
    const seen = reading({ readyJobs: 600, oldestWaitSeconds: 3 });
    const { cohorts } = backlogOf(seen, arrivalBins([600], 60), times, startMs);
    expect(cohorts).toMatchObject([{ ageSeconds: 3 }]);
  });

  test('came at once if its oldest job says so, however long the looks were apart', () => {
    const seen = reading({ readyJobs: 60, oldestWaitSeconds: 58 });
    const { cohorts } = backlogOf(seen, arrivalBins([600], 60), times, startMs);
    expect(cohorts).toMatchObject([{ jobs: 60, ageSeconds: 58 }]);
  });

  test('that was found at first is as old as its oldest job', () => {
    const seen = reading({ readyJobs: 400, oldestWaitSeconds: 50 });
    const { cohorts } = backlogOf(seen, arrivalBins([400], 0), times, startMs);
    expect(cohorts).toMatchObject([{ jobs: 400, ageSeconds: 50 }]);
  });

  test('may be older than its history', () => {
    const seen = reading({ readyJobs: 30, oldestWaitSeconds: 400 });
    const { cohorts } = backlogOf(seen, arrivalBins([10]), times, startMs);
    expect(cohorts[1]).toMatchObject({ jobs: 20, ageSeconds: 400 });
  });

  test('passes over times in which nothing came', () => {
    const seen = reading({ readyJobs: 12, oldestWaitSeconds: null });
    expect(backlogOf(seen, arrivalBins([10, 0, 5]), times, startMs).cohorts).toEqual([
      { jobs: 5, workSeconds: 10, ageSeconds: 5 },
      { jobs: 7, workSeconds: 14, ageSeconds: 15 },
    ]);
  });

  test('of which nobody knows the age is as old as its history, at least', () => {
    const seen = reading({ readyJobs: 30, oldestWaitSeconds: null });
    const agesAfter = (arrivals: number[]) =>
      backlogOf(seen, arrivalBins(arrivals), times, startMs).cohorts.map(({ jobs, ageSeconds }) => [
        jobs,
        ageSeconds,
      ]);
    expect(agesAfter([3, 7])).toEqual([
      [7, 5],
      [3, 10],
      [20, 10],
    ]);
    expect(agesAfter([])).toEqual([[30, 0]]);
  });

  test('without jobs is no work, whatever names were found in it', () => {
    const { workSeconds, cohorts } = backlogOf(
      reading({ readyJobs: 0, readyJobNames: ['mail'] }),
      arrivalBins([10]),
      times,
      startMs,
    );
    expect({ workSeconds, cohorts }).toEqual({ workSeconds: 0, cohorts: [] });
  });

  test('is as much work as the names in it', () => {
    const seen = reading({ readyJobs: 100, readyJobNames: ['mail', 'mail', 'mail', 'report'] });
    expect(backlogOf(seen, [], times, startMs).workSeconds).toBeCloseTo(75 * 1 + 25 * 10);
    expect(backlogOf(reading({ readyJobs: 100 }), [], times, startMs).workSeconds).toBe(200);
  });

  test('has the work where it stands in the line', () => {
    const seen = reading({ readyJobs: 40, readyJobNames: ['mail', 'mail', 'mail', 'report'] });
    const { cohorts } = backlogOf(seen, arrivalBins([30, 10]), times, startMs);
    expect(cohorts.map(({ workSeconds }) => workSeconds)).toEqual([100, 30]);
  });
});
