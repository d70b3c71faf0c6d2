import { describe, expect, test } from 'vitest';
import {
  blockedSlots,
  chanceToOutlast,
  residualSeconds,
} from '../../../src/decision/learned/residual.ts';
import { reading, startMs } from '../../support/builders.ts';
import { running } from '../../support/learned.ts';

const kind = (meanSeconds: number, recentSeconds: readonly number[] = []) => ({
  meanSeconds,
  recentSeconds,
  longestSeconds: Math.max(0, ...recentSeconds),
});
const ten = (seconds: number) => Array.from({ length: 10 }, () => seconds);

describe('the residual of a running job', () => {
  test('is what those that ran longer took beyond its age', () => {
    expect(residualSeconds(10, kind(20, [...ten(5), ...ten(50)]))).toBe(40);
  });

  test('is the mean while nothing speaks against it', () => {
    expect(residualSeconds(10, kind(20))).toBe(20);
  });

  test('is told by eight such jobs, and by no fewer', () => {
    const eight = ten(50).slice(2);
    expect(residualSeconds(10, kind(20, eight))).toBe(40);
    expect(residualSeconds(10, kind(20, eight.slice(1)))).toBe(20);
    expect(residualSeconds(10, kind(20, [...ten(10), ...eight]))).toBe(40);
  });

  test('is the mean until the job is three times as old, and a little', () => {
    expect(residualSeconds(30, kind(20))).toBe(20);
    expect(residualSeconds(65, kind(20))).toBe(20);
    expect(residualSeconds(66, kind(20))).toBe(66);
  });

  test('is as long again once the job is far beyond the mean', () => {
    expect(residualSeconds(500, kind(20, ten(5)))).toBe(500);
  });

  test('tells how likely a job outlasts the grace of its worker', () => {
    const times = kind(20, [...ten(30), ...ten(100)]);
    expect(chanceToOutlast(10, 29, times)).toBe(0.5);
    expect(chanceToOutlast(50, 29, times)).toBe(1);
    expect(chanceToOutlast(0, 29, kind(1))).toBeLessThan(1e-9);
  });

  test('tells it by those that ran longer, or by the mean where these are few', () => {
    const eight = ten(39).slice(2);
    expect(chanceToOutlast(10, 29, kind(1, eight))).toBe(0);
    expect(chanceToOutlast(10, 28, kind(1, [...ten(10), ...eight]))).toBe(1);
    expect(chanceToOutlast(10, 29, kind(29, eight.slice(1)))).toBeCloseTo(Math.exp(-1));
  });

  test('blocks what others of its kind took, less its age', () => {
    const blocked = (ageSeconds: number, meanSeconds: number, recent: readonly number[] = []) =>
      blockedSlots(
        reading({ activeJobs: 1, running: [running(ageSeconds)] }),
        { meanSeconds: 2, of: () => kind(meanSeconds, recent) },
        startMs,
      ).seconds;
    expect(blocked(60, 2, ten(100))).toEqual([40]);
    expect(blocked(1, 2, ten(100))).toEqual([99]);
    expect(blocked(60, 2)).toEqual([60]);
    expect(blocked(0, 7)).toEqual([]);
    expect(blocked(0, 7.5)).toEqual([7.5]);
  });

  test('blocks the slots of long jobs only', () => {
    const times = {
      meanSeconds: 2,
      of: (name: string | null) => kind(name === 'film' ? 600 : 2),
    };
    const seen = reading({
      activeJobs: 3,
      running: [running(1), running(60, { jobName: 'film' }), running(0, { startedAtMs: null })],
    });
    expect(blockedSlots(seen, times, startMs)).toEqual({ seconds: [600], slotsOfEach: 1 });
  });

  test('counts a job for those that were not listed', () => {
    const times = { meanSeconds: 2, of: () => kind(600) };
    const seen = reading({ activeJobs: 30, running: [running(1), running(2), running(3)] });
    expect(blockedSlots(seen, times, startMs).slotsOfEach).toBe(10);
  });
});
