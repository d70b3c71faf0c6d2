import { openEnvironment, type Environment, type Trace } from '../trace.ts';
import { seeded, type Random } from './random.ts';
import { merged, type Stream } from './streams.ts';

export type Scenario = {
  /** As on the command line. */
  readonly name: string;
  /** The real traffic it stands for, in one sentence. */
  readonly about: string;
  /** Jobs one worker runs at once for each queue, as one would set it for jobs of this kind. */
  readonly concurrency: number;
  /** The same seed makes the same jobs; another one the same traffic on another day. */
  create(seed: number): Trace;
};

type Parts = {
  readonly name: string;
  readonly about: string;
  readonly hours: number;
  /** What the jobs come from; what differs from day to day beside the single jobs is drawn at random. */
  readonly streams: (horizonSeconds: number, random: Random) => readonly Stream[];
  readonly queues?: readonly string[];
  readonly concurrency?: number;
  /** The scenario whose random numbers it shares, so that its jobs are the same ones. */
  readonly twin?: string;
  readonly environment?: Partial<Environment>;
};

/** The queue of every scenario that has only one. */
export const defaultQueue = 'default';

export function scenario({
  name,
  about,
  hours,
  streams,
  queues = [defaultQueue],
  concurrency = 5,
  twin = name,
  environment = {},
}: Parts): Scenario {
  const horizonSeconds = hours * 3600;
  return {
    name,
    about,
    concurrency,
    create: (seed) => {
      const sources = streams(horizonSeconds, seeded(`${twin} ${seed}`));
      // Each stream has random numbers of its own, so that its jobs do not depend on when others are asked for.
      const jobs = () =>
        merged(sources.map((stream, index) => stream(seeded(`${twin} ${seed} ${index}`))));
      return {
        name,
        queues,
        horizonSeconds,
        meanServiceSeconds: meanServiceSeconds(jobs()),
        environment: { ...openEnvironment, ...environment },
        jobs,
      };
    },
  };
}

function meanServiceSeconds(jobs: Iterable<{ readonly serviceSeconds: number }>): number {
  let sum = 0;
  let count = 0;
  for (const { serviceSeconds } of jobs) {
    sum += serviceSeconds;
    count += 1;
  }
  return sum / count;
}
