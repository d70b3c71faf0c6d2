import { describe, expect, test } from 'vitest';
import { followCap, hasIdleSlots, type Capacity } from '../../../src/decision/learned/cap.ts';
import type { Bin, CapMemory } from '../../../src/decision/learned/memory.ts';
import { startMs } from '../../support/builders.ts';
import { bin, queueMemory } from '../../support/learned.ts';

const capacity = (known: Partial<Capacity> = {}): Capacity => ({
  nowMs: startMs,
  readyWorkers: 10,
  slotsPerWorker: 10,
  bootSeconds: 40,
  wanted: 20,
  ...known,
});

/** So many bins up to so many seconds ago. */
function bins(count: number, untilSecondsAgo: number, known: Partial<Bin>): Bin[] {
  return Array.from({ length: count }, (_, index) =>
    bin({ ...known, untilMs: startMs - (untilSecondsAgo + (count - 1 - index) * 5) * 1000 }),
  );
}

const full = (readyWorkers: number, completions: number) => ({
  readyWorkers,
  completions,
  isFull: true,
  peakActive: 10 * readyWorkers,
});

const cap = (known: Partial<CapMemory> = {}): CapMemory => ({
  workers: 4,
  why: 'no-gain',
  madeAtMs: startMs - 60_000,
  probeAfterSeconds: 60,
  heldBackSinceMs: null,
  wins: 0,
  probe: null,
  ...known,
});

describe('idle slots while jobs wait', () => {
  const idle = bins(12, 0, { peakActive: 20, readyWorkers: 10 });

  test('are seen when most slots were idle for a minute', () => {
    expect(hasIdleSlots(idle, 500, capacity())).toBe(true);
    expect(hasIdleSlots(idle, 50, capacity())).toBe(false);
    expect(hasIdleSlots([...idle, bin({ peakActive: 90 })], 500, capacity())).toBe(false);
    expect(hasIdleSlots(idle, 500, capacity({ readyWorkers: 1 }))).toBe(false);
  });

  test('are not those of a single worker, nor more than the jobs that wait', () => {
    const hardly = bins(12, 0, { peakActive: 2 });
    expect(hasIdleSlots(hardly, 500, capacity({ readyWorkers: 1 }))).toBe(false);
    expect(hasIdleSlots(idle, 100, capacity())).toBe(false);
    expect(hasIdleSlots(idle, 101, capacity())).toBe(true);
  });

  test('are most of them, at the busiest moment of the last minute', () => {
    const busiest = (peakActive: number) => bins(12, 0, { peakActive });
    expect(hasIdleSlots(busiest(69), 500, capacity())).toBe(true);
    expect(hasIdleSlots(busiest(70), 500, capacity())).toBe(false);
    const peak = (secondsAgo: number) => bins(1, secondsAgo, { peakActive: 90 });
    expect(hasIdleSlots([...peak(59), ...idle], 500, capacity())).toBe(false);
    expect(hasIdleSlots([...peak(60), ...idle], 500, capacity())).toBe(true);
  });

  test('cap the workers at those that were busy, once they last', () => {
    const since = (seconds: number) =>
      queueMemory({ bins: idle, idleSlotsSinceMs: startMs - seconds * 1000 });
    expect(followCap(since(10), capacity())).toBeNull();
    expect(followCap(since(15), capacity())).toMatchObject({ workers: 3, why: 'idle-slots' });
  });
});

describe('a throughput that does not grow with the workers', () => {
  const few = bins(10, 100, full(4, 100));

  test('caps them a little above the few', () => {
    const queue = queueMemory({ bins: [...few, ...bins(6, 0, full(10, 102))] });
    expect(followCap(queue, capacity())).toMatchObject({ workers: 5, why: 'no-gain' });
  });

  test('is not found where it grew', () => {
    const queue = queueMemory({ bins: [...few, ...bins(6, 0, full(10, 240))] });
    expect(followCap(queue, capacity())).toBeNull();
  });

  test('is not found while slots are free', () => {
    const queue = queueMemory({
      bins: [...few, ...bins(6, 0, { ...full(10, 102), isFull: false })],
    });
    expect(followCap(queue, capacity())).toBeNull();
  });

  test('is not found in the gap in which they became ready', () => {
    const rare = [bin({ ...full(4, 200), seconds: 60, untilMs: startMs - 60_000 })];
    const before = bin({ ...full(4, 200), seconds: 60, untilMs: startMs - 120_000 });
    const gap = bin({ ...full(10, 210), seconds: 60 });
    expect(followCap(queueMemory({ bins: [before, ...rare, gap] }), capacity())).toBeNull();
    // The next one was theirs from its beginning.
    const later = { ...capacity(), nowMs: startMs + 60_000 };
    const next = bin({ ...full(10, 210), seconds: 60, untilMs: later.nowMs });
    expect(followCap(queueMemory({ bins: [before, ...rare, gap, next] }), later)).toMatchObject({
      why: 'no-gain',
    });
  });

  const found = (history: readonly Bin[], known: Partial<Capacity> = {}) =>
    followCap(queueMemory({ bins: history }), capacity(known));

  test('must be certain, as far as counts can be', () => {
    // 645 jobs against 900 at 1.29 times the rate: with 2.3 standard deviations 1.44 times, of 2.5 times the workers.
    expect(found([...few, ...bins(6, 0, full(10, 129))])).toMatchObject({ workers: 6 });
    expect(found([...few, ...bins(6, 0, full(10, 130))])).toBeNull();
  });

  test('is not found in a few jobs', () => {
    const counts = (manyJobs: number) =>
      found([...bins(10, 100, full(4, 20)), ...bins(6, 0, full(10, manyJobs))]);
    expect(counts(20)).toMatchObject({ why: 'no-gain' });
    expect(counts(19)).toBeNull();
    const many = bins(18, 0, full(10, 6));
    expect(found([...bins(6, 100, full(4, 10)), ...many])).toMatchObject({ workers: 3 });
    expect(found([...bins(8, 100, full(4, 7)), ...many])).toBeNull();
  });

  test('is not found in less than 25 seconds', () => {
    expect(found([...few, ...bins(5, 0, full(10, 102))])).toBeNull();
  });

  test('is that of the last minute and a half', () => {
    const before = bins(2, 90, full(10, 1_000));
    const lately = bins(18, 0, full(10, 102));
    expect(found([...few, ...before, ...lately])).toMatchObject({ workers: 5 });
  });

  test('is compared with half the workers or fewer, while they were busy', () => {
    const many = bins(6, 0, full(10, 102));
    expect(found([...bins(10, 100, full(5, 100)), ...many])).toMatchObject({ workers: 6 });
    expect(found([...bins(10, 100, full(6, 100)), ...many])).toBeNull();
    expect(found([...bins(10, 100, { ...full(4, 100), isFull: false }), ...many])).toBeNull();
    const two = [...bins(10, 100, full(1, 100)), ...bins(6, 0, full(2, 102))];
    expect(found(two, { readyWorkers: 2 })).toMatchObject({ workers: 2 });
  });

  test('is not found once slots are free again', () => {
    const free = bin({ ...full(10, 102), isFull: false });
    expect(found([...few, ...bins(6, 5, full(10, 102)), free])).toBeNull();
  });
});

describe('a cap', () => {
  test('is tried with half as many workers again after it has held some back for a minute', () => {
    const queue = queueMemory({ bins: bins(6, 0, full(4, 100)) });
    const held = followCap({ ...queue, cap: cap() }, capacity({ readyWorkers: 4 }));
    expect(held).toMatchObject({ workers: 4, heldBackSinceMs: startMs, probe: null });
    const long = cap({ heldBackSinceMs: startMs - 60_000 });
    expect(followCap({ ...queue, cap: long }, capacity({ readyWorkers: 4 }))).toMatchObject({
      workers: 6,
      probe: { fromWorkers: 4, completionsPerSecond: 20 },
    });
  });

  test('is not tried sooner, however often it is looked at', () => {
    const held = cap({ heldBackSinceMs: startMs - 59_000 });
    const queue = queueMemory({ bins: bins(6, 0, full(4, 100)), cap: held });
    expect(followCap(queue, capacity({ readyWorkers: 4 }))).toEqual(held);
  });

  test('gives way to a lower one, which is tried as seldom', () => {
    const queue = queueMemory({
      bins: [...bins(10, 100, full(4, 100)), ...bins(6, 0, full(10, 102))],
    });
    const after = (workers: number) =>
      followCap({ ...queue, cap: cap({ workers, probeAfterSeconds: 240 }) }, capacity());
    expect(after(8)).toMatchObject({ workers: 5, probeAfterSeconds: 240, madeAtMs: startMs });
    expect(after(5)).toMatchObject({ workers: 5, madeAtMs: startMs - 60_000 });
    expect(after(3)).toMatchObject({ workers: 3, madeAtMs: startMs - 60_000 });
  });

  test('is tried against nothing when nothing is known', () => {
    const long = cap({ heldBackSinceMs: startMs - 60_000 });
    const tried = followCap(queueMemory({ cap: long }), capacity());
    expect(tried?.probe).toMatchObject({ completionsPerSecond: 0 });
  });

  test('is tried against a throughput that can be stored, however close two looks are', () => {
    const bursts = bins(6, 0, { ...full(4, 1e15), seconds: 1e-6 });
    const long = cap({ heldBackSinceMs: startMs - 60_000 });
    const tried = followCap(queueMemory({ bins: bursts, cap: long }), capacity());
    expect(tried?.probe?.completionsPerSecond).toBe(1e6);
  });

  test('is not tried while nobody is held back', () => {
    const idle = queueMemory({ cap: cap({ heldBackSinceMs: startMs - 600_000 }) });
    for (const wanted of [3, 4])
      expect(followCap(idle, capacity({ wanted }))).toMatchObject({
        workers: 4,
        heldBackSinceMs: null,
        probe: null,
      });
  });

  const probing = (wins = 0) =>
    cap({
      workers: 6,
      heldBackSinceMs: startMs - 130_000,
      wins,
      probe: { startedAtMs: startMs - 70_000, fromWorkers: 4, completionsPerSecond: 20 },
    });
  const after = (completions: number) => bins(7, 0, full(6, completions));

  test('that a trial does not beat is set again, and tried half as often', () => {
    const queue = queueMemory({ cap: probing(), bins: after(101) });
    expect(followCap(queue, capacity({ readyWorkers: 6 }))).toMatchObject({
      workers: 4,
      probeAfterSeconds: 120,
      probe: null,
    });
  });

  test('is raised when the throughput follows, and dropped the second time', () => {
    const won = queueMemory({ cap: probing(), bins: after(148) });
    expect(followCap(won, capacity({ readyWorkers: 6 }))).toMatchObject({
      workers: 6,
      wins: 1,
      probe: null,
    });
    expect(followCap({ ...won, cap: probing(1) }, capacity({ readyWorkers: 6 }))).toBeNull();
  });

  test('is raised when half of what the workers could add is added', () => {
    const judged = (completions: number) =>
      followCap(
        queueMemory({ cap: probing(), bins: after(completions) }),
        capacity({ readyWorkers: 6 }),
      );
    expect(judged(125)).toMatchObject({ workers: 6 });
    expect(judged(124)).toMatchObject({ workers: 4 });
    // Of five workers, where no more are wanted, half as much is asked.
    const five = queueMemory({ cap: probing(), bins: bins(7, 0, full(5, 115)) });
    const wanted = capacity({ readyWorkers: 5, wanted: 5 });
    expect(followCap(five, wanted)).toMatchObject({ workers: 6, wins: 1 });
  });

  test('is judged by what the added workers did, from the beginning of the trial', () => {
    const judged = (earlier: readonly Bin[], known: Partial<CapMemory> = {}) =>
      followCap(
        queueMemory({ cap: { ...probing(), ...known }, bins: [...earlier, ...after(101)] }),
        capacity({ readyWorkers: 6 }),
      );
    const straddling = bin({ ...full(6, 6_000), seconds: 60, untilMs: startMs - 35_000 });
    expect(judged([...bins(2, 95, full(6, 1_000)), straddling])).toMatchObject({ workers: 4 });
    expect(judged(bins(6, 35, full(4, 1_000)))).toMatchObject({ workers: 4 });
    const none = { startedAtMs: startMs - 70_000, fromWorkers: 4, completionsPerSecond: 0 };
    expect(judged([], { probe: none })).toMatchObject({ workers: 4 });
  });

  test('is being tried until there is something to judge by, and three boots long at most', () => {
    const since = (seconds: number) => {
      const probe = { startedAtMs: startMs - seconds * 1000, fromWorkers: 4 };
      return { ...probing(), probe: { ...probe, completionsPerSecond: 20 } };
    };
    const followed = (seconds: number) =>
      followCap(
        queueMemory({ cap: since(seconds), bins: bins(6, 150, full(4, 100)) }),
        capacity({ readyWorkers: 4 }),
      );
    expect(followed(70)).toEqual(since(70));
    expect(followed(149)).toEqual(since(149));
    expect(followed(150)).toMatchObject({ workers: 4, probeAfterSeconds: 120, probe: null });
  });

  test('is set again when nobody wants more before the trial is over', () => {
    const queue = queueMemory({ cap: probing(), bins: [] });
    for (const wanted of [1, 4])
      expect(followCap(queue, capacity({ wanted }))).toMatchObject({
        workers: 4,
        probeAfterSeconds: 60,
        probe: null,
      });
  });

  test('is forgotten after two hours', () => {
    const old = queueMemory({ cap: cap({ madeAtMs: startMs - 7_300_000 }) });
    expect(followCap(old, capacity())).toBeNull();
  });
});
