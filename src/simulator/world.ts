import type { FinishedJob, WorkersReading } from '../decision/types.ts';
import { createHeap, type Heap } from './heap.ts';
import { createLine, type Line } from './line.ts';
import { seeded, type Random } from './scenarios/random.ts';
import type { OnDone, Tally } from './tally.ts';
import type { Trace, TraceJob } from './trace.ts';

/** A job that was added and has not ended. */
export type Job = {
  readonly id: number;
  readonly trace: TraceJob;
  /** How often it lost its worker. */
  stalls: number;
};

/** One attempt at a job. */
export type Run = {
  readonly job: Job;
  readonly dyno: Dyno;
  readonly startedAtSeconds: number;
  /** Set when the attempt was interrupted, because a heap cannot be searched for it. */
  isInterrupted: boolean;
};

export type Dyno = {
  readonly name: string;
  readonly ordinal: number;
  readonly startedAtSeconds: number;
  state: 'booting' | 'up' | 'closing' | 'gone';
  /** Since when it takes no more jobs although it is up; Infinity while it takes some. */
  drainsFromSeconds: number;
  readonly runs: Set<Run>;
  /** Its worker for each queue, in the order of the trace's queues. */
  readonly workers: readonly SimulatedWorker[];
};

export type SimulatedWorker = {
  readonly dyno: Dyno;
  freeSlots: number;
  /** Whether it stands in the line of those that wait for a job. */
  isWaiting: boolean;
};

export type SimulatedQueue = {
  readonly name: string;
  readonly index: number;
  readonly ready: Line<Job>;
  /** Workers with a free slot, the one that has waited longest first. */
  readonly waiting: Line<SimulatedWorker>;
  /** Attempts whose job is marked as held by a live worker: also killed ones, until their lock ends. */
  readonly held: Set<Run>;
  readonly orphans: Set<Job>;
  /** Jobs that become ready later, by the bin of time in which they do. */
  readonly dueBins: Map<number, number>;
  added: number;
  unfinished: number;
  delayed: number;
  /** Jobs that ended lately, the last ones last. */
  readonly finished: FinishedJob[];
  /** When the rate limit begins to count anew, and what it has counted. */
  limitedUntilSeconds: number;
  startsInWindow: number;
};

/** What a dyno costs in time, and where chance comes from. */
export type Platform = {
  readonly bootSecondsMin: number;
  readonly bootSecondsMax: number;
  /** The same seed gives the same run. */
  readonly seed: number;
};

/** Everything there is in a run at one moment. */
export type World = {
  readonly trace: Trace;
  readonly platform: Platform;
  readonly protection: WorkersReading['protection'];
  /** Jobs one worker runs at once. */
  readonly concurrency: number;
  nowSeconds: number;
  /** What is to happen at a known time. */
  readonly timers: Heap<() => void>;
  readonly queues: readonly SimulatedQueue[];
  readonly queueByName: ReadonlyMap<string, SimulatedQueue>;
  readonly delayed: Heap<Job>;
  /** The dynos asked for, worker.1 first. */
  readonly formation: Dyno[];
  /** Dynos that were told to end and still run something. */
  readonly closing: Set<Dyno>;
  /**
   * Seconds of service that a job has received that ran from the beginning. All running jobs progress at one pace, so
   * a job ends when this has grown by its service time, however the pace changed meanwhile.
   */
  serviceSeconds: number;
  /** Running attempts by the `serviceSeconds` at which they end; interrupted ones among them. */
  readonly ends: Heap<Run>;
  running: number;
  outages: number;
  readonly bootRandom: Random;
  readonly stallRandom: Random;
  readonly counts: Tally['counts'];
  readonly onDone: OnDone;
};

export function createWorld(
  trace: Trace,
  platform: Platform,
  pool: Pick<World, 'protection' | 'concurrency' | 'counts' | 'onDone'>,
): World {
  const queues = trace.queues.map(createQueue);
  return {
    trace,
    platform,
    ...pool,
    nowSeconds: 0,
    timers: createHeap(),
    queues,
    queueByName: new Map(queues.map((queue) => [queue.name, queue])),
    delayed: createHeap(),
    formation: [],
    closing: new Set(),
    serviceSeconds: 0,
    ends: createHeap(),
    running: 0,
    outages: 0,
    // Of their own, so that a policy that kills jobs gets the same boots as one that does not.
    bootRandom: seeded(`boots ${platform.seed}`),
    stallRandom: seeded(`stalls ${platform.seed}`),
  };
}

/** Has something happen after a while. */
export function after(world: World, seconds: number, happen: () => void): void {
  world.timers.push(world.nowSeconds + seconds, happen);
}

function createQueue(name: string, index: number): SimulatedQueue {
  return {
    name,
    index,
    ready: createLine(),
    waiting: createLine(),
    held: new Set(),
    orphans: new Set(),
    dueBins: new Map(),
    added: 0,
    unfinished: 0,
    delayed: 0,
    finished: [],
    limitedUntilSeconds: 0,
    startsInWindow: 0,
  };
}
