import { describe, expect, test } from 'vitest';
import { addToHistory, flowSince, historySeconds } from '../../../src/decision/learned/history.ts';
import type { Bin } from '../../../src/decision/learned/memory.ts';
import { reading, startMs } from '../../support/builders.ts';
import { bin, counted, queueMemory } from '../../support/learned.ts';

describe('the flow through a queue', () => {
  test('what was added and is not unfinished has ended; what is there and was not before has arrived', () => {
    const before = queueMemory({
      readyJobs: 10,
      activeJobs: 5,
      addedJobs: 100,
      unfinishedJobs: 15,
    });
    const now = reading({ readyJobs: 20, activeJobs: 5, ...counted(140, 25) });
    expect(flowSince(before, now, startMs)).toEqual({
      seconds: 5,
      arrivals: 40,
      completions: 30,
      busySeconds: 25,
    });
  });

  test('a delayed job arrives when it is due, not when it is added', () => {
    const before = queueMemory({ addedJobs: 0, unfinishedJobs: 0 });
    const added = reading({ delayedJobs: 500, ...counted(500, 500) });
    expect(flowSince(before, added, startMs).arrivals).toBe(0);
    const due = reading({ readyJobs: 500, ...counted(500, 500) });
    expect(
      flowSince({ ...before, addedJobs: 500, unfinishedJobs: 500 }, due, startMs).arrivals,
    ).toBe(500);
  });

  test('without counters, the jobs told to have ended are those that ended', () => {
    const before = queueMemory({ readyJobs: 10, addedJobs: null, unfinishedJobs: null });
    const finished = [{ jobName: null, durationSeconds: 1, waitSeconds: null }];
    expect(flowSince(before, reading({ readyJobs: 10, finished }), startMs)).toMatchObject({
      arrivals: 1,
      completions: 1,
    });
  });

  test('a counter that is there on one side only counts for nothing', () => {
    const finished = [{ jobName: null, durationSeconds: 1, waitSeconds: null }];
    const whole = { addedJobs: 10, unfinishedJobs: 5 };
    for (const lost of [{ addedJobs: null }, { unfinishedJobs: null }]) {
      const now = reading({ finished, ...counted(14, 3) });
      expect(flowSince(queueMemory({ ...whole, ...lost }), now, startMs).completions).toBe(1);
      const without = reading({ finished, ...counted(14, 3), ...lost });
      expect(flowSince(queueMemory(whole), without, startMs).completions).toBe(1);
    }
  });

  test('jobs end also while none is added', () => {
    const before = queueMemory({ activeJobs: 5, addedJobs: 100, unfinishedJobs: 5 });
    const now = reading({ activeJobs: 3, ...counted(100, 3) });
    expect(flowSince(before, now, startMs)).toMatchObject({ arrivals: 0, completions: 2 });
  });

  test('of a counter that was reset, the jobs told to have ended are those that ended', () => {
    const finished = [{ jobName: null, durationSeconds: 1, waitSeconds: null }];
    const before = queueMemory({ addedJobs: 900, unfinishedJobs: 500 });
    const now = reading({ finished, ...counted(3, 3) });
    expect(flowSince(before, now, startMs).completions).toBe(1);
  });

  test('a counter that was reset counts for nothing', () => {
    const before = queueMemory({ addedJobs: 900, unfinishedJobs: 5 });
    expect(flowSince(before, reading({ readyJobs: 3, ...counted(3, 3) }), startMs)).toMatchObject({
      arrivals: 3,
      completions: 0,
    });
  });

  test('what is found in a queue that was not followed came at an unknown time', () => {
    const flow = flowSince(
      undefined,
      reading({ readyJobs: 7, activeJobs: 2, ...counted(999, 9) }),
      startMs,
    );
    expect(flow).toEqual({ seconds: 0, arrivals: 9, completions: 0, busySeconds: 0 });
  });

  test('a clock that was set back makes no time negative', () => {
    expect(flowSince(queueMemory({ readAtMs: startMs + 60_000 }), reading(), startMs).seconds).toBe(
      0,
    );
  });
});

describe('the history of a queue', () => {
  const span = historySeconds(120);
  const flow = { seconds: 1, arrivals: 2, completions: 1, busySeconds: 3 };
  const now = { nowMs: startMs, activeJobs: 4, readyWorkers: 1, isFull: true };

  test('joins short looks, so that it is as short however often the pool is looked at', () => {
    let bins: readonly Bin[] = [];
    for (let second = 0; second < 1000; second += 1)
      bins = addToHistory(bins, flow, { ...now, nowMs: startMs + second * 1000 }, span);
    expect(bins.length).toBeLessThanOrEqual(36);
    expect(bins[0]).toMatchObject({ seconds: 5, arrivals: 10, completions: 5, isFull: true });
    expect(bins.length).toBeGreaterThan(30);
  });

  test('of joined looks knows the busiest, and whether all were full', () => {
    const young = bin({ seconds: 1, peakActive: 9, isFull: false });
    const joined = addToHistory([bin(), bin(), young], flow, now, span);
    expect(joined).toHaveLength(3);
    expect(joined.at(-1)).toMatchObject({ seconds: 2, peakActive: 9, isFull: false });
    const full = addToHistory([bin({ seconds: 1, isFull: true })], flow, now, span);
    expect(full).toMatchObject([{ peakActive: 4, isFull: true }]);
    const free = addToHistory(
      [bin({ seconds: 1, isFull: true })],
      flow,
      { ...now, isFull: false },
      span,
    );
    expect(free).toMatchObject([{ isFull: false }]);
  });

  test('is short also where no two looks can be joined', () => {
    let bins: readonly Bin[] = [];
    for (let second = 0; second < 100; second += 1)
      bins = addToHistory(
        bins,
        flow,
        { ...now, nowMs: startMs + second * 1000, readyWorkers: second % 2 },
        span,
      );
    expect(bins).toHaveLength(36);
  });

  test('does not join looks at different numbers of workers', () => {
    const bins = addToHistory([bin({ seconds: 1 })], flow, { ...now, readyWorkers: 2 }, span);
    expect(bins).toHaveLength(2);
  });

  test('does not take what was found at first for what came in a moment', () => {
    const first = addToHistory([], { ...flow, seconds: 0, arrivals: 5000 }, now, span);
    expect(addToHistory(first, flow, now, span).at(-1)).toMatchObject({ seconds: 1, arrivals: 2 });
    const later = addToHistory([bin()], { ...flow, seconds: 0, arrivals: 5000 }, now, span);
    expect(later.map(({ arrivals }) => arrivals)).toEqual([0, 5000]);
  });

  test('forgets what is older than its span', () => {
    const old = bin({ untilMs: startMs - span * 1000 });
    expect(addToHistory([old], flow, now, span)).toHaveLength(1);
  });

  test('reaches as far back as jobs can be on time', () => {
    expect(historySeconds(600)).toBe(660);
    expect(historySeconds(10)).toBe(180);
  });
});
