import { describe, expect, test } from 'vitest';
import { fewestToKeep, jobsAtRisk } from '../../../src/decision/learned/interruptions.ts';
import type { ServiceTimes } from '../../../src/decision/learned/service-times.ts';
import { isStuck, movedAt } from '../../../src/decision/learned/stuck.ts';
import { reading, startMs } from '../../support/builders.ts';
import { counted, queueMemory, running } from '../../support/learned.ts';

const times = (meanSeconds: number, isKnown = true): ServiceTimes => ({
  meanSeconds,
  meanOfEndedSeconds: meanSeconds,
  isKnown,
  of: () => ({ meanSeconds, recentSeconds: [], longestSeconds: 0 }),
});
const flow = { seconds: 5, arrivals: 0, completions: 0, busySeconds: 0 };

describe('stuck jobs', () => {
  const busy = reading({ activeJobs: 4, ...counted(10, 4) });
  const ago = (seconds: number) => startMs - seconds * 1000;

  test('run without an end for a minute and six times as long as usual', () => {
    expect(isStuck(ago(59), busy, times(1), startMs)).toBe(false);
    expect(isStuck(ago(60), busy, times(1), startMs)).toBe(true);
    expect(isStuck(ago(110), busy, times(20), startMs)).toBe(false);
    expect(isStuck(ago(120), busy, times(20), startMs)).toBe(true);
  });

  test('are not found in an idle queue, or among jobs nobody knows', () => {
    expect(isStuck(ago(600), reading(), times(1), startMs)).toBe(false);
    expect(isStuck(ago(600), busy, times(1, false), startMs)).toBe(false);
  });

  test('are timed from the last end', () => {
    const before = queueMemory({ movedAtMs: ago(300) });
    expect(movedAt(before, busy, flow, startMs)).toBe(ago(300));
    expect(movedAt(before, busy, { ...flow, completions: 1 }, startMs)).toBe(startMs);
    expect(movedAt(before, reading(counted(1, 1)), flow, startMs)).toBe(startMs);
    expect(movedAt(undefined, busy, flow, startMs)).toBe(startMs);
  });

  test('cannot be told where nobody counts', () => {
    expect(
      movedAt(queueMemory({ movedAtMs: ago(300) }), reading({ activeJobs: 4 }), flow, startMs),
    ).toBe(startMs);
  });
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
