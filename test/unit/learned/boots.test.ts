import { describe, expect, test } from 'vitest';
import {
  followBoots,
  readyOfOrders,
  shareBooted,
  startSecondsOf,
  timesOf,
} from '../../../src/decision/learned/boots.ts';
import { nothingLearned } from '../../../src/decision/learned/memory.ts';
import { startMs } from '../../support/builders.ts';
import { bootsOf } from '../../support/learned.ts';

const at = (seconds: number) => startMs + seconds * 1000;

/** Follows a pool through looks 5 s apart: [workers, ready workers] of each. */
function follow(looks: readonly (readonly [number, number | null])[], stepSeconds = 5) {
  let boots = nothingLearned.boots;
  let readyWorkers = 0;
  let before = looks[0]?.[0] ?? 0;
  looks.forEach(([workers, ready], index) => {
    const followed = followBoots(boots, {
      nowMs: at(index * stepSeconds),
      beforeMs: at(Math.max(0, index - 1) * stepSeconds),
      workers,
      workersBefore: before,
      readyWorkers: ready,
      busyWorkers: 0,
    });
    ({ boots, readyWorkers } = followed);
    before = workers;
  });
  return { boots, readyWorkers };
}

describe('boots', () => {
  test('a boot is timed from the look that ordered it to the middle of the gap in which it ended', () => {
    const looks = Array.from({ length: 20 }, (_, index) => [2, index < 19 ? 1 : 2] as const);
    const { boots } = follow([[1, 1], ...looks]);
    // Ordered at 0 s, first seen at 100 s, so it was ready at 97.5 s: one boot of 97.5 s beside four of 40 s.
    expect(boots.meanSeconds).toBeCloseTo(40 + (97.5 - 40) / 5);
    expect(boots.orders).toEqual([]);
  });

  test('a look a minute after the order alone says little of how long it took', () => {
    let boots = nothingLearned.boots;
    for (let boot = 0; boot < 60; boot += 1) {
      const common = { workersBefore: 2, workers: 2, busyWorkers: 0, readyWorkers: 2 };
      const orders = [{ orderedAtMs: at(0), workers: 1 }];
      boots = followBoots(
        { ...boots, orders },
        { ...common, nowMs: at(60), beforeMs: at(0) },
      ).boots;
    }
    expect(timesOf(boots).meanSeconds).toBeCloseTo(40);
    expect(timesOf(boots).sdSeconds).toBeGreaterThan(8);
  });

  test('many boots of one length outweigh the prior', () => {
    let boots = nothingLearned.boots;
    for (let boot = 0; boot < 60; boot += 1) {
      const common = { workersBefore: 2, workers: 2, busyWorkers: 0 };
      boots = followBoots(
        { ...boots, orders: [{ orderedAtMs: at(0), workers: 1 }] },
        { ...common, nowMs: at(12), beforeMs: at(10), readyWorkers: 2 },
      ).boots;
    }
    expect(timesOf(boots).meanSeconds).toBeLessThan(13);
    expect(timesOf(boots).sdSeconds).toBeLessThan(9);
  });

  test('what was ready and is not any more boots again', () => {
    const { boots, readyWorkers } = follow([
      [3, 3],
      [3, 1],
    ]);
    expect(readyWorkers).toBe(1);
    expect(boots.orders).toEqual([{ orderedAtMs: at(5), workers: 2 }]);
  });

  test('a removal cancels the orders made last', () => {
    const { boots } = follow([
      [1, 1],
      [3, 1],
      [5, 1],
      [4, 1],
    ]);
    expect(boots.orders).toEqual([
      { orderedAtMs: at(0), workers: 2 },
      { orderedAtMs: at(5), workers: 1 },
    ]);
  });

  test('where nobody tells, a worker counts as ready when a boot should be over', () => {
    expect(
      follow([
        [1, null],
        [4, null],
        [4, null],
      ]).readyWorkers,
    ).toBe(1);
    expect(
      follow([[1, null], [4, null], ...Array.from({ length: 12 }, () => [4, null] as const)])
        .readyWorkers,
    ).toBe(4);
  });

  test('where nobody tells, all but one in six boots are waited for', () => {
    const seen = { beforeMs: at(0), workers: 2, workersBefore: 2, readyWorkers: null };
    const boots = { ...nothingLearned.boots, orders: [{ orderedAtMs: at(0), workers: 1 }] };
    const readyAfter = (seconds: number) =>
      followBoots(boots, { ...seen, nowMs: at(seconds), busyWorkers: 0 }).readyWorkers;
    expect(startSecondsOf(boots)).toBe(50);
    expect(readyAfter(49)).toBe(1);
    expect(readyAfter(50)).toBe(2);
  });

  test('where nobody tells, running jobs prove workers', () => {
    const seen = {
      nowMs: at(5),
      beforeMs: at(0),
      workers: 4,
      workersBefore: 1,
      readyWorkers: null,
    };
    expect(followBoots(nothingLearned.boots, { ...seen, busyWorkers: 3 }).readyWorkers).toBe(3);
    expect(followBoots(nothingLearned.boots, { ...seen, busyWorkers: 9 }).readyWorkers).toBe(4);
  });

  test('boots end around their mean', () => {
    const boots = bootsOf(40, { varianceSeconds2: 100 });
    expect(shareBooted(boots, 20)).toBe(0);
    expect(shareBooted(boots, 40)).toBeCloseTo(0.5);
    expect(shareBooted(boots, 60)).toBe(1);
  });

  test('an order that is late is expected any moment, and after twice a boot no more', () => {
    const orders = (ageSeconds: number) =>
      bootsOf(40, { orders: [{ orderedAtMs: at(-ageSeconds), workers: 2 }] });
    expect(readyOfOrders(orders(38), startMs, 5)).toBeGreaterThan(1);
    expect(readyOfOrders(orders(60), startMs, 20)).toBe(2);
    expect(readyOfOrders(orders(300), startMs, 20)).toBe(0);
  });

  test('the longer an order has booted, the more likely it ends within the next seconds', () => {
    const orders = (...ages: number[]) =>
      bootsOf(40, {
        varianceSeconds2: 100,
        orders: ages.map((age) => ({ orderedAtMs: at(-age), workers: 2 })),
      });
    // Boots take 23 to 57 s, each as likely as the other.
    expect(readyOfOrders(orders(0), startMs, 40)).toBeCloseTo(2 * 0.5);
    expect(readyOfOrders(orders(40), startMs, 10)).toBeCloseTo(2 * (10 / 17));
    expect(readyOfOrders(orders(0, 40), startMs, 10)).toBeCloseTo(2 * (10 / 17));
    expect(readyOfOrders(orders(60), startMs, 4.2)).toBeCloseTo(2 * 0.5);
    expect(readyOfOrders(orders(144), startMs, 60)).toBe(2);
    expect(readyOfOrders(orders(144.1), startMs, 60)).toBe(0);
  });

  test('orders are bounded, and none is forgotten', () => {
    const { boots } = follow(
      Array.from({ length: 100 }, (_, index) => [index + 1, 1] as const),
      0.1,
    );
    expect(boots.orders).toHaveLength(32);
    expect(boots.orders.reduce((sum, { workers }) => sum + workers, 0)).toBe(99);
  });
});
