import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clairvoyantDynoSeconds } from '../../src/simulator/oracle.ts';
import { openEnvironment, type Trace, type TraceJob } from '../../src/simulator/trace.ts';

const settings = {
  minWorkers: 0,
  maxWorkers: 50,
  targetWaitSeconds: 120,
  concurrency: 1,
  bootMeanSeconds: 36,
};

describe('the clairvoyant bound', () => {
  it('serves a batch with as few dynos as the deadline allows, 1 % of the jobs after it', async () => {
    const trace = traceOf(0, batch(0, 1_200, 1));
    // Started by 120 s, the jobs are done by the end of the 13th step of 10 s: 1188 s of work in 130 s, 12 s later on.
    const dynos = 1_188 / 130;
    expect(await clairvoyantDynoSeconds(trace, settings)).toBeCloseTo(1_200 + 36 * dynos, 3);
  });

  it('uses a dyno that is paid for anyway', async () => {
    const trace = traceOf(600, batch(0, 1_200, 1));
    const more = 1_188 / 130 - 1;
    const bound = await clairvoyantDynoSeconds(trace, { ...settings, minWorkers: 1 });
    expect(bound).toBeCloseTo(600 + (130 + 36) * more, 3);
  });

  it('excuses a job once only', async () => {
    const trace = traceOf(0, [...batch(0, 600, 1), ...batch(2_000, 600, 1)]);
    // The 12 s of excused work last from one batch to the other, so that a fraction of a dyno need not boot again.
    const dynos = 1_188 / 130 - 12 / 1_870;
    expect(await clairvoyantDynoSeconds(trace, settings)).toBeCloseTo(1_200 + 36 * dynos, 3);
  });

  it('runs no job before it arrives', async () => {
    const trace = traceOf(1_000, batch(900, 100, 10));
    const bound = await clairvoyantDynoSeconds(trace, { ...settings, minWorkers: 1 });
    // 990 s of work by 1030 s, which is 130 s from the arrival; the dyno that is always there does 130 s of them.
    const more = 990 / 130 - 1;
    // The last 10 s of work are left for after the deadline, beyond the horizon.
    expect(bound).toBeCloseTo(1_030 + (130 + 36) * more + 10, 3);
  });

  it('keeps separate slots for each queue', async () => {
    const mail = batch(0, 1_200, 1);
    const both = [...mail, ...mail.map((job) => ({ ...job, queue: 'render' }))];
    const alone = await clairvoyantDynoSeconds(traceOf(0, mail), settings);
    const trace = { ...traceOf(0, both), queues: ['default', 'render'] };
    expect(await clairvoyantDynoSeconds(trace, settings)).toBeCloseTo(alone, 3);
  });

  it('holds no job up until its deadline when that would not be cheaper', async () => {
    const trace = traceOf(3_600, batch(0, 7_200, 1, 3_600));
    const bound = await clairvoyantDynoSeconds(trace, { ...settings, minWorkers: 1 });
    expect(bound).toBeGreaterThan(7_200);
    expect(bound).toBeLessThan(7_200 + 36);
  });

  it('says so when the workers are too few', async () => {
    const trace = traceOf(0, batch(0, 1_200, 1));
    const bound = clairvoyantDynoSeconds(trace, { ...settings, maxWorkers: 9 });
    await expect(bound).rejects.toThrow('9 workers are too few for 99 % within 120 s');
  });

  it('is never above what a pool of one size costs that starts every job in time', async () => {
    const jobs = fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 900, noNaN: true }),
        seconds: fc.double({ min: 0.01, max: 300, noNaN: true }),
      }),
      { minLength: 1, maxLength: 60 },
    );
    const check = fc.asyncProperty(jobs, fc.integer({ min: 1, max: 3 }), async (some, slots) => {
      const trace = traceOf(600, some.map(({ at, seconds }) => job(at, seconds)).sort(byArrival));
      const bound = await clairvoyantDynoSeconds(trace, { ...settings, concurrency: slots });
      const work = some.reduce((sum, { seconds }) => sum + seconds, 0);
      const { dynos, endSeconds } = smallestPool(trace, slots);
      expect(bound).toBeGreaterThan(work / slots);
      expect(bound).toBeLessThan(dynos * (Math.ceil(endSeconds / 10) * 10 + 36) + 0.001);
    });
    await fc.assert(check, { numRuns: 60, seed: 7 });
  });
});

function batch(atSeconds: number, count: number, serviceSeconds: number, overSeconds = 0) {
  return Array.from({ length: count }, (_, index) =>
    job(atSeconds + (index / count) * overSeconds, serviceSeconds),
  );
}

function job(arrivalSeconds: number, serviceSeconds: number): TraceJob {
  const known = { knownAtSeconds: arrivalSeconds, queue: 'default', name: 'job' };
  return { arrivalSeconds, serviceSeconds, ...known };
}

function byArrival(one: TraceJob, other: TraceJob): number {
  return one.arrivalSeconds - other.arrivalSeconds;
}

function traceOf(horizonSeconds: number, jobs: readonly TraceJob[]): Trace {
  return {
    name: 'test',
    queues: ['default'],
    horizonSeconds,
    meanServiceSeconds: 1,
    environment: openEnvironment,
    jobs: () => jobs,
  };
}

/** First come, first served, by a number of dynos that never changes. */
function smallestPool(trace: Trace, concurrency: number) {
  for (let dynos = 1; ; dynos++) {
    const freeAt = Array.from({ length: dynos * concurrency }, () => 0);
    let isInTime = true;
    for (const { arrivalSeconds, serviceSeconds } of trace.jobs()) {
      const soonest = Math.min(...freeAt);
      const start = Math.max(arrivalSeconds, soonest);
      freeAt[freeAt.indexOf(soonest)] = start + serviceSeconds;
      isInTime &&= start <= arrivalSeconds + settings.targetWaitSeconds;
    }
    if (isInTime) return { dynos, endSeconds: Math.max(...freeAt) };
  }
}
