import { lognormal, type Duration } from './random.ts';
import { defaultQueue, scenario, type Scenario } from './scenario.ts';
import { arrivals, batch, steady, type Kind, type Stream } from './streams.ts';

function kind(name: string, duration: Duration, queue = defaultQueue): Kind {
  return { queue, name, duration };
}

/** A number in a range around it, for times of day that are not the same every day. */
function about(seconds: number, marginSeconds: number, random: () => number): number {
  return seconds + (2 * random() - 1) * marginSeconds;
}

const newsletter = scenario({
  name: 'newsletter',
  about:
    'A web shop: a trickle of jobs all day, and six times a day a mail to several thousand people.',
  hours: 24,
  streams: (horizon, random) => [
    steady(kind('event', lognormal(0.8)), 0.5, horizon),
    ...[7, 9.5, 12, 15, 17.5, 20].map((hour) =>
      batch(kind('mail', lognormal(1)), {
        atSeconds: about(hour * 3600, 900, random),
        jobs: 7_350,
        overSeconds: 30,
      }),
    ),
  ],
});

const diurnal = scenario({
  name: 'diurnal',
  about: 'Work that follows its users: quiet at night, ten times as much in the afternoon.',
  hours: 24,
  streams: (horizon) => [
    arrivals(kind('event', lognormal(2)), {
      toSeconds: horizon,
      rate: (at) =>
        2 + 19.6 * ((1 + Math.cos((2 * Math.PI * (at - 14 * 3600)) / (24 * 3600))) / 2) ** 4,
      rateMax: 21.6,
    }),
  ],
});

/** Every hour a batch, and every fourth hour a larger one, beside a trickle of other jobs. */
function hourlyReports(horizon: number, knownBeforeSeconds: number): readonly Stream[] {
  return [
    steady(kind('event', lognormal(1.85)), 0.28, horizon),
    ...Array.from({ length: 24 }, (_, hour) =>
      batch(kind('report', lognormal(2.67)), {
        atSeconds: hour * 3600 + 1800,
        jobs: hour % 4 === 2 ? 3_850 : 2_700,
        overSeconds: 10,
        knownBeforeSeconds,
      }),
    ),
  ];
}

const cron = scenario({
  name: 'cron',
  about: 'Reports that a clock adds every hour, some thousands at once.',
  hours: 24,
  streams: (horizon) => hourlyReports(horizon, 0),
});

const cronDelayed = scenario({
  name: 'cron-delayed',
  about: 'The same reports, added a quarter of an hour ahead as delayed jobs.',
  hours: 24,
  twin: 'cron',
  streams: (horizon) => hourlyReports(horizon, 900),
});

const ramp = scenario({
  name: 'ramp',
  about: 'Traffic that grows steadily from next to nothing, as after a launch.',
  hours: 12,
  streams: (horizon) => [
    arrivals(kind('event', lognormal(1.2)), {
      toSeconds: horizon,
      rate: (at) => 0.5 + 29.5 * (at / horizon),
      rateMax: 30,
    }),
  ],
});

const heavytail = scenario({
  name: 'heavytail',
  about: 'Conversions of files: half of them take seconds, a few take an hour.',
  hours: 24,
  concurrency: 2,
  streams: (horizon) => [steady(kind('convert', lognormal(36.8, 2.9)), 0.14, horizon)],
});

/** On and off by turns; the quiet half is not quite silent. */
function square(name: string, text: string, halfSeconds: number): Scenario {
  return scenario({
    name,
    about: text,
    hours: 12,
    streams: (horizon) => [
      arrivals(kind('event', lognormal(1.5)), {
        toSeconds: horizon,
        rate: (at) => ((at + halfSeconds / 2) % (2 * halfSeconds) < halfSeconds ? 0.2 : 20),
        rateMax: 20,
      }),
    ],
  });
}

const squareSlow = square(
  'square',
  'An upstream system that sends for ten minutes and pauses for ten.',
  600,
);
const squareFast = square(
  'square-fast',
  'The same in turns of 90 seconds, too short to follow with machines that take half of it to boot.',
  90,
);

const flash = scenario({
  name: 'flash',
  about: 'A flash crowd: sixty times the usual traffic within a second, fading over hours.',
  hours: 6,
  streams: (horizon, random) => {
    const from = about(7_200, 600, random);
    const event = kind('event', lognormal(1.5));
    return [
      steady(event, 1, horizon),
      arrivals(event, {
        fromSeconds: from,
        toSeconds: horizon,
        rate: (at) => 65 * Math.exp(-(at - from) / 1_700),
        rateMax: 65,
      }),
    ];
  },
});

const regime = scenario({
  name: 'regime',
  about: 'Imports that come in batches, and after a deployment take 25 times as long as before.',
  hours: 12,
  streams: (horizon, random) => [
    steady(kind('event', lognormal(0.2)), 2.165, horizon),
    ...[1, 3, 5, 7, 9, 11].map((hour) =>
      batch(kind('import', lognormal(hour < 4 ? 0.1 : 2.5)), {
        atSeconds: about(hour * 3600, 900, random),
        jobs: 2_050,
        overSeconds: 5,
      }),
    ),
  ],
});

const twoQueues = scenario({
  name: 'two-queues',
  about:
    'Short mails, some in batches, and long renderings on a queue of their own, for the same workers.',
  hours: 12,
  queues: ['mail', 'render'],
  streams: (horizon, random) => [
    steady(kind('mail', lognormal(0.4), 'mail'), 3, horizon),
    ...[1, 3, 5, 8, 10].map((hour) =>
      batch(kind('mail', lognormal(0.4), 'mail'), {
        atSeconds: about(hour * 3600, 600, random),
        jobs: 4_000,
        overSeconds: 10,
      }),
    ),
    arrivals(kind('render', lognormal(14), 'render'), {
      toSeconds: horizon,
      rate: (at) => 0.568 * (1 - 0.6 * Math.cos((2 * Math.PI * at) / (6 * 3600))),
      rateMax: 0.91,
    }),
  ],
});

/** Nothing is known yet when the batch comes. */
function coldStart(parts: {
  readonly name: string;
  readonly about: string;
  readonly duration: Duration;
  readonly jobs: number;
  readonly rate: number;
}): Scenario {
  return scenario({
    name: parts.name,
    about: parts.about,
    hours: 2,
    streams: (horizon) => [
      steady(kind('import', parts.duration), parts.rate, horizon),
      batch(kind('import', parts.duration), {
        atSeconds: 10,
        jobs: parts.jobs,
        overSeconds: 5,
      }),
    ],
  });
}

const coldFast = coldStart({
  name: 'cold-fast',
  about: 'The first minute of a new pool: twenty thousand jobs that turn out to take 30 ms each.',
  duration: lognormal(0.03),
  jobs: 20_000,
  rate: 1,
});
const coldSlow = coldStart({
  name: 'cold-slow',
  about: 'The first minute of a new pool: four hundred jobs that turn out to take 25 s each.',
  duration: lognormal(25.3, 0.5),
  jobs: 400,
  rate: 0.0215,
});

/** Traffic in which more workers help. */
export const everyday: readonly Scenario[] = [
  ...[newsletter, diurnal, cron, cronDelayed, ramp, heavytail],
  ...[squareSlow, squareFast, flash, regime, twoQueues, coldFast, coldSlow],
];
