import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Backlog } from '../../../src/decision/learned/backlog.ts';
import {
  fewestWorkers,
  horizonOf,
  meetsDeadlines,
  outlookOf,
  patience,
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
    // In 20 s half of the ten are ready, then all: they have 95 s left, and five of them five more.
    expect(fewest(pool(10, 0), backlog(9 * 95 + 5 * 5))).toBe(9);
    expect(fewest(pool(10, 0), backlog(9 * 95 + 5 * 5 + 1))).toBe(10);
    expect(fewest(pool(0), backlog(9 * 95 + 5 * 5))).toBeGreaterThan(10);
  });

  test('counts on those that boot after those that are ready', () => {
    expect(fewest(pool(10, 5), backlog(5 * 115 + 2 * 100))).toBe(7);
    expect(fewest(pool(10, 5), backlog(5 * 115 + 2 * 100 + 1))).toBe(8);
    expect(fewest(pool(10, 5), backlog(5 * 115 + 5 * 95 + 2.5 * 5))).toBe(10);
  });

  test('takes for too late what starts in time only on a worker that boots faster than most', () => {
    // Due in 44 s, when a worker ordered now will probably be ready; a second sooner, and it may start within 88 s.
    expect(fewest(pool(20), backlog(400, 71))).toBe(10);
    expect(fewest(pool(20), backlog(400, 72))).toBe(5);
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

  test('knows that such jobs can neither run before that time nor be late as soon as others', () => {
    const horizon = pool(20);
    const needs = (workSeconds: number, inSeconds: number) => {
      const dueSoon = [{ inSeconds, workSeconds: 1150 }];
      const outlook = outlookOf(horizon, {
        ...nothingElse,
        backlog: backlog(workSeconds),
        dueSoon,
      });
      return fewestWorkers(horizon, outlook, none, 0, 100);
    };
    // From 30 to 145 s, on a grid of 5 s.
    expect(needs(0, 30)).toBe(10);
    expect(needs(100, 30)).toBe(10);
    expect(needs(0, 0)).toBe(10);
  });

  test('does not count on a slot for as long as a job blocks it', () => {
    const needs = (workers: number, workSeconds: number, seconds: number[]) => {
      const horizon = pool(workers);
      const blocked = { seconds, slotsOfEach: 1 };
      const outlook = outlookOf(horizon, {
        ...nothingElse,
        backlog: backlog(workSeconds),
        blocked,
      });
      return fewestWorkers(horizon, outlook, none, 0, 100);
    };
    expect(needs(1, 70, [50])).toBe(1);
    expect(needs(1, 71, [50])).toBe(2);
    expect(needs(2, 140, [50, 50])).toBe(2);
    expect(needs(2, 141, [50, 50])).toBe(3);
  });

  test('sees arrivals that go on, as long as they do', () => {
    const inflow = { workPerSecond: 10, untilSeconds: 180 };
    expect(fewest(pool(20), backlog(0), inflow)).toBe(5);
    expect(fewest(pool(20), backlog(0), { ...inflow, untilSeconds: 45 })).toBe(3);
    expect(fewest(pool(1), backlog(0), inflow)).toBeGreaterThan(3);
  });

  test('gives arrivals that no new worker can reach in time a later deadline, too', () => {
    const asked = { nowMs: startMs, workers: 0, readyWorkers: 0, slotsPerWorker: 1 };
    const horizon = horizonOf(boots, { ...asked, targetWaitSeconds: 20 });
    // 450 by the 60th second, half a step of 5 s and four whole ones after a boot.
    expect(fewest(horizon, backlog(0), { workPerSecond: 10, untilSeconds: 45 })).toBe(20);
  });

  test('keeps a margin of five seconds, or of a quarter of a short target', () => {
    const of = (targetWaitSeconds: number) => patience({ ...pool(1), targetWaitSeconds });
    expect([of(120), of(20), of(8)]).toEqual([115, 15, 6]);
  });

  test('asks for the most there may be when no number is enough', () => {
    expect(fewest(pool(0), backlog(1e9))).toBe(1000);
  });

  test('works with targets far below a boot and far above', () => {
    for (const targetWaitSeconds of [1, 10, 600, 3600, 86_400]) {
      const horizon = horizonOf(boots, {
        nowMs: startMs,
        targetWaitSeconds,
        workers: 2,
        readyWorkers: 2,
        slotsPerWorker: 1,
      });
      expect(horizon.readyOfNew.length).toBeLessThanOrEqual(66);
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
