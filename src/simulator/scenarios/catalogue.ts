import { openEnvironment, type Trace, type TraceJob } from '../trace.ts';
import { lognormal, seeded } from './random.ts';

/** Traffic that is made up, of a shape that is common. */
export type Scenario = {
  readonly name: string;
  readonly about: string;
  create(seed: number): Trace;
};

const daySeconds = 86_400;

export const scenarios: readonly Scenario[] = [
  {
    name: 'newsletter',
    about: 'A quiet day with two mailings of 20,000 jobs each.',
    create: (seed) => ({
      name: 'newsletter',
      queues: ['emails'],
      horizonSeconds: daySeconds,
      meanServiceSeconds: 0.9,
      environment: openEnvironment,
      jobs: () => newsletter(seed),
    }),
  },
];

function* newsletter(seed: number): Generator<TraceJob> {
  const random = seeded(`newsletter ${seed}`);
  const mailings = [9 * 3600, 15 * 3600];
  let seconds = 0;
  while (seconds < daySeconds) {
    const next = seconds - Math.log(1 - random()) / 0.5;
    const mailing = mailings.find((at) => at >= seconds && at < next);
    for (let index = 0; mailing !== undefined && index < 20_000; index += 1)
      yield job(mailing, 'send', 0.9);
    seconds = next;
    if (seconds < daySeconds) yield job(seconds, 'receipt', 0.9);
  }

  function job(arrivalSeconds: number, name: string, mean: number): TraceJob {
    const serviceSeconds = lognormal(mean)(random);
    return {
      arrivalSeconds,
      serviceSeconds,
      queue: 'emails',
      name,
      knownAtSeconds: arrivalSeconds,
    };
  }
}
