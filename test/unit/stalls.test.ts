import { describe, expect, test } from 'vitest';
import { rememberStalls, stallingQueues, whyStalling } from '../../src/decision/stalls.ts';
import type { Memory } from '../../src/decision/types.ts';
import { observation, reading, startMs } from '../support/builders.ts';
import { counted } from '../support/learned.ts';

type Stall = Memory['stalls'][number];

/** A job that stalled so many seconds ago for the last time, and was first seen to. */
const stall = (job: string, secondsAgo: number, known: Partial<Stall> = {}): Stall => ({
  ...{ job, stalls: 1, endedJobs: 100, seenAtMs: startMs },
  ...{ sinceMs: startMs - secondsAgo * 1000, stalledAtMs: startMs - secondsAgo * 1000 },
  ...known,
});
const seen = (...queues: Parameters<typeof reading>[0][]) =>
  observation(0, { queues: queues.map(reading) });

describe('stalled jobs', () => {
  const now = (jobId: string, stalls: number) => seen({ stalledJobs: [{ jobId, stalls }] });

  test('are forgotten half an hour after they were last seen', () => {
    const [young, old] = [1799.9, 1800].map((secondsAgo) => [
      stall('emails:1', 9_000, { seenAtMs: startMs - secondsAgo * 1000 }),
    ]);
    expect(rememberStalls(seen({}), young ?? [])).toEqual(young);
    expect(rememberStalls(seen({}), old ?? [])).toEqual([]);
  });

  test('are new when nobody knew them, or when they stalled once more', () => {
    const known = stall('emails:1', 60, { stalls: 2, endedJobs: 5, seenAtMs: startMs - 60_000 });
    expect(rememberStalls(now('1', 2), [known])).toEqual([{ ...known, seenAtMs: startMs }]);
    expect(rememberStalls(now('1', 3), [known])).toEqual([
      { ...known, stalls: 3, stalledAtMs: startMs, seenAtMs: startMs },
    ]);
    // A count that is lower was read of a job that was added anew.
    expect(rememberStalls(now('1', 1), [known])).toEqual([{ ...known, seenAtMs: startMs }]);
    const first = { stalledJobs: [{ jobId: '7', stalls: 1 }], ...counted(40, 10) };
    expect(rememberStalls(seen(first), [])).toEqual([stall('emails:7', 0, { endedJobs: 30 })]);
    for (const unknown of [{ addedJobs: 40 }, { unfinishedJobs: 10 }])
      expect(
        rememberStalls(seen({ stalledJobs: first.stalledJobs, ...unknown }), [])[0]?.endedJobs,
      ).toBeNull();
  });

  test('that are known are followed also when no more can be remembered', () => {
    const full = Array.from({ length: 300 }, (_, index) => stall(`emails:${String(index)}`, 60));
    expect(rememberStalls(now('new', 1), full)).toEqual(full);
    expect(rememberStalls(now('7', 2), full)[7]).toMatchObject({ stalls: 2, stalledAtMs: startMs });
    expect(rememberStalls(now('new', 1), full.slice(1))).toHaveLength(300);
  });
});

describe('a queue', () => {
  const thrice = [stall('emails:1', 600), stall('emails:2', 300), stall('emails:3', 0)];
  const find = (stalls: Memory['stalls'], known: Parameters<typeof reading>[0] = counted(100, 0)) =>
    stallingQueues(seen({ queue: 'other' }, known), stalls);

  test('stalls when its jobs do at three moments a minute apart, in whatever order they are known', () => {
    expect(find(thrice)).toMatchObject([{ sinceMs: startMs - 600_000, isAll: true }]);
    const [one, two, three] = thrice as [Stall, Stall, Stall];
    expect(find([two, three, one])).toMatchObject([{ sinceMs: startMs - 600_000 }]);
    expect(find([stall('emails:1', 59), stall('emails:2', 30), stall('emails:3', 0)])).toEqual([]);
    expect(
      find([stall('emails:2', 60), stall('emails:1', 120), stall('emails:3', 0)]),
    ).toHaveLength(1);
    expect(find([three, stall('emails:4', 120), stall('emails:5', 60)])).toHaveLength(1);
    expect(find([])).toEqual([]);
  });

  test('stalls for half an hour', () => {
    const oldest = (secondsAgo: number) => [stall('emails:1', secondsAgo), ...thrice.slice(1)];
    expect(find(oldest(1799))).toHaveLength(1);
    expect(find(oldest(1800))).toEqual([]);
  });

  test('is told with its jobs, those that stalled most often first', () => {
    const often = [...thrice, stall('emails:4', 5, { stalls: 3 }), stall('other:1', 0)];
    expect(find(often)[0]?.jobs).toEqual([
      { jobId: '4', stalls: 3 },
      ...['1', '2', '3'].map((jobId) => ({ jobId, stalls: 1 })),
    ]);
  });

  test('stalls with all it does as long as no more jobs have ended than stalled', () => {
    const isAll = (known: Parameters<typeof reading>[0]) => find(thrice, known)[0]?.isAll;
    expect(isAll(counted(103, 0))).toBe(true);
    expect(isAll(counted(104, 0))).toBe(false);
    // A counter that went back was reset.
    expect(isAll(counted(99, 0))).toBe(false);
    expect(isAll({})).toBe(false);
    const uncounted = thrice.map((each) => ({ ...each, endedJobs: null }));
    expect(find(uncounted)[0]?.isAll).toBe(false);
  });

  test('is named with others', () => {
    const both = ['a', 'b'].map((queue) => ({ reading: reading({ queue }) }));
    expect(whyStalling(both)).toEqual(['jobs of a, b stall again and again']);
    expect(whyStalling([])).toEqual([]);
  });
});
