import { describe, expect, it } from 'vitest';
import type { QueueReading } from '../../src/decision/types.ts';
import type { PolicyKind, View } from '../../src/simulator/policy.ts';
import { findPolicy } from '../../src/simulator/policies/registry.ts';
import { scenarios } from '../../src/simulator/scenarios/catalogue.ts';
import type { TraceJob } from '../../src/simulator/trace.ts';
import { play, scripted, someSettings, traceOf } from '../support/simulation.ts';

/** The moment 0 of every run, in a clock's time. */
const beginningMs = Date.UTC(2026, 0, 5);

describe('dynos', () => {
  it('serve 31 s after the order, of which 30 s are the boot, and are paid for from the order', () => {
    const trace = traceOf([{ arrivalSeconds: 0, serviceSeconds: 5 }]);
    const { done, dynoSeconds, starts, actions, peakWorkers } = play(trace, scripted({ 0: 1 }));
    expect(done).toEqual([{ due: 0, wait: 31 }]);
    expect(dynoSeconds).toBe(36);
    expect({ starts, actions, peakWorkers }).toEqual({ starts: 1, actions: 1, peakWorkers: 1 });
  });

  it('boot in a time between the bounds, some sooner than others', () => {
    const policy = scripted({ 0: 10 });
    const boots = { bootSecondsMin: 20, bootSecondsMax: 60 };
    play(traceOf([], { horizonSeconds: 70 }), policy, boots);
    const up = [...policy.views.values()].map((view) => view.observation.workers.readyWorkers);
    expect([0, 20, 62].map((second) => up[second])).toEqual([0, 0, 10]);
    expect(new Set(up).size).toBeGreaterThan(5);
  });

  it('are paid for until the horizon while there is no work', () => {
    const trace = traceOf([], { horizonSeconds: 100 });
    expect(play(trace, scripted({}, { minWorkers: 2 })).dynoSeconds).toBe(200);
  });

  it('that run nothing are paid for until the order that removes them', () => {
    const trace = traceOf([], { horizonSeconds: 100 });
    const { dynoSeconds, starts } = play(trace, scripted({ 0: 1, 50: 0 }));
    expect({ dynoSeconds, starts }).toEqual({ dynoSeconds: 50, starts: 1 });
  });

  it('that are told to end first finish what ends within 30 s', () => {
    const trace = traceOf([{ arrivalSeconds: 31, serviceSeconds: 40 }], { horizonSeconds: 100 });
    const { dynoSeconds, kills, done } = play(trace, scripted({ 0: 1, 50: 0 }));
    expect({ dynoSeconds, kills, done }).toEqual({
      dynoSeconds: 71,
      kills: 0,
      done: [{ due: 31, wait: 0 }],
    });
  });

  it('leave from the highest number down', () => {
    const trace = traceOf([], { horizonSeconds: 60 });
    const policy = scripted({ 0: 3, 50: 2 });
    play(trace, policy);
    expect(policy.views.get(51)?.dynos.map(({ name }) => name)).toEqual(['worker.1', 'worker.2']);
  });

  it('that end before they booted never serve', () => {
    const trace = traceOf([{ arrivalSeconds: 0, serviceSeconds: 1 }]);
    const { done, dynoSeconds } = play(trace, scripted({ 0: 1, 10: 0, 20: 1 }));
    expect(done).toEqual([{ due: 0, wait: 51 }]);
    expect(dynoSeconds).toBe(10 + 32);
  });
});

describe('a job whose dyno is killed', () => {
  const long = traceOf([{ arrivalSeconds: 0, serviceSeconds: 200 }]);

  it('is killed 30 s after the order and begins anew when its lock has ended and it was found', () => {
    const { kills, lost, done, dynoSeconds } = play(long, scripted({ 0: 1, 40: 0, 71: 1 }));
    expect({ kills, lost }).toEqual({ kills: 1, lost: 0 });
    // Killed at 70; the lock ends 15 s to 30 s later, and the check comes up to 30 s after that, by a dyno up at 102.
    const [{ wait } = { wait: NaN }] = done;
    expect(wait).toBeGreaterThanOrEqual(102);
    expect(wait).toBeLessThanOrEqual(160);
    expect(dynoSeconds).toBeCloseTo(70 + (wait + 200 - 71), 3);
  });

  it('seems to run until its lock has ended, and then is an orphan', () => {
    const policy = scripted({ 0: 1, 40: 0, 71: 1 });
    play(long, policy);
    const states = [...policy.views.values()].map((view) => {
      const { readyJobs, activeJobs, orphanedJobs } = queueIn(view);
      return `${readyJobs} ready, ${activeJobs} active, ${orphanedJobs} orphaned`;
    });
    // Killed at 70, by a lock that ends 15 s to 30 s later.
    const orphanedAt = states.findIndex((state) => state.endsWith('1 orphaned'));
    expect(orphanedAt).toBeGreaterThan(85);
    expect(orphanedAt).toBeLessThanOrEqual(101);
    const inOrder = states.filter((state, place) => state !== states[place - 1]);
    expect(inOrder).toEqual([
      '1 ready, 0 active, 0 orphaned',
      '0 ready, 1 active, 0 orphaned',
      '0 ready, 0 active, 1 orphaned',
      '0 ready, 1 active, 0 orphaned',
    ]);
  });

  it('is lost when that happens again, and counts as late and as never started', () => {
    const orders = { 0: 1, 40: 0, 71: 1, 250: 0, 281: 1 };
    const { kills, lost, jobs, lateJobs, p50WaitSeconds } = play(
      traceOf([{ arrivalSeconds: 0, serviceSeconds: 1000 }], { horizonSeconds: 600 }),
      scripted(orders),
    );
    expect({ kills, lost, jobs, lateJobs }).toEqual({ kills: 2, lost: 1, jobs: 1, lateJobs: 1 });
    expect(p50WaitSeconds).toBe(600 + 86_400);
  });

  it('comes before those that waited behind it', () => {
    const trace = traceOf([
      { arrivalSeconds: 0, serviceSeconds: 500, name: 'killed' },
      { arrivalSeconds: 75, serviceSeconds: 500, name: 'first' },
      { arrivalSeconds: 76, serviceSeconds: 500, name: 'second' },
    ]);
    const policy = scripted({ 0: 1, 40: 0, 71: 1 });
    play(trace, policy);
    // worker.1 is back at 102 and takes the first; the killed one is next.
    expect(queueIn(policy.views.get(200)).readyJobNames).toEqual(['killed', 'second']);
  });
});

describe('a companion', () => {
  const companions = { protection: 'drain' as const };

  it('takes no more jobs once marked, and is drained when the last has ended', () => {
    const jobs = [31, 31, 37, 38].map((arrivalSeconds) => ({ arrivalSeconds, serviceSeconds: 12 }));
    const orders = { 0: 2, 34: { workers: 2, marked: ['worker.2'] }, 46: { workers: 1 } };
    const policy = scripted(orders, companions);
    const { kills, handedBack, done } = play(traceOf(jobs), policy);
    const stateAt = (second: number) =>
      policy.views.get(second)?.processes.find(({ dyno }) => dyno === 'worker.2')?.state;
    expect([34, 35, 42, 43].map(stateAt)).toEqual(['working', 'draining', 'draining', 'drained']);
    // worker.1 does the rest alone, one after the other.
    expect(done.map(({ wait }) => wait)).toEqual([0, 0, 6, 17]);
    expect({ kills, handedBack }).toEqual({ kills: 0, handedBack: 0 });
  });

  it('goes on when its mark is lifted', () => {
    const orders = {
      1: { workers: 2, marked: ['worker.1', 'worker.2'] },
      10: { workers: 2, marked: [] },
    };
    const policy = scripted(orders, { ...companions, minWorkers: 2 });
    const { done } = play(traceOf([{ arrivalSeconds: 5, serviceSeconds: 1 }]), policy);
    expect(done).toEqual([{ due: 5, wait: 5 }]);
  });

  it('that goes in the moment in which its mark is lifted takes no job along', () => {
    const jobs = [40, 45].map((arrivalSeconds) => ({ arrivalSeconds, serviceSeconds: 50 }));
    const orders = {
      0: 2,
      35: { workers: 2, marked: ['worker.2'] },
      46: { workers: 1, marked: [] },
    };
    const { handedBack, done } = play(traceOf(jobs), scripted(orders, companions));
    expect(handedBack).toBe(0);
    expect(done.map(({ wait }) => wait)).toEqual([0, 45]);
  });

  it('hands back what still runs 20 s after it was told to end, which is no kill', () => {
    const trace = traceOf([{ arrivalSeconds: 31, serviceSeconds: 60 }]);
    const policy = scripted({ 0: 1, 41: 0, 42: 1 }, companions);
    const { kills, handedBack, done } = play(trace, policy);
    expect({ kills, handedBack }).toEqual({ kills: 0, handedBack: 1 });
    // Told at 41, back at 61, and taken by the dyno that was ordered at 42 and is up at 73.
    expect(done).toEqual([{ due: 31, wait: 42 }]);
  });

  it('that only others have is not heard of, and a mark means nothing', () => {
    const policy = scripted({ 1: { workers: 1, marked: ['worker.1'] } }, { minWorkers: 1 });
    const { done } = play(traceOf([{ arrivalSeconds: 5, serviceSeconds: 1 }]), policy);
    expect(done).toEqual([{ due: 5, wait: 0 }]);
    expect(policy.views.get(3)?.processes).toEqual([]);
    expect(policy.views.get(3)?.observation.workers).toEqual({
      readyWorkers: 1,
      concurrency: null,
      protection: 'none',
      handedBackJobs: null,
    });
  });
});

describe('what keeps more workers from helping', () => {
  const six = Array.from({ length: 6 }, () => ({ arrivalSeconds: 0, serviceSeconds: 10 }));
  const alwaysSix = scripted({}, { minWorkers: 6 });

  it('a rate limit lets so many jobs start each second', () => {
    const { done } = play(traceOf(six, { startsPerSecondMax: 2 }), alwaysSix);
    expect(done.map(({ wait }) => wait)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('a rate limit of less than one a second is one in a longer time', () => {
    const { done } = play(traceOf(six.slice(3), { startsPerSecondMax: 0.25 }), alwaysSix);
    expect(done.map(({ wait }) => wait)).toEqual([0, 4, 8]);
  });

  it('a global cap lets so many run at once', () => {
    const { done } = play(traceOf(six, { runningMax: 4 }), alwaysSix);
    expect(done.map(({ wait }) => wait)).toEqual([0, 0, 0, 0, 10, 10]);
  });

  it('something behind the workers slows all of them in proportion', () => {
    const trace = traceOf(
      [
        { arrivalSeconds: 0, serviceSeconds: 10 },
        { arrivalSeconds: 5, serviceSeconds: 10 },
      ],
      { downstreamCapacity: 1 },
    );
    const policy = scripted({}, { minWorkers: 2 });
    // Half of the first is done at 5; the other half takes twice as long, until 15, and so does that of the second.
    expect(play(trace, policy).dynoSeconds).toBeCloseTo(2 * 20, 3);
    const durations = [...policy.views.values()].flatMap((view) => queueIn(view).finished);
    expect(durations[0]?.durationSeconds).toBeCloseTo(15, 6);
  });

  it('an outage stops all work while it lasts', () => {
    const trace = traceOf([{ arrivalSeconds: 0, serviceSeconds: 10 }], {
      outages: [{ fromSeconds: 5, toSeconds: 25 }],
    });
    expect(play(trace, scripted({}, { minWorkers: 1 })).dynoSeconds).toBe(30);
  });

  it('is not told to policies', () => {
    const policy = scripted({}, { minWorkers: 6 });
    play(traceOf(six, { runningMax: 1, startsPerSecondMax: 1 }), policy);
    const { concurrencyLimit, rateLimitedForSeconds } = queueIn(policy.views.get(3));
    expect({ concurrencyLimit, rateLimitedForSeconds }).toEqual({
      concurrencyLimit: null,
      rateLimitedForSeconds: null,
    });
  });
});

describe('queues', () => {
  it('tell of delayed jobs early, and their wait begins when they are due', () => {
    const jobs = [
      { arrivalSeconds: 7, serviceSeconds: 1, knownAtSeconds: 0 },
      { arrivalSeconds: 9, serviceSeconds: 1, knownAtSeconds: 0 },
      { arrivalSeconds: 100, serviceSeconds: 1, knownAtSeconds: 0 },
      { arrivalSeconds: 500, serviceSeconds: 1, knownAtSeconds: 0 },
    ];
    const policy = scripted({}, { minWorkers: 1 });
    const { done } = play(traceOf(jobs), policy);
    const first = queueIn(policy.views.get(0));
    expect(first).toMatchObject({ readyJobs: 0, delayedJobs: 4, addedJobs: 4, unfinishedJobs: 4 });
    expect(first.dueSoon).toEqual([
      { dueAtMs: beginningMs + 5_000, jobs: 2 },
      { dueAtMs: beginningMs + 100_000, jobs: 1 },
    ]);
    expect(queueIn(policy.views.get(8)).dueSoon[0]).toEqual({
      dueAtMs: beginningMs + 8_000,
      jobs: 1,
    });
    expect(done.map(({ wait }) => wait)).toEqual([0, 0, 0, 0]);
  });

  it('are served in the order of arrival, and spread over the workers that wait longest', () => {
    const jobs = [0, 0, 0, 0, 1, 1].map((arrivalSeconds, index) => ({
      arrivalSeconds,
      serviceSeconds: 10,
      name: `job ${index + 1}`,
    }));
    const policy = scripted({}, { minWorkers: 2, protection: 'names' });
    const { done } = play(traceOf(jobs), policy, { concurrency: 2 });
    const view = queueIn(policy.views.get(1));
    expect(view.running.map(({ worker }) => worker)).toEqual([
      'worker.1',
      'worker.2',
      'worker.1',
      'worker.2',
    ]);
    expect(view.readyJobNames).toEqual(['job 5', 'job 6']);
    expect(done.map(({ due }) => due)).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('have slots of their own in each worker', () => {
    const jobs = ['mail', 'mail', 'report'].map((queue) => ({
      arrivalSeconds: 0,
      serviceSeconds: 10,
      queue,
    }));
    const { done } = play(traceOf(jobs), scripted({}, { minWorkers: 1 }));
    expect(done.map(({ wait }) => wait)).toEqual([0, 0, 10]);
  });

  it('are read as the daemon reads them', () => {
    const jobs = Array.from({ length: 100 }, (_, index) => ({
      arrivalSeconds: 0,
      serviceSeconds: 4,
      name: `job ${index + 1}`,
    }));
    const policy = scripted({}, { minWorkers: 3, protection: 'names' });
    play(traceOf(jobs), policy, { concurrency: 1 });
    const view = queueIn(policy.views.get(6));
    expect(view).toMatchObject({
      readyJobs: 94,
      activeJobs: 3,
      addedJobs: 100,
      unfinishedJobs: 97,
      oldestWaitSeconds: 6,
    });
    expect(view.running[0]).toEqual({
      jobId: '4',
      worker: 'worker.1',
      startedAtMs: beginningMs + 4_000,
      jobName: 'job 4',
    });
    expect(view.readyJobNames).toHaveLength(48);
    expect(view.readyJobNames.slice(0, 3)).toEqual(['job 7', 'job 8', 'job 10']);
    // What ended since the last look is told once.
    expect([4, 5].map((second) => queueIn(policy.views.get(second)).finished.length)).toEqual([
      3, 0,
    ]);
  });
});

describe('a run', () => {
  it('gives the same result for the same seed, and another for another', () => {
    const [scenario] = scenarios;
    const policy = findPolicy('recipe');
    if (scenario === undefined || policy === undefined) throw new Error('nothing to play');
    const runWith = (seed: number) =>
      play(scenario.create(1), policy, { bootSecondsMin: 20, bootSecondsMax: 60, seed });
    const first = runWith(1);
    expect(runWith(1)).toEqual(first);
    expect(runWith(2).done).not.toEqual(first.done);
  });

  it('holds only the jobs that have not ended, however many there are', () => {
    let read = 0;
    let ended = 0;
    let mostHeld = 0;
    function* manyJobs(): Generator<TraceJob> {
      while (read < 200_000) {
        mostHeld = Math.max(mostHeld, read - ended);
        const arrivalSeconds = read / 10;
        const times = { arrivalSeconds, serviceSeconds: 0.5, knownAtSeconds: arrivalSeconds };
        read += 1;
        yield { ...times, queue: 'default', name: 'job' };
      }
    }
    const trace = { ...traceOf([]), queues: ['default'], jobs: manyJobs };
    const policy: PolicyKind = {
      name: 'watching',
      source: 'a test',
      create: () => ({
        pollSeconds: 1,
        minWorkers: 1,
        look(view) {
          const { addedJobs, unfinishedJobs } = queueIn(view);
          ended = (addedJobs ?? 0) - (unfinishedJobs ?? 0);
          return { workers: 1, marked: [], lookAgainAfterSeconds: null };
        },
      }),
    };
    expect(play(trace, policy, { concurrency: 10 }).jobs).toBe(200_000);
    // Five run at any time, ten come between two looks, and one is read ahead.
    expect(mostHeld).toBeLessThan(20);
  });

  it('that can never end is cut a day after the horizon, and what is left is lost', () => {
    const jobs = [0, 1, 2].map((arrivalSeconds) => ({ arrivalSeconds, serviceSeconds: 1 }));
    const result = play(traceOf(jobs, { horizonSeconds: 10 }), scripted({}));
    expect(result).toMatchObject({
      dynoSeconds: 0,
      jobs: 3,
      lost: 3,
      lateJobs: 3,
      lateShare: 1,
      p50WaitSeconds: 86_410,
      p99WaitSeconds: 86_410,
    });
  });

  it('looks again as soon as a policy wants, and else with each poll', () => {
    const seconds: number[] = [];
    const policy = scripted({});
    play(traceOf([], { horizonSeconds: 12 }), {
      ...policy,
      create: () => ({
        pollSeconds: 5,
        minWorkers: 0,
        look({ observation }) {
          seconds.push((observation.observedAtMs - beginningMs) / 1000);
          return {
            workers: 0,
            marked: [],
            lookAgainAfterSeconds: seconds.length === 2 ? 2 : null,
          };
        },
      }),
    });
    expect(seconds).toEqual([0, 5, 7, 10]);
  });

  it('tells waits apart to half a percent', () => {
    const jobs = Array.from({ length: 1000 }, (_, index) => ({
      arrivalSeconds: 1000 - (index + 1),
      serviceSeconds: 0,
    })).toReversed();
    const policy = scripted({ 969: 1 });
    const { p50WaitSeconds, p95WaitSeconds, p99WaitSeconds, lateJobs, lateShare } = play(
      traceOf(jobs),
      policy,
    );
    // The worker is up at 1000 and does everything in no time: the waits are 1 s to 1000 s.
    expect(Math.abs((p50WaitSeconds ?? NaN) / 500 - 1)).toBeLessThan(0.005);
    expect(Math.abs((p95WaitSeconds ?? NaN) / 950 - 1)).toBeLessThan(0.005);
    expect(Math.abs((p99WaitSeconds ?? NaN) / 990 - 1)).toBeLessThan(0.005);
    expect({ lateJobs, lateShare }).toEqual({ lateJobs: 880, lateShare: 0.88 });
  });

  it('keeps to the bounds whatever a policy asks for', () => {
    const { peakWorkers } = play(traceOf([], { horizonSeconds: 5 }), scripted({ 1: 99 }));
    expect(peakWorkers).toBe(someSettings.maxWorkers);
  });
});

function queueIn(view: View | undefined): QueueReading {
  const queue = view?.observation.queues[0];
  if (queue === undefined) throw new Error('there was no look then');
  return queue;
}
