import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Backlog } from '../../../src/decision/learned/backlog.ts';
import {
  fewestWorkers,
  horizonOf,
  meetsDeadlines,
  outlookOf,
} from '../../../src/decision/learned/look-ahead.ts';
import { startMs } from '../../support/builders.ts';
import { bootsOf } from '../../support/learned.ts';

const none = { workPerSecond: 0, untilSeconds: 0 };
const boots = bootsOf(40);

function pool(workers: number, readyWorkers = workers, slotsPerWorker = 1) {
  const asked = { nowMs: startMs, targetWaitSeconds: 120, workers, readyWorkers, slotsPerWorker };
  return horizonOf(
    readyWorkers === workers
      ? boots
      : { ...boots, orders: [{ orderedAtMs: startMs - 20_000, workers: workers - readyWorkers }] },
    asked,
  );
}

function backlog(workSeconds: number, ageSeconds = 0): Backlog {
  const cohort = {
    jobs: workSeconds,
    workSeconds,
    ageSeconds,
  };
  return { jobs: workSeconds, workSeconds, cohorts: workSeconds > 0 ? [cohort] : [] };
}

const nothingElse = {
  dueSoon: [],
  blocked: { seconds: [], slotsOfEach: 1 },
  meanServiceSeconds: 0,
};
const fewest = (horizon: ReturnType<typeof pool>, work: Backlog, inflow = none) =>
  fewestWorkers(horizon, outlookOf(horizon, { backlog: work, ...nothingElse }), inflow, 0, 1000);

describe('the look ahead', () => {
  test('needs nobody for nothing', () => {
    expect(fewest(pool(0), backlog(0))).toBe(0);
  });

  test('needs no more than the work ÷ the time until the deadline, where workers are ready', () => {
    // 115 s: five seconds of the target are kept as a margin.
    expect(fewest(pool(10), backlog(1150))).toBe(10);
    expect(fewest(pool(10), backlog(1160))).toBeGreaterThan(10);
  });

  test('counts on a new worker only from when it will be ready', () => {
    expect(fewest(pool(0), backlog(750))).toBeGreaterThanOrEqual(9);
    expect(fewest(pool(0), backlog(750))).toBeLessThanOrEqual(11);
  });

  test('counts on workers that boot already', () => {
    const booting = fewest(pool(10, 0), backlog(850));
    expect(booting).toBeLessThanOrEqual(10);
    expect(fewest(pool(0), backlog(850))).toBeGreaterThan(booting);
  });

  test('needs more the older the jobs are', () => {
    const needs = [0, 20, 40, 60].map((age) => fewest(pool(1), backlog(1000, age)));
    expect(needs).toEqual(needs.toSorted((one, other) => one - other));
    expect(needs.at(-1)).toBeGreaterThan(needs[0] ?? 0);
  });

  test('gives what is too late a deadline that can be met, and does not ask for everybody', () => {
    expect(fewest(pool(1), backlog(1000, 5000))).toBeLessThan(25);
  });

  test('uses all slots of a worker, but not those that long jobs block', () => {
    const horizon = pool(4, 4, 10);
    const queue = { ...nothingElse, backlog: backlog(2300) };
    const needs = (seconds: number[]) =>
      fewestWorkers(
        horizon,
        outlookOf(horizon, { ...queue, blocked: { seconds, slotsOfEach: 1 } }),
        none,
        0,
        100,
      );
    expect(needs([])).toBe(2);
    expect(needs(Array.from({ length: 10 }, () => 1000))).toBe(3);
  });

  test('a job that can start by its deadline need not have ended by then', () => {
    const horizon = pool(1);
    const outlook = outlookOf(horizon, {
      ...nothingElse,
      backlog: backlog(200),
      meanServiceSeconds: 100,
    });
    expect(fewestWorkers(horizon, outlook, none, 0, 100)).toBe(1);
  });

  test('sees jobs that become ready at a known time', () => {
    const horizon = pool(1);
    const outlook = outlookOf(horizon, {
      ...nothingElse,
      backlog: backlog(0),
      dueSoon: [{ inSeconds: 30, workSeconds: 1150 }],
    });
    expect(fewestWorkers(horizon, outlook, none, 0, 100)).toBeGreaterThanOrEqual(8);
  });

  test('sees arrivals that go on', () => {
    expect(fewest(pool(1), backlog(0), { workPerSecond: 10, untilSeconds: 180 })).toBeGreaterThan(
      3,
    );
  });

  test('asks for the most there may be when no number is enough', () => {
    expect(fewest(pool(0), backlog(1e9))).toBe(1000);
  });

  test('works with targets far below a boot and far above', () => {
    for (const targetWaitSeconds of [1, 10, 3600, 86_400]) {
      const horizon = horizonOf(boots, {
        nowMs: startMs,
        targetWaitSeconds,
        workers: 2,
        readyWorkers: 2,
        slotsPerWorker: 1,
      });
      expect(horizon.readyOfNew.length).toBeLessThan(70);
      const needs = fewest(horizon, backlog(100), { workPerSecond: 0.5, untilSeconds: 45 });
      expect(needs).toBeGreaterThan(0);
      expect(needs).toBeLessThan(20);
    }
  });

  test('more workers never do worse', () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(20),
        fc.nat(5000),
        fc.nat(200),
        fc.nat(20),
        (ready, booting, work, age, rate) => {
          const horizon = pool(ready + booting, ready);
          const outlook = outlookOf(horizon, { ...nothingElse, backlog: backlog(work, age) });
          const met = Array.from({ length: 60 }, (_, workers) =>
            meetsDeadlines(workers, horizon, outlook, { workPerSecond: rate, untilSeconds: 45 }),
          );
          expect(met.lastIndexOf(false)).toBeLessThan(met.includes(true) ? met.indexOf(true) : 60);
        },
      ),
    );
  });
});
