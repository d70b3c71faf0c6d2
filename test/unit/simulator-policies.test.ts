import { describe, expect, it } from 'vitest';
import { createSimulation, simulate } from '../../src/simulator/engine.ts';
import { learned, ratio } from '../../src/simulator/policies/production.ts';
import type { PolicyKind } from '../../src/simulator/policy.ts';
import { findPolicy, policies } from '../../src/simulator/policies/registry.ts';
import { play, someSettings, traceOf, type Played, type SomeJob } from '../support/simulation.ts';

/** Waves of jobs of up to ten minutes, so that whoever scales down in time meets running jobs. */
const waves = traceOf(
  Array.from({ length: 6 }, (_, wave) =>
    Array.from({ length: 400 }, (_, index): SomeJob => ({
      arrivalSeconds: wave * 1800 + index / 100,
      serviceSeconds: index % 20 === 0 ? 600 : 20,
      name: index % 20 === 0 ? 'report' : 'mail',
    })),
  ).flat(),
  { horizonSeconds: 3 * 3600 },
);
const busy = { minWorkers: 1, maxWorkers: 30, concurrency: 2, eventsPerWorker: 20 };

describe('the policies of the product', () => {
  it.each(['learned', 'learned-names', 'ratio'])('%s: no job is interrupted', (name) => {
    const { kills, handedBack, lost, actions, jobs } = run(name);
    expect({ kills, handedBack, lost, jobs }).toEqual({
      kills: 0,
      handedBack: 0,
      lost: 0,
      jobs: 2400,
    });
    expect(actions).toBeGreaterThan(10);
  });

  it('ratio removes nobody who was needed in the last five minutes', () => {
    const jobs = Array.from({ length: 200 }, () => ({ arrivalSeconds: 0, serviceSeconds: 0.1 }));
    const { dynoSeconds } = run('ratio', traceOf(jobs, { horizonSeconds: 1000 }), {
      maxWorkers: 2,
    });
    // One worker from the beginning, and one from the first look until 5 minutes after the last that asked for two.
    expect(dynoSeconds).toBeGreaterThan(1000 + 300);
    expect(dynoSeconds).toBeLessThan(1000 + 330);
  });
});

describe('learned, with a target of two minutes', () => {
  const settings = { bootSecondsMin: 20, bootSecondsMax: 60, minWorkers: 1, maxWorkers: 50 };
  const trickle = Array.from({ length: 1200 }, (_, index) => ({
    arrivalSeconds: 3 * index,
    serviceSeconds: 1.5,
  }));
  const batches = [1190, 2990].flatMap((arrivalSeconds) =>
    Array.from({ length: 1500 }, () => ({ arrivalSeconds, serviceSeconds: 1.5 })),
  );
  const stream = Array.from({ length: 12_000 }, (_, index) => ({
    arrivalSeconds: 1211 + index / 20,
    serviceSeconds: 1.5,
  }));
  const both = (jobs: readonly SomeJob[]) =>
    traceOf(
      [...trickle, ...jobs].toSorted((one, other) => one.arrivalSeconds - other.arrivalSeconds),
    );

  it.each([5, 30, 60])(
    'starts batches and streams in time with looks every %i s',
    (pollSeconds) => {
      for (const jobs of [batches, stream]) {
        const { lateShare } = run('learned', both(jobs), {
          ...settings,
          concurrency: 5,
          pollSeconds,
        });
        expect(lateShare).toBeLessThan(0.01);
      }
    },
  );
});

it('learned looks again sooner while jobs wait, as the daemon does', () => {
  const looks: { atMs: number; readyJobs: number }[] = [];
  const watched: PolicyKind = {
    ...learned,
    create(settings) {
      const policy = learned.create(settings);
      return {
        ...policy,
        look(view) {
          const { observedAtMs: atMs, queues } = view.observation;
          looks.push({ atMs, readyJobs: queues[0]?.readyJobs ?? 0 });
          return policy.look(view);
        },
      };
    },
  };
  const jobs = Array.from({ length: 500 }, () => ({ arrivalSeconds: 61, serviceSeconds: 2 }));
  play(traceOf(jobs), watched, { minWorkers: 1, pollSeconds: 60, concurrency: 5 });
  const gaps = looks.slice(1).map(({ atMs }, index) => {
    const before = looks[index];
    return before && { afterSeconds: (atMs - before.atMs) / 1000, readyJobs: before.readyJobs };
  });
  expect(gaps.slice(0, 4)).toMatchObject([
    { afterSeconds: 60, readyJobs: 0 },
    { afterSeconds: 60, readyJobs: 0 },
    { afterSeconds: 10, readyJobs: 350 },
    { afterSeconds: 10, readyJobs: 325 },
  ]);
});

describe('the recipe', () => {
  it('asks for a hundredth of the backlog every ten minutes, at least three', () => {
    const jobs = Array.from({ length: 950 }, () => ({ arrivalSeconds: 1, serviceSeconds: 10 }));
    const settings = { concurrency: 1, maxWorkers: 50 };
    const { peakWorkers, starts, actions } = run('recipe', traceOf(jobs), settings);
    // Three begin 180 by 600: 770 ÷ 100 → 7. By 1200 fewer than 400 are left, and three do the rest.
    expect({ peakWorkers, starts, actions }).toEqual({ peakWorkers: 7, starts: 4, actions: 2 });
  });

  it('kills what runs', () => {
    expect(run('recipe').kills).toBeGreaterThan(0);
  });
});

describe('a fixed number', () => {
  it.each([
    ['fixed', 30],
    ['fixed-7', 7],
    ['fixed-99', 30],
  ])('%s is %i workers all the time', (name, workers) => {
    const { peakWorkers, actions, dynoSeconds } = run(name);
    expect({ peakWorkers, actions }).toEqual({ peakWorkers: workers, actions: 0 });
    expect(dynoSeconds).toBeGreaterThanOrEqual(workers * waves.horizonSeconds);
  });
});

it.each([
  ['keda-like', 'keda-like(listLength=5 downStabilizationSeconds=300)'],
  ['aws-like', 'aws-like(latency=1 outDatapoints=3 inDatapoints=15)'],
  ['knative-like', 'knative-like(stableSeconds=60 targetUtilization=0.7)'],
  ['flink-like', 'flink-like(utilization=0.7 catchUpSeconds=1800 stabilizationSeconds=300)'],
  ['ds2-hold-like', 'ds2-like(drain=0.25 holdSeconds=60)'],
  ['queue-autoscale-like', 'queue-autoscale-like(sla=1 reversalCooldownSeconds=60)'],
  ['hirefire-like', 'hirefire-like(ratio=100 checkupSeconds=60 isDecrementable=false)'],
])('%s is one of its family: %s', (name, tuned) => {
  expect(run(tuned)).toEqual({ ...run(name), policy: tuned });
});

it('a run that is played in slices, as the command does, comes to the same', () => {
  const settings = { ...someSettings, ...busy, bootSecondsMin: 20, bootSecondsMax: 60, seed: 1 };
  const sliced = createSimulation(waves, ratio, settings, settings);
  let slices = 0;
  while (!sliced.playUntil(100 * slices)) slices += 1;
  expect(slices).toBeGreaterThan(100);
  expect(sliced.result()).toEqual(simulate(waves, ratio, settings, settings));
});

it('every policy has a name of its own and says where it comes from', () => {
  expect(new Set(policies.map(({ name }) => name)).size).toBe(policies.length);
  for (const { name, source } of policies) {
    expect(findPolicy(name)?.name).toBe(name);
    expect(source).toMatch(/^[A-Z].*\.$/);
  }
  expect(findPolicy('fixed-')).toBeUndefined();
});

function run(name: string, trace = waves, settings = {}): Played {
  const policy = findPolicy(name);
  if (policy === undefined) throw new Error(`no policy ${name}`);
  return play(trace, policy, { ...busy, bootSecondsMin: 20, bootSecondsMax: 60, ...settings });
}
