import type { TraceJob } from '../trace.ts';
import type { Duration, Random } from './random.ts';

/** Jobs of one name on one queue. */
export type Kind = {
  readonly queue: string;
  readonly name: string;
  readonly duration: Duration;
};

/** Jobs in the order in which they become known; the same again for the same random numbers. */
export type Stream = (random: Random) => Iterable<TraceJob>;

type Arrivals = {
  readonly fromSeconds?: number;
  readonly toSeconds: number;
  /** Jobs a second at a moment of the trace. */
  readonly rate: (atSeconds: number) => number;
  /** The rate never exceeds this. */
  readonly rateMax: number;
};

/** Jobs that come independently of each other: a Poisson process, by thinning one of the highest rate. */
export function arrivals(
  kind: Kind,
  { fromSeconds = 0, toSeconds, rate, rateMax }: Arrivals,
): Stream {
  return function* (random) {
    for (let now = fromSeconds; ;) {
      now -= Math.log(1 - random()) / rateMax;
      if (now >= toSeconds) return;
      if (random() * rateMax < rate(now)) yield jobOf(kind, now, 0, random);
    }
  };
}

/** Jobs that come independently of each other, so many a second on average. */
export function steady(kind: Kind, rate: number, toSeconds: number): Stream {
  return arrivals(kind, { toSeconds, rate: () => rate, rateMax: rate });
}

type Batch = {
  readonly atSeconds: number;
  readonly jobs: number;
  /** How long one producer takes to add them all, one after another. */
  readonly overSeconds: number;
  /** Added as delayed jobs this long before they are due. */
  readonly knownBeforeSeconds?: number;
};

export function batch(
  kind: Kind,
  { atSeconds, jobs, overSeconds, knownBeforeSeconds = 0 }: Batch,
): Stream {
  return function* (random) {
    for (let index = 0; index < jobs; index++)
      yield jobOf(kind, atSeconds + (index / jobs) * overSeconds, knownBeforeSeconds, random);
  };
}

function jobOf(
  { queue, name, duration }: Kind,
  arrivalSeconds: number,
  knownBeforeSeconds: number,
  random: Random,
): TraceJob {
  return {
    arrivalSeconds,
    serviceSeconds: duration(random),
    queue,
    name,
    knownAtSeconds: Math.max(0, arrivalSeconds - knownBeforeSeconds),
  };
}

/** All jobs of several ordered sources, in the order in which they become known. */
export function* merged(sources: readonly Iterable<TraceJob>[]): Iterable<TraceJob> {
  const heads: { job: TraceJob; rest: Iterator<TraceJob> }[] = [];
  for (const source of sources) {
    const rest = source[Symbol.iterator]();
    const first = rest.next();
    if (first.done !== true) heads.push({ job: first.value, rest });
  }
  for (;;) {
    const [first, ...others] = heads;
    if (first === undefined) return;
    let next = first;
    for (const head of others) if (head.job.knownAtSeconds < next.job.knownAtSeconds) next = head;
    yield next.job;
    const following = next.rest.next();
    if (following.done === true) heads.splice(heads.indexOf(next), 1);
    else next.job = following.value;
  }
}
