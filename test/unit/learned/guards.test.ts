import { describe, expect, test } from 'vitest';
import { fewestToKeep, jobsAtRisk } from '../../../src/decision/learned/interruptions.ts';
import type { ServiceTimes } from '../../../src/decision/learned/service-times.ts';
import { reading, startMs } from '../../support/builders.ts';
import { running } from '../../support/learned.ts';

const times = (meanSeconds: number): ServiceTimes => ({
  meanSeconds,
  of: () => ({ meanSeconds, recentSeconds: [], longestSeconds: 0 }),
});

describe('expected interruptions', () => {
  const pool = { workers: 10, readyWorkers: 10 };

  test('are few among short jobs and many among long ones', () => {
    const seen = reading({ activeJobs: 50 });
    expect(jobsAtRisk(seen, times(1), startMs)).toBeLessThan(1e-9);
    expect(jobsAtRisk(seen, times(600), startMs)).toBeGreaterThan(40);
  });

  test('use the age of a job where it is known', () => {
    const seen = reading({ activeJobs: 2, running: [running(5), running(500)] });
    expect(jobsAtRisk(seen, times(10), startMs)).toBeCloseTo(Math.exp(-2.9) + Math.exp(-29 / 500));
  });

  test('keep as many workers as it takes to expect a tenth of a job', () => {
    expect(fewestToKeep(pool, 0)).toBe(0);
    expect(fewestToKeep(pool, 0.2)).toBe(5);
    expect(fewestToKeep(pool, 0.5)).toBe(8);
    expect(fewestToKeep(pool, 30)).toBe(10);
  });

  test('are not expected of workers that boot', () => {
    expect(fewestToKeep({ workers: 10, readyWorkers: 7 }, 30)).toBe(7);
    expect(fewestToKeep({ workers: 10, readyWorkers: 0 }, 30)).toBe(0);
  });
});
