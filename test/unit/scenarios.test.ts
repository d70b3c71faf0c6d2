import { describe, expect, it } from 'vitest';
import { scenarios } from '../../src/simulator/scenarios/catalogue.ts';
import type { Trace } from '../../src/simulator/trace.ts';

type Figures = {
  readonly jobs: number;
  readonly meanSeconds: number;
  /** Work, and the most of it that arrives in five minutes, in dynos whose slots are all taken. */
  readonly dynoHours: number;
  readonly peakDynos: number;
};

const intended: Record<string, readonly [hours: number, Figures]> = {
  newsletter: [24, { jobs: 87_221, meanSeconds: 0.91, dynoHours: 4.39, peakDynos: 5.1 }],
  diurnal: [24, { jobs: 634_811, meanSeconds: 2, dynoHours: 70.4, peakDynos: 9.1 }],
  cron: [24, { jobs: 96_132, meanSeconds: 2.46, dynoHours: 13.15, peakDynos: 7 }],
  'cron-delayed': [24, { jobs: 96_132, meanSeconds: 2.46, dynoHours: 13.15, peakDynos: 7 }],
  ramp: [12, { jobs: 657_845, meanSeconds: 1.2, dynoHours: 43.91, peakDynos: 7.2 }],
  heavytail: [24, { jobs: 12_109, meanSeconds: 36.79, dynoHours: 61.88, peakDynos: 8 }],
  square: [12, { jobs: 436_894, meanSeconds: 1.5, dynoHours: 36.41, peakDynos: 6.2 }],
  'square-fast': [12, { jobs: 436_047, meanSeconds: 1.5, dynoHours: 36.34, peakDynos: 3.7 }],
  flash: [6, { jobs: 132_316, meanSeconds: 1.5, dynoHours: 11.05, peakDynos: 18.1 }],
  regime: [12, { jobs: 105_744, meanSeconds: 0.38, dynoHours: 2.22, peakDynos: 3.5 }],
  'two-queues': [12, { jobs: 174_037, meanSeconds: 2.325, dynoHours: 22.48, peakDynos: 3.8 }],
  'cold-fast': [2, { jobs: 27_113, meanSeconds: 0.03, dynoHours: 0.045, peakDynos: 0.41 }],
  'cold-slow': [2, { jobs: 555, meanSeconds: 25.36, dynoHours: 0.78, peakDynos: 6.9 }],
  'rate-limited': [6, { jobs: 36_704, meanSeconds: 0.5, dynoHours: 1.02, peakDynos: 1.8 }],
  'global-concurrency': [6, { jobs: 33_644, meanSeconds: 1, dynoHours: 1.87, peakDynos: 2.9 }],
  downstream: [6, { jobs: 61_307, meanSeconds: 1, dynoHours: 3.4, peakDynos: 4.4 }],
  stuck: [6, { jobs: 129_885, meanSeconds: 1, dynoHours: 7.23, peakDynos: 1.3 }],
};

describe('the scenarios', () => {
  it('have names of their own', () => {
    expect(scenarios.map(({ name }) => name).sort()).toEqual(Object.keys(intended).sort());
  });

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s carries the intended work, whatever the seed',
    (name, scenario) => {
      const [hours, figures] = intended[name] ?? [];
      if (hours === undefined || figures === undefined) throw new Error(`No figures for ${name}.`);
      for (const seed of [1, 2, 3]) {
        const trace = scenario.create(seed);
        const found = measure(trace, scenario.concurrency);
        expect(trace.horizonSeconds).toBe(hours * 3600);
        expect(trace.meanServiceSeconds).toBeCloseTo(found.meanSeconds, 9);
        expectWithin(0.05, found.jobs, figures.jobs);
        expectWithin(0.05, found.meanSeconds, figures.meanSeconds);
        expectWithin(0.06, found.dynoHours, figures.dynoHours);
        // The longest of a few thousand jobs makes up much of the busiest five minutes of `heavytail`.
        expectWithin(name === 'heavytail' ? 0.4 : 0.15, found.peakDynos, figures.peakDynos);
      }
    },
  );

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s has its jobs in the order in which they become known, within its queues and its time',
    (_, scenario) => {
      const trace = scenario.create(1);
      let knownAtSeconds = 0;
      let isOrdered = true;
      let isWithin = true;
      for (const job of trace.jobs()) {
        isOrdered &&= job.knownAtSeconds >= knownAtSeconds;
        isWithin &&=
          job.knownAtSeconds <= job.arrivalSeconds &&
          job.arrivalSeconds < trace.horizonSeconds &&
          job.serviceSeconds > 0 &&
          trace.queues.includes(job.queue);
        knownAtSeconds = job.knownAtSeconds;
      }
      expect({ isOrdered, isWithin }).toEqual({ isOrdered: true, isWithin: true });
    },
  );

  it('give the same jobs again for the same seed, and others for another', () => {
    for (const scenario of scenarios) {
      const trace = scenario.create(1);
      const jobs = first(trace, 2_000);
      expect(first(trace, 2_000)).toEqual(jobs);
      expect(first(scenario.create(1), 2_000)).toEqual(jobs);
      expect(first(scenario.create(2), 2_000)).not.toEqual(jobs);
    }
  });

  it('make the delayed reports the same jobs as the others, known earlier', () => {
    const [cron, delayed] = ['cron', 'cron-delayed'].map((name) =>
      [
        ...(scenarios
          .find((scenario) => scenario.name === name)
          ?.create(1)
          .jobs() ?? []),
      ].sort((one, other) => one.arrivalSeconds - other.arrivalSeconds),
    );
    const early = delayed?.filter((job) => job.knownAtSeconds < job.arrivalSeconds) ?? [];
    expect(early.length).toBeGreaterThan(70_000);
    expect(early.every(({ name }) => name === 'report')).toBe(true);
    expect(delayed?.map((job) => ({ ...job, knownAtSeconds: job.arrivalSeconds }))).toEqual(cron);
  });
});

function measure(trace: Trace, concurrency: number): Figures {
  let jobs = 0;
  let workSeconds = 0;
  const minutes = Array.from({ length: trace.horizonSeconds / 60 }, () => 0);
  for (const job of trace.jobs()) {
    jobs += 1;
    workSeconds += job.serviceSeconds;
    const minute = Math.floor(job.arrivalSeconds / 60);
    minutes[minute] = (minutes[minute] ?? 0) + job.serviceSeconds;
  }
  const windows = minutes.map((_, minute) =>
    minutes.slice(minute, minute + 5).reduce((sum, work) => sum + work, 0),
  );
  return {
    jobs,
    meanSeconds: workSeconds / jobs,
    dynoHours: workSeconds / 3600 / concurrency,
    peakDynos: Math.max(...windows) / 300 / concurrency,
  };
}

function first(trace: Trace, count: number) {
  const jobs = [];
  for (const job of trace.jobs()) if (jobs.push(job) === count) break;
  return jobs;
}

function expectWithin(share: number, found: number, figure: number): void {
  expect(Math.abs(found / figure - 1), `${found} for ${figure}`).toBeLessThan(share);
}
