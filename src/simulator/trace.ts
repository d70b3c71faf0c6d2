/** One job of a trace; times are seconds from its beginning. */
export type TraceJob = {
  /** When the job becomes ready. */
  readonly arrivalSeconds: number;
  /** How long it runs on a slot of its own. */
  readonly serviceSeconds: number;
  readonly queue: string;
  readonly name: string;
  /** When the job was added as a delayed one; the same as its arrival for a job that was not delayed. */
  readonly knownAtSeconds: number;
};

/** What keeps more workers from helping. Null or empty where nothing does. */
export type Environment = {
  /** Most jobs that start in a second, over all workers, as a rate limit of the queue would have it. */
  readonly startsPerSecondMax: number | null;
  /** Most jobs that run at once over all workers, as a queue's global concurrency. */
  readonly runningMax: number | null;
  /** Jobs that something behind the workers can serve at once: with more running, each takes longer in proportion. */
  readonly downstreamCapacity: number | null;
  /** While one of these lasts, running jobs make no progress. */
  readonly outages: readonly { readonly fromSeconds: number; readonly toSeconds: number }[];
};

export const openEnvironment: Environment = {
  startsPerSecondMax: null,
  runningMax: null,
  downstreamCapacity: null,
  outages: [],
};

export type Trace = {
  readonly name: string;
  readonly queues: readonly string[];
  /** The pool is paid for until then at least, and after it until all work is done. */
  readonly horizonSeconds: number;
  readonly meanServiceSeconds: number;
  readonly environment: Environment;
  /** The jobs in the order in which they become known, made or read as they are asked for, so that a trace may be of any length. */
  jobs(): Iterable<TraceJob>;
};
