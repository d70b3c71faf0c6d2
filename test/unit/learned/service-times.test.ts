import { describe, expect, test } from 'vitest';
import type { ServiceMemory } from '../../../src/decision/learned/memory.ts';
import {
  boundedServices,
  learnServiceTimes,
  serviceTimes,
} from '../../../src/decision/learned/service-times.ts';
import type { FinishedJob } from '../../../src/decision/types.ts';
import { reading, startMs } from '../../support/builders.ts';
import { ended, running } from '../../support/learned.ts';

const flow = { seconds: 5, arrivals: 0, completions: 0, busySeconds: 0 };
const noFlow = flow;

function learnFrom(
  looks: readonly (readonly FinishedJob[])[],
  completions = 0,
): readonly ServiceMemory[] {
  return looks.reduce<readonly ServiceMemory[]>(
    (known, finished) =>
      learnServiceTimes(known, reading({ finished }), { ...flow, completions }, startMs),
    [],
  );
}

const many = (seconds: number, name: string | null = 'mail') =>
  Array.from({ length: 50 }, () => ended(seconds, name));

describe('service times', () => {
  test('nothing known is guessed from the prior, and guessed higher', () => {
    const { meanSeconds } = serviceTimes([], [], 6, startMs);
    expect(meanSeconds).toBeCloseTo(6 * 1.6);
  });

  test('names are told apart', () => {
    const times = serviceTimes(
      learnFrom([many(0.5), many(0.5), many(20, 'report')]),
      [],
      6,
      startMs,
    );
    expect(times.of('mail').meanSeconds).toBeCloseTo(0.5, 0);
    expect(times.of('report').meanSeconds).toBeGreaterThan(15);
  });

  test('an unknown name on a known queue is taken for one like the others', () => {
    const times = serviceTimes(learnFrom([many(2), many(2), many(2), many(2)]), [], 60, startMs);
    expect(times.of('new').meanSeconds).toBeGreaterThan(1.9);
    expect(times.of('new').meanSeconds).toBeLessThan(4);
  });

  test('old jobs are forgotten as new ones end', () => {
    const slow = Array.from({ length: 20 }, () => many(10));
    const fast = Array.from({ length: 20 }, () => many(1));
    const times = serviceTimes(learnFrom([...slow, ...fast]), [], 6, startMs);
    expect(times.of('mail').meanSeconds).toBeCloseTo(1, 0);
  });

  test('jobs that run on without an end raise the estimate', () => {
    const known = learnFrom([many(1)]);
    const fresh = serviceTimes(known, [running(1)], 6, startMs).of('mail').meanSeconds;
    const late = serviceTimes(
      known,
      Array.from({ length: 10 }, () => running(300)),
      6,
      startMs,
    );
    expect(late.of('mail').meanSeconds).toBeGreaterThan(10 * fresh);
  });

  test('running jobs of the usual age raise nothing', () => {
    const known = learnFrom([many(10), many(10), many(10), many(10)]);
    const idle = serviceTimes(known, [], 6, startMs).of('mail').meanSeconds;
    const busy = serviceTimes(
      known,
      Array.from({ length: 100 }, () => running(5)),
      6,
      startMs,
    );
    expect(busy.of('mail').meanSeconds).toBe(idle);
  });

  test('a queue of which only counts are known learns slot-seconds ÷ completions', () => {
    const counts = { ...flow, completions: 100, busySeconds: 250 };
    const known = [1, 2, 3, 4].reduce<readonly ServiceMemory[]>(
      (before) => learnServiceTimes(before, reading(), counts, startMs),
      [],
    );
    expect(serviceTimes(known, [], 60, startMs).meanSeconds).toBeCloseTo(2.5, 1);
  });

  test('slot-seconds without an end raise the estimate of counts', () => {
    const before = learnServiceTimes(
      [],
      reading(),
      { ...flow, completions: 50, busySeconds: 50 },
      startMs,
    );
    const after = learnServiceTimes(before, reading(), { ...flow, busySeconds: 500 }, startMs);
    expect(serviceTimes(after, [], 6, startMs).meanSeconds).toBeGreaterThan(5);
  });

  test('counts are of no use once jobs are told of one by one, nor when nothing happened', () => {
    const known = learnFrom([many(1)]);
    const counts = { ...flow, completions: 10, busySeconds: 500 };
    expect(learnServiceTimes(known, reading(), counts, startMs)).toBe(known);
    expect(learnServiceTimes([], reading(), noFlow, startMs)).toEqual([]);
    const even = { ...flow, completions: 50, busySeconds: 50 };
    expect(learnServiceTimes([], reading(), even, startMs)).toMatchObject([
      { jobName: null, busySeconds: 50, completions: 50, seen: 50, recentSeconds: [] },
    ]);
  });

  test('jobs count for their name and for the queue as a whole', () => {
    const finished = [ended(1.2346, 'a'), ended(2, 'b')];
    const counts = { ...flow, completions: 800 };
    expect(learnServiceTimes([], reading({ finished }), counts, startMs)).toMatchObject([
      { jobName: null, completions: 2, seen: 800, recentSeconds: [1.235, 2] },
      { jobName: 'a', busySeconds: 1.2346, completions: 1, seen: 400, recentSeconds: [1.235] },
      { jobName: 'b', busySeconds: 2, completions: 1, seen: 400, recentSeconds: [2] },
    ]);
  });

  test('what is old weighs less by every job that ends and by the time until then', () => {
    const [old] = learnFrom([many(1)]);
    if (old === undefined) throw new Error('nothing was learned');
    const anHourAgo = { ...old, usedAtMs: startMs - 3_600_000 };
    const finished = Array.from({ length: 200 }, () => ended(2));
    const [whole] = learnServiceTimes([anHourAgo], reading({ finished }), noFlow, startMs);
    expect(whole?.busySeconds).toBeCloseTo(50 * Math.exp(-2) + 400);
    expect(whole?.completions).toBeCloseTo(50 * Math.exp(-2) + 200);
  });

  test('time alone makes nothing less certain', () => {
    const [old] = learnServiceTimes([], reading(), { ...flow, completions: 9, busySeconds: 9 }, 0);
    if (old === undefined) throw new Error('nothing was learned');
    const running = { ...flow, busySeconds: 20 };
    const [whole] = learnServiceTimes([old], reading(), running, 36_000_000);
    expect(whole).toMatchObject({ busySeconds: 29, completions: 9 });
  });

  test('the last 32 jobs of a name are told, in the order in which they ended', () => {
    const upTo = (first: number, last: number) =>
      Array.from({ length: last - first + 1 }, (_, index) => ended(first + index));
    const numbers = upTo(9, 40).map(({ durationSeconds }) => durationSeconds);
    for (const looks of [[upTo(1, 40)], [upTo(1, 20), upTo(21, 40)]]) {
      const times = serviceTimes(learnFrom(looks), [], 6, startMs);
      expect(times.of('mail')).toMatchObject({ recentSeconds: numbers, longestSeconds: 40 });
      expect(times.of('new')).toMatchObject({ recentSeconds: numbers, longestSeconds: 40 });
    }
    const nothing = serviceTimes([], [], 6, startMs).of('mail');
    expect(nothing).toMatchObject({ recentSeconds: [], longestSeconds: 0 });
  });

  test('each running job counts, named or not, but for those that do not say since when', () => {
    const known = learnFrom([many(1), many(1, null)]);
    const meanOf = (jobName: string | null, ...jobs: Parameters<typeof running>[1][]) =>
      serviceTimes(
        known,
        jobs.map((job) => running(300, job)),
        6,
        startMs,
      ).of(jobName).meanSeconds;
    expect(meanOf('mail', { jobName: 'mail' })).toBeGreaterThan(meanOf('mail') + 4);
    expect(meanOf(null, { jobName: null })).toBeGreaterThan(meanOf(null) + 4);
    expect(meanOf('mail', { startedAtMs: null })).toBe(meanOf('mail'));
  });

  test('jobs that were seen but are all forgotten are guessed from the prior', () => {
    const forgotten = {
      ...serviceOfAge(1),
      jobName: null,
      busySeconds: 0,
      completions: 0,
      seen: 1e6,
    };
    expect(serviceTimes([forgotten], [], 6, startMs).meanSeconds).toBe(6);
  });

  test('a sample of many ended jobs is trusted as if all had been looked at', () => {
    const few = serviceTimes(learnFrom([[ended(0.03)]], 1), [], 12, startMs).of('mail').meanSeconds;
    const sampled = serviceTimes(learnFrom([[ended(0.03)]], 800), [], 12, startMs).of(
      'mail',
    ).meanSeconds;
    expect(few).toBeGreaterThan(5);
    expect(sampled).toBeLessThan(0.1);
  });

  test('jobs without a name are kept together', () => {
    const times = serviceTimes(
      learnFrom([many(3, null), many(3, null), many(3, null)]),
      [],
      6,
      startMs,
    );
    expect(times.of(null).meanSeconds).toBeCloseTo(3, 0);
  });

  test('a job that ended before it began took no time', () => {
    const [whole] = learnServiceTimes([], reading({ finished: [ended(-5)] }), noFlow, startMs);
    expect(whole?.busySeconds).toBe(0);
  });

  test('of each name the last jobs are remembered, and of all names the ones used last', () => {
    const known = learnFrom(Array.from({ length: 300 }, (_, index) => [ended(1, `name ${index}`)]));
    expect(boundedServices(known)).toHaveLength(200);
    expect(
      learnFrom([many(1), many(2)]).every(({ recentSeconds }) => recentSeconds.length <= 32),
    ).toBe(true);
    const dated = [1, 2, 3].map(serviceOfAge);
    const kept = boundedServices([...known, ...dated]).map(({ jobName }) => jobName);
    expect(kept.slice(0, 3)).toEqual(['age 1', 'age 2', 'age 3']);
    const few = known.slice(0, 200);
    expect(boundedServices(few)).toBe(few);
  });
});

function serviceOfAge(age: number): ServiceMemory {
  return {
    queue: 'emails',
    jobName: `age ${age}`,
    busySeconds: 1,
    completions: 1,
    seen: 1,
    recentSeconds: [],
    usedAtMs: startMs + 10 - age,
  };
}
