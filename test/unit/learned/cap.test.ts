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

  test('is not found in a few jobs', () => {
    const queue = queueMemory({ bins: [...bins(10, 100, full(4, 4)), ...bins(6, 0, full(10, 4))] });
    expect(followCap(queue, capacity())).toBeNull();
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

  test('is tried against a throughput that can be stored, however close two looks are', () => {
    const bursts = bins(6, 0, { ...full(4, 1e15), seconds: 1e-6 });
    const long = cap({ heldBackSinceMs: startMs - 60_000 });
    const tried = followCap(queueMemory({ bins: bursts, cap: long }), capacity());
    expect(tried?.probe?.completionsPerSecond).toBe(1e6);
  });

  test('is not tried while nobody is held back', () => {
    const idle = queueMemory({ cap: cap({ heldBackSinceMs: startMs - 600_000 }) });
    expect(followCap(idle, capacity({ wanted: 3 }))).toMatchObject({
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

  test('is being tried until there is something to judge by', () => {
    const queue = queueMemory({ cap: probing(), bins: bins(6, 70, full(4, 100)) });
    expect(followCap(queue, capacity({ readyWorkers: 4 }))).toEqual(probing());
  });

  test('is set again when nobody wants more before the trial is over', () => {
    const queue = queueMemory({ cap: probing(), bins: [] });
    expect(followCap(queue, capacity({ wanted: 1 }))).toMatchObject({
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
