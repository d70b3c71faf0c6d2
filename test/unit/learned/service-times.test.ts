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
    const dated = [1, 2, 3].map((age) => ({ ...many301(age) }));
    expect(boundedServices([...dated, ...known]).some(({ jobName }) => jobName === 'age 1')).toBe(
      true,
    );
  });
});

function many301(age: number): ServiceMemory {
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
