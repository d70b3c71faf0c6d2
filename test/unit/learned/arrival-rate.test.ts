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
    expect(rateOf([...times(33, 1), ...times(3, 100)]).steadily).toBeCloseTo(0.2);
  });

  test('remembers for keeping workers what has just ended', () => {
    const { steadily, lately } = rateOf([...times(24, 100), ...times(12, 0)]);
    expect(steadily).toBe(0);
    expect(lately).toBeCloseTo(20 * (24 / 36));
  });

  test('of a few jobs is their mean, but for the largest bin', () => {
    expect(rateOf([...times(30, 0), 1, 0, 0, 1, 0, 9]).steadily).toBeCloseTo(3 / 180);
  });

  test('is told also when polls are a minute apart', () => {
    expect(rateOf(times(3, 600), 60).steadily).toBe(10);
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
