import type { WorkerProcess } from '../drain/verdict.ts';
import type { Observation, WorkersReading } from '../decision/types.ts';
import type { ListedWorker } from '../targets/target.ts';

/** What a policy is told about the pool it scales. */
export type PolicySettings = {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly targetWaitSeconds: number;
  /** Jobs one worker runs at once for each queue. */
  readonly concurrency: number;
  /** Ready jobs one worker is expected to handle, for policies that ask. */
  readonly eventsPerWorker: number;
  /** How often a policy that does not insist on a rhythm of its own looks. */
  readonly pollSeconds: number;
  /** The true mean service time of the trace, which some policies must be told by hand. */
  readonly meanServiceSeconds: number;
};

/** What a policy sees when it looks. */
export type View = {
  readonly observation: Observation;
  /** The dynos of the formation, running or booting. */
  readonly dynos: readonly ListedWorker[];
  /** The heartbeats of the companions in them. */
  readonly processes: readonly WorkerProcess[];
};

export type Order = {
  /** The number of dynos to ask for. */
  readonly workers: number;
  /** Dynos that shall start no more jobs until a later order leaves them out. */
  readonly marked: readonly string[];
  /** When to look again, if sooner than at the next poll; null for the poll. */
  readonly lookAgainAfterSeconds: number | null;
};

/** A policy at work on one trace. It may keep a state of its own, and knows nothing of what is to come. */
export type SimulatedPolicy = {
  readonly pollSeconds: number;
  /** The bounds it keeps, where they are not those of the settings. */
  readonly minWorkers: number;
  /** What its workers do to spare running jobs, and what can be seen of them; nothing unless it says so. */
  readonly protection?: WorkersReading['protection'];
  look(view: View): Order;
};

/** How to make one: the name it is called by, and where its formula comes from. */
export type PolicyKind = {
  readonly name: string;
  /** One sentence: the formula and its public source. */
  readonly source: string;
  create(settings: PolicySettings): SimulatedPolicy;
};
