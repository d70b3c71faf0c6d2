import { describe, expect, test } from 'vitest';
import { arrivalRate } from '../../../src/decision/learned/arrival-rate.ts';
import { startMs } from '../../support/builders.ts';
import { arrivalBins } from '../../support/learned.ts';

const rateOf = (arrivals: number[], seconds = 5) =>
  arrivalRate(arrivalBins(arrivals, seconds), startMs);
/** Looks a minute apart, followed by some ten seconds apart. */
const rateBefore = (rare: number[], ...soon: number[]) =>
  arrivalRate(
    [
      ...arrivalBins(rare, 60).map((each) => ({
        ...each,
        untilMs: each.untilMs - soon.length * 10_000,
      })),
      ...arrivalBins(soon, 10),
    ],
    startMs,
  );
const times = (count: number, jobs: number) => Array.from({ length: count }, () => jobs);

describe('the arrival rate', () => {
  test('is what arrives per second', () => {
    expect(rateOf(times(36, 50))).toEqual({ steadily: 10, lately: 10 });
  });

  test('is nothing without a history', () => {
    expect(arrivalRate([], startMs)).toEqual({ steadily: 0, lately: 0 });
    expect(rateOf([400], 0)).toEqual({ steadily: 0, lately: 0 });
  });

  test('looks back three minutes, and no further', () => {
    expect(rateOf([9_000, ...times(36, 0)])).toEqual({ steadily: 0, lately: 0 });
    expect(rateOf([90, ...times(35, 0)]).lately).toBe(0);
    expect(rateOf([...times(5, 90), ...times(31, 0)]).lately).toBeCloseTo((5 * 90) / 180);
  });

  test('cuts what stands out to four times what is usual, for keeping workers', () => {
    expect(rateOf([...times(34, 5), 1_000, 1_000]).lately).toBeCloseTo((34 + 2 * 4) / 36);
    const mostlyNothing = [...times(30, 0), 40, 0, 0, 40, 0, 0];
    expect(rateOf(mostlyNothing).lately).toBeCloseTo(80 / 180);
    expect(rateOf(mostlyNothing).steadily).toBe(0);
  });

  test('does not take a batch for a rate', () => {
    const { steadily, lately } = rateOf([...times(35, 5), 7000]);
    expect(steadily).toBe(1);
    expect(lately).toBeLessThan(1.2);
  });

  test('does not take the first batch of a new queue for a rate', () => {
    expect(rateOf([0, 400]).steadily).toBe(0);
    expect(rateOf([400]).steadily).toBe(0);
    expect(rateOf([0, 4000], 60).steadily).toBe(0);
  });

  test('follows a change within half a minute', () => {
    expect(rateOf([...times(30, 1), ...times(6, 100)]).steadily).toBe(20);
    expect(rateOf([...times(31, 1), ...times(5, 100)]).steadily).toBe(20);
    expect(rateOf([...times(32, 1), ...times(4, 100)]).steadily).toBeCloseTo(0.2);
  });

  test('remembers for keeping workers what has just ended', () => {
    const { steadily, lately } = rateOf([...times(24, 100), ...times(12, 0)]);
    expect(steadily).toBe(0);
    expect(lately).toBeCloseTo(20 * (24 / 36));
  });

  test('of a few jobs is their mean, but for the largest bin', () => {
    expect(rateOf([...times(30, 0), 1, 0, 0, 1, 0, 9]).steadily).toBeCloseTo(3 / 180);
  });

  test('of thirty jobs is not their mean any more', () => {
    expect(rateOf([...times(30, 1), ...times(6, 0)]).steadily).toBe(0);
    expect(rateOf([...times(29, 1), ...times(7, 0)]).steadily).toBeCloseTo(29 / 180);
  });

  test('is told also when polls are a minute apart', () => {
    expect(rateOf(times(3, 600), 60).steadily).toBe(10);
    expect(rateOf([600, 600, 0], 60).steadily).toBe(10);
  });

  test('counts of the oldest look only what lies within the last 50 seconds', () => {
    expect(rateOf([150, 0, 150, 0], 15).steadily).toBe(0);
  });

  test('of a stream that begins between two rare looks is told by one more look soon after', () => {
    expect(rateBefore([6, 6, 600]).steadily).toBeCloseTo(0.1);
    expect(rateBefore([6, 6, 600], 100).steadily).toBe(10);
  });

  test('takes a batch between two rare looks for a rate neither at once nor after the looks that follow', () => {
    for (const after of [[], [1], [1, 1], [1, 1, 1, 1]]) {
      const { steadily, lately } = rateBefore([6, 6, 6000], ...after);
      expect(steadily).toBeLessThanOrEqual(0.1);
      expect(lately).toBeLessThan(0.5);
    }
  });
});
