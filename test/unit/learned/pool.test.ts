import { describe, expect, test } from 'vitest';
import { nothingLearned, type LearnedMemory } from '../../../src/decision/learned/memory.ts';
import { followPool } from '../../../src/decision/learned/pool.ts';
import type { Observation, Policy, QueueReading } from '../../../src/decision/types.ts';
import { observation, policy, reading, startMs } from '../../support/builders.ts';

const wishes = policy({ leading: 'learned', intervalSeconds: 5, continuitySeconds: 20 });

/** Workers and a queue as seen this many seconds after the start. */
function seenAt(
  seconds: number,
  known: {
    readonly workers?: number | null;
    readonly readyWorkers?: number | null;
    readonly concurrency?: number | null;
    readonly queues?: readonly Partial<QueueReading>[];
  } = {},
): Observation {
  const { workers = 4, readyWorkers = 4, concurrency = null, queues = [{}] } = known;
  return observation(0, {
    observedAtMs: startMs + seconds * 1000,
    currentWorkers: workers,
    workers: { readyWorkers, concurrency, protection: 'drain', handedBackJobs: null },
    queues: queues.map(reading),
  });
}

/** The memory of a pool of four workers that was last looked at at the start, and watched for a minute before. */
const watched = (known: Partial<LearnedMemory> = {}): LearnedMemory => ({
  ...nothingLearned,
  seenAtMs: startMs,
  watchedSinceMs: startMs - 60_000,
  workers: 4,
  ...known,
});

const follow = (seen: Observation, memory = watched(), asked: Policy = wishes) =>
  followPool(seen, asked, memory, 0);

describe('looks at a pool', () => {
  test('are continued when the gap between two is no longer than half a minute, or than allowed', () => {
    const gap = (seconds: number, continuitySeconds: number) =>
      follow(seenAt(seconds), watched(), { ...wishes, continuitySeconds });
    for (const [allowed, longest] of [[20, 30] as const, [40, 40] as const]) {
      expect(gap(longest, allowed)).toMatchObject({
        ...{ gapSeconds: longest, continuitySeconds: longest, watchedSinceMs: startMs - 60_000 },
      });
      expect(gap(longest + 1, allowed)).toMatchObject({
        ...{ gapSeconds: 5, watchedSinceMs: startMs + (longest + 1) * 1000 },
      });
    }
  });

  test('that come at the same moment are an interval apart, as far as anybody can tell', () => {
    expect(follow(seenAt(0))).toMatchObject({
      ...{ gapSeconds: 5, watchedSinceMs: startMs - 60_000 },
    });
  });

  test('begin anew when the clock was set back, or nobody looked before', () => {
    expect(follow(seenAt(-3))).toMatchObject({ gapSeconds: 5, watchedSinceMs: startMs - 3_000 });
    expect(follow(seenAt(7), nothingLearned)).toMatchObject({
      ...{ gapSeconds: 5, watchedSinceMs: startMs + 7_000 },
    });
  });

  test('that are the first to be continued have been going on since now', () => {
    expect(follow(seenAt(5), watched({ watchedSinceMs: null })).watchedSinceMs).toBe(
      startMs + 5_000,
    );
  });

  test('order what is new since the look before, or now when that is too long ago', () => {
    const more = { workers: 6, readyWorkers: 4 };
    expect(follow(seenAt(30, more)).boots.orders).toEqual([{ orderedAtMs: startMs, workers: 2 }]);
    expect(follow(seenAt(31, more)).boots.orders).toEqual([
      { orderedAtMs: startMs + 31_000, workers: 2 },
    ]);
  });

  test('come sooner again while jobs wait', () => {
    const asked = { ...wishes, intervalSeconds: 60 };
    expect(follow(seenAt(5), watched(), asked).nextLookSeconds).toBe(60);
    const waiting = seenAt(5, { queues: [{ readyJobs: 1 }] });
    expect(follow(waiting, watched(), asked).nextLookSeconds).toBe(10);
  });
});

describe('the workers of a pool', () => {
  test('are as many as the platform was last known to have when it does not say', () => {
    expect(follow(seenAt(5, { workers: 0, readyWorkers: 0 })).workers).toBe(0);
    expect(follow(seenAt(5, { workers: null })).workers).toBe(4);
    const unknown = watched({ workers: null });
    expect(follow(seenAt(5, { workers: null, readyWorkers: 3 }), unknown).workers).toBe(3);
    expect(follow(seenAt(5, { workers: null, readyWorkers: null }), unknown).workers).toBe(0);
  });

  test('are new to nobody who did not know how many there were', () => {
    const seen = seenAt(5, { workers: 6, readyWorkers: 6 });
    expect(follow(seen, watched({ workers: null })).boots).toEqual(nothingLearned.boots);
  });

  test('serve unless they drain', () => {
    expect(followPool(seenAt(5), wishes, watched(), 1).servingWorkers).toBe(3);
    expect(followPool(seenAt(5), wishes, watched(), 5).servingWorkers).toBe(0);
  });

  test('are ready when so many are needed to run what runs, although they give no sign', () => {
    const readyOf = (activeJobs: number, concurrency: number | null, memory = watched()) =>
      follow(
        seenAt(5, { workers: 14, readyWorkers: null, concurrency, queues: [{ activeJobs }] }),
        memory,
      ).readyWorkers;
    // Four were there before; ten were ordered a moment ago.
    expect(readyOf(0, 5)).toBe(4);
    expect(readyOf(31, 5)).toBe(7);
    expect(readyOf(31, null, watched({ slots: { perWorker: 5, reachedAtMs: startMs } }))).toBe(7);
    // A worker may have any number of slots as long as nobody knows better.
    expect(readyOf(31, null)).toBe(4);
    const fresh = watched({ workers: 0 });
    expect(readyOf(31, null, fresh)).toBe(1);
    expect(readyOf(0, null, fresh)).toBe(0);
  });

  test('are reckoned by what they are told to run at once, rather than by what workers say', () => {
    const seen = seenAt(5, { concurrency: 3 });
    expect(follow(seen, watched(), { ...wishes, concurrency: 7 }).slotsPerWorker).toBe(7);
    expect(follow(seen).slotsPerWorker).toBe(3);
  });
});

describe('how many slots a worker has', () => {
  const slots = (perWorker: number, reachedSecondsAgo = 0) => ({
    perWorker,
    reachedAtMs: startMs + 5_000 - reachedSecondsAgo * 1000,
  });
  /** Five seconds after the start, with so many jobs of the busiest queue running on four ready workers. */
  const learn = (activeJobs: number, known: Partial<LearnedMemory> = {}, readyWorkers = 4) =>
    follow(
      seenAt(5, { readyWorkers, queues: [{ activeJobs: 1 }, { activeJobs }] }),
      watched(known),
    );

  test('is one until somebody knows more', () => {
    expect(follow(seenAt(5))).toMatchObject({ slots: null, slotsPerWorker: 1 });
    expect(learn(3)).toMatchObject({ slots: null, slotsPerWorker: 1 });
  });

  test('is learned from the busiest queue', () => {
    expect(learn(20)).toMatchObject({ slots: slots(5), slotsPerWorker: 5 });
    expect(learn(23)).toMatchObject({ slots: slots(5), slotsPerWorker: 5 });
  });

  test('is the most that was reached, for an hour', () => {
    expect(learn(24, { slots: slots(5, 60) }).slots).toEqual(slots(6));
    expect(learn(20, { slots: slots(5, 60) }).slots).toEqual(slots(5));
    expect(learn(16, { slots: slots(5, 3_600) }).slots).toEqual(slots(5, 3_600));
    expect(learn(16, { slots: slots(5, 3_601) }).slots).toEqual(slots(4));
    expect(learn(0, { slots: slots(5, 3_601) }).slots).toEqual(slots(5, 3_601));
  });

  test('is not learned while workers boot, or none is there', () => {
    expect(learn(20, {}, 3)).toMatchObject({ slots: null, slotsPerWorker: 1 });
    const none = seenAt(5, { workers: 0, readyWorkers: 0, queues: [{ activeJobs: 20 }] });
    expect(follow(none, watched({ workers: 0 })).slots).toBeNull();
  });

  test('is not learned for 45 s after a removal, because running jobs outlive their workers', () => {
    const removed = learn(40, { workers: 8 });
    expect(removed).toMatchObject({ slots: null, scaledDownAtMs: startMs + 5_000 });
    expect(learn(40, { scaledDownAtMs: startMs - 40_000 }).slots).toBeNull();
    const settled = learn(20, { scaledDownAtMs: startMs - 40_001 });
    expect(settled).toMatchObject({ slots: slots(5), scaledDownAtMs: startMs - 40_001 });
  });
});
