import { describe, expect, test } from 'vitest';
import { fewestToKeep, jobsAtRisk } from '../../../src/decision/learned/interruptions.ts';
import { chanceToOutlast } from '../../../src/decision/learned/residual.ts';
import { serviceTimes } from '../../../src/decision/learned/service-times.ts';
import { reading, startMs } from '../../support/builders.ts';
import { running } from '../../support/learned.ts';

describe('jobs that the removal of all workers would interrupt', () => {
  const times = serviceTimes([], [], 58, startMs);
  const atRisk = (known: Parameters<typeof reading>[0]) =>
    jobsAtRisk(reading(known), times, startMs);

  test('are those that would not end within the grace', () => {
    const chance = (ageSeconds: number) => chanceToOutlast(ageSeconds, 29, times.of('mail'));
    expect(chance(900)).toBeGreaterThan(chance(10));
    expect(atRisk({ activeJobs: 2, running: [running(10), running(900)] })).toBeCloseTo(
      chance(10) + chance(900),
    );
  });

  test('count by their mean when nobody knows since when they run', () => {
    const ofThree = 3 * Math.exp(-29 / times.meanSeconds);
    expect(atRisk({ activeJobs: 3 })).toBeCloseTo(ofThree);
    const unknown = running(0, { startedAtMs: null });
    expect(atRisk({ activeJobs: 3, running: [unknown] })).toBeCloseTo(ofThree);
  });

  test('are never fewer than none, and a start in the future is now', () => {
    expect(atRisk({ activeJobs: 0 })).toBe(0);
    const now = atRisk({ activeJobs: 1, running: [running(0)] });
    expect(atRisk({ activeJobs: 1, running: [running(-60)] })).toBe(now);
    // The list is read a moment after the count.
    expect(atRisk({ activeJobs: 0, running: [running(0)] })).toBe(now);
  });
});

describe('the fewest workers to keep', () => {
  const keep = (workers: number, readyWorkers: number, atRisk: number) =>
    fewestToKeep({ workers, readyWorkers }, atRisk);

  test('are those of which the removal of another would interrupt more than a tenth of a job', () => {
    expect(keep(10, 10, 10)).toBe(10);
    expect(keep(10, 10, 1)).toBe(9);
    expect(keep(10, 10, 0.5)).toBe(8);
  });

  test('are none when nothing is at risk, or nobody is there to be interrupted', () => {
    expect(keep(10, 10, 0)).toBe(0);
    expect(keep(10, 10, 0.01)).toBe(0);
    expect(keep(10, 0, 5)).toBe(0);
    expect(keep(10, 0, 0)).toBe(0);
  });

  test('do not include those that boot, which run nothing', () => {
    expect(keep(12, 10, 10)).toBe(10);
    expect(keep(12, 10, 1)).toBe(9);
  });
});
