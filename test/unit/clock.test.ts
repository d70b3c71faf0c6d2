import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cronStep, isMultiple, startClock } from '../../src/clock.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

describe('the step of an interval', () => {
  test.each([
    [second, second, '*/1 * * * * *'],
    [15 * second, 15 * second, '*/15 * * * * *'],
    [90 * second, 30 * second, '*/30 * * * * *'],
    [10 * minute, 10 * minute, '0 */10 * * * *'],
    [45 * minute, 15 * minute, '0 */15 * * * *'],
    [90 * minute, 30 * minute, '0 */30 * * * *'],
    [8 * hour, 8 * hour, '0 0 */8 * * *'],
    [24 * hour, 24 * hour, '0 0 */24 * * *'],
    [1.5 * second, second, '* * * * * *'],
  ])('of %i ms is %i ms', (intervalMs, stepMs, pattern) => {
    expect(cronStep(intervalMs)).toMatchObject({ stepMs });
    if (stepMs !== second) expect(cronStep(intervalMs).pattern).toBe(pattern);
  });

  test.each([[90 * second], [45 * minute], [1.5 * second], [7.5 * minute], [hour]])(
    'lets as many ticks of %i ms through in a day as fit into it',
    (intervalMs) => {
      const { stepMs } = cronStep(intervalMs);
      const midnight = Date.UTC(2026, 0, 1);
      const steps = Array.from(
        { length: (24 * hour) / stepMs },
        (_, index) => midnight + index * stepMs,
      );
      const ticks = steps.filter((atMs) => isMultiple(atMs, intervalMs, stepMs));
      expect(ticks).toHaveLength((24 * hour) / intervalMs);
      expect(ticks[0]).toBe(midnight);
    },
  );
});

describe('a running clock', () => {
  const onStall = () => {
    throw new Error('no tick stalls');
  };
  const silent = {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    debug: () => undefined,
  };

  /** A clock whose ticks are counted, and do nothing else. */
  function startCounting(intervalMs: number) {
    let count = 0;
    const clock = startClock({
      ...{ name: 'test', intervalMs, logger: silent, onStall },
      onBug: (error) => {
        throw error;
      },
      tick() {
        count += 1;
        return Promise.resolve(null);
      },
    });
    return { clock, ticks: () => count };
  }

  test('ticks at once, then at the interval, and never twice at a time', async () => {
    let underWay = 0;
    const atOnce: number[] = [];
    const clock = startClock({
      name: 'test',
      intervalMs: second,
      logger: silent,
      onStall,
      onBug: (error) => {
        throw error;
      },
      async tick() {
        underWay += 1;
        atOnce.push(underWay);
        await sleep(atOnce.length === 1 ? 1_300 : 10);
        underWay -= 1;
        return null;
      },
    });
    await sleep(100);
    expect(atOnce[0]).toBe(1);
    await sleep(3_500);
    await clock.stop();
    const ticks = atOnce.length;
    expect(ticks).toBeGreaterThanOrEqual(2);
    expect(new Set(atOnce)).toEqual(new Set([1]));
    await sleep(1_500);
    expect(atOnce).toHaveLength(ticks);
  });

  test('ticks at once although no multiple of the interval is near', async () => {
    let ticks = 0;
    const clock = startClock({
      name: 'test',
      // Its pattern is every second, of which hardly one lets a tick through.
      intervalMs: hour + second,
      logger: silent,
      onStall,
      onBug: (error) => {
        throw error;
      },
      tick() {
        ticks += 1;
        return Promise.resolve(null);
      },
    });
    await expect.poll(() => ticks).toBe(1);
    await clock.stop();
  });

  test('leaves out the steps of its pattern that are no multiple of the interval', async () => {
    let ticks = 0;
    const intervalMs = 2.5 * second;
    const startedMs = performance.now();
    const clock = startClock({
      name: 'test',
      intervalMs,
      logger: silent,
      onStall,
      onBug: (error) => {
        throw error;
      },
      tick() {
        ticks += 1;
        return Promise.resolve(null);
      },
    });
    await sleep(6 * second);
    await clock.stop();
    const multiples = (performance.now() - startedMs) / intervalMs;
    expect(ticks).toBeGreaterThanOrEqual(2);
    // One at once, and one for each multiple that may lie in the time that passed; every second would be seven.
    expect(ticks).toBeLessThanOrEqual(2 + Math.floor(multiples));
  });

  test('ticks again before the interval is over when a tick asks for it, until one does not', async () => {
    let ticks = 0;
    const clock = startClock({
      name: 'test',
      intervalMs: hour,
      logger: silent,
      onStall,
      onBug: (error) => {
        throw error;
      },
      tick() {
        ticks += 1;
        return Promise.resolve(ticks < 4 ? 20 : null);
      },
    });
    await expect.poll(() => ticks).toBe(4);
    await sleep(200);
    await clock.stop();
    expect(ticks).toBe(4);
  });

  test('says that it stalls when a tick does not end for three intervals, however it was called', async () => {
    let ticks = 0;
    let stalls = 0;
    const clock = startClock({
      name: 'test',
      intervalMs: second,
      logger: silent,
      onStall: () => (stalls += 1),
      onBug: (error) => {
        throw error;
      },
      tick() {
        ticks += 1;
        return new Promise<never>(() => undefined);
      },
    });
    await sleep(1_500);
    // Somebody who asks for a tick meanwhile is no interval.
    for (let call = 0; call < 5; call += 1) clock.tickNow();
    expect(stalls).toBe(0);
    await expect.poll(() => stalls, { timeout: 5_000 }).toBe(1);
    await sleep(1_500);
    await clock.stop();
    expect({ ticks, stalls }).toEqual({ ticks: 1, stalls: 1 });
  });

  test('does not stall when each tick is late but ends', async () => {
    let stalls = 0;
    const clock = startClock({
      name: 'test',
      intervalMs: second,
      logger: silent,
      onStall: () => (stalls += 1),
      onBug: (error) => {
        throw error;
      },
      async tick() {
        await sleep(2_300);
        return null;
      },
    });
    await sleep(7_000);
    await clock.stop();
    expect(stalls).toBe(0);
  });

  test('ticks when it is asked to, and no more once it was stopped', async () => {
    const { clock, ticks } = startCounting(hour);
    await expect.poll(ticks).toBe(1);
    clock.tickNow();
    await expect.poll(ticks).toBe(2);
    await clock.stop();
    clock.tickNow();
    await sleep(50);
    expect(ticks()).toBe(2);
  });

  test('goes on ticking after the wall clock was set back by an hour', async () => {
    const { clock, ticks } = startCounting(second);
    await expect.poll(ticks, { timeout: 10_000 }).toBeGreaterThan(1);
    const ticksBefore = ticks();
    // Other tests go by the same clock, so it is set right also when this one fails.
    onTestFinished(setWallClock(-hour));
    await expect.poll(ticks, { timeout: 20_000 }).toBeGreaterThan(ticksBefore + 4);
    await clock.stop();
  }, 40_000);

  test('reports what a tick throws', async () => {
    const bug = await new Promise((resolve) => {
      const clock = startClock({
        name: 'test',
        intervalMs: hour,
        logger: silent,
        onStall,
        onBug: (error) => {
          void clock.stop().then(() => {
            resolve(error);
          });
        },
        tick: () => Promise.reject(new Error('a bug')),
      });
    });
    expect(bug).toEqual(new Error('a bug'));
  });
});

/** As an operator, or a machine that finds its time server, would; returns what undoes it. */
function setWallClock(byMs: number): () => void {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(at: number | string | Date = Real.now() + byMs) {
      super(at);
    }
    static override now = () => Real.now() + byMs;
  } as DateConstructor;
  return () => {
    globalThis.Date = Real;
  };
}
