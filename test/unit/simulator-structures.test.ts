import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeap } from '../../src/simulator/heap.ts';
import { createHistogram } from '../../src/simulator/histogram.ts';
import { createLine } from '../../src/simulator/line.ts';
import { createTimeline } from '../../src/simulator/timeline.ts';

describe('a heap', () => {
  it('gives values in the order of their keys, and those of one key in the order in which they came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('pop'))),
        (steps) => {
          const heap = createHeap<number>();
          let sorted: { key: number; value: number }[] = [];
          for (const [value, step] of steps.entries()) {
            if (typeof step === 'number') {
              heap.push(step, value);
              sorted.push({ key: step, value });
              sorted = sorted.toSorted((one, other) => one.key - other.key);
            } else expect(heap.pop()).toBe(sorted.shift()?.value);
            expect(heap.firstKey()).toBe(sorted[0]?.key ?? Infinity);
            expect(heap.first()).toBe(sorted[0]?.value);
          }
        },
      ),
    );
  });
});

describe('a line', () => {
  it('behaves as an array that is joined at both ends and left at its head', () => {
    const step = fc.constantFrom('push', 'pushFirst', 'shift');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const line = createLine<number>();
        const array: number[] = [];
        for (const [value, name] of steps.entries()) {
          if (name === 'push') array.push(value);
          if (name === 'push') line.push(value);
          if (name === 'pushFirst') array.unshift(value);
          if (name === 'pushFirst') line.pushFirst(value);
          if (name === 'shift') expect(line.shift()).toBe(array.shift());
          expect(line.size()).toBe(array.length);
        }
        expect(Array.from({ length: array.length + 1 }, (_, place) => line.at(place))).toEqual([
          ...array,
          undefined,
        ]);
      }),
    );
  });
});

describe('a histogram', () => {
  it('tells every quantile to its precision', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (seconds, share) => {
        const histogram = createHistogram(0.005, 1e6);
        for (const value of seconds) histogram.add(value);
        const sorted = seconds.toSorted((one, other) => one - other);
        const exact = sorted[Math.max(0, Math.ceil(share * seconds.length - 1e-9) - 1)] ?? NaN;
        const told = histogram.quantile(share) ?? NaN;
        expect(Math.abs(told - exact)).toBeLessThanOrEqual(0.0051 * (1 + exact));
      }),
    );
  });

  it('counts values that were never added as the highest possible', () => {
    const histogram = createHistogram(0.005, 500);
    histogram.add(0);
    expect([0.5, 0.51].map((share) => histogram.quantile(share, 1))).toEqual([0, 500]);
    expect(createHistogram(0.005, 500).quantile(0.5)).toBeNull();
  });
});

describe('a timeline', () => {
  it('keeps means, maxima and waits of a run that lasts far longer than its horizon', () => {
    const { watcher, moments } = createTimeline(480);
    for (let second = 0; second < 10_000; second += 1) {
      watcher.onSample(second, second, second < 5_000 ? 2 : 4);
      watcher.onDone(second, second < 5_000 ? 10 : 20);
    }
    const made = moments();
    expect(made.length).toBeLessThanOrEqual(600);
    const stepSeconds = made[1]?.fromSeconds ?? NaN;
    expect(made.map(({ fromSeconds }) => fromSeconds)).toEqual(made.map((_, i) => i * stepSeconds));
    expect(made.at(-1)?.fromSeconds).toBeGreaterThan(9_900);
    for (const { fromSeconds, workers, readyJobs, p95WaitSeconds } of made) {
      const until = Math.min(10_000, fromSeconds + stepSeconds);
      expect(readyJobs).toBe(until - 1);
      if (until <= 5_000 || fromSeconds >= 5_000) expect(workers).toBe(until <= 5_000 ? 2 : 4);
      expect((p95WaitSeconds ?? NaN) / (until <= 5_000 ? 10 : 20)).toBeCloseTo(1, 1);
    }
  });

  it('has no wait where no job was due', () => {
    const { watcher, moments } = createTimeline(480);
    watcher.onSample(0, 0, 1);
    expect(moments()).toEqual([{ fromSeconds: 0, workers: 1, readyJobs: 0, p95WaitSeconds: null }]);
  });
});
