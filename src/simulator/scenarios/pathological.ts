import { lognormal } from './random.ts';
import { defaultQueue, scenario, type Scenario } from './scenario.ts';
import { batch, steady, type Stream } from './streams.ts';

/** A trickle of jobs, and three batches of the same. */
function batches(meanSeconds: number, rate: number, jobs: number) {
  const kind = { queue: defaultQueue, name: 'call', duration: lognormal(meanSeconds) };
  return (horizon: number): readonly Stream[] => [
    steady(kind, rate, horizon),
    ...[1, 2.5, 4].map((hour) => batch(kind, { atSeconds: hour * 3600, jobs, overSeconds: 10 })),
  ];
}

const rateLimited = scenario({
  name: 'rate-limited',
  about:
    'Calls of an interface that allows ten a second, so that a queue builds up whatever the workers.',
  hours: 6,
  streams: batches(0.5, 1, 5_000),
  environment: { startsPerSecondMax: 10 },
});

const globalConcurrency = scenario({
  name: 'global-concurrency',
  about: 'A queue that lets twelve jobs run at once over all workers.',
  hours: 6,
  streams: batches(1, 1, 4_000),
  environment: { runningMax: 12 },
});

const downstream = scenario({
  name: 'downstream',
  about:
    'A database behind the workers that serves 25 jobs at once, and all more slowly beyond that.',
  hours: 6,
  streams: batches(1, 2, 6_000),
  environment: { downstreamCapacity: 25 },
});

const stuck = scenario({
  name: 'stuck',
  about:
    'Steady traffic to a service that is down twice, for twenty minutes and for a quarter of an hour.',
  hours: 6,
  streams: (horizon) => [
    steady({ queue: defaultQueue, name: 'call', duration: lognormal(1) }, 6, horizon),
  ],
  environment: {
    outages: [
      { fromSeconds: 3_600, toSeconds: 4_800 },
      { fromSeconds: 12_600, toSeconds: 13_500 },
    ],
  },
});

/** Traffic that is held up by something that more workers do not make faster, or make worse. */
export const pathological: readonly Scenario[] = [
  rateLimited,
  globalConcurrency,
  downstream,
  stuck,
];
