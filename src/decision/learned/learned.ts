import type { Observation, Policy, Step } from '../types.ts';
import type { LearnedMemory } from './memory.ts';
import { fewestToKeep, jobsAtRisk } from './interruptions.ts';
import { followPool, type Pool } from './pool.ts';
import { followQueues, type QueueState } from './queues.ts';
import * as say from './sentences.ts';

/** A worker that the arrivals kept busy is kept for about as long as starting it again would take (ski rental). */
const holdMs = 30_000;
/** Nothing is removed before a pool has been watched for as long, and for two gaps between looks. */
const watchedSecondsMin = 45;

/** Bounds of one queue between which the number of workers may stay. */
type Bounds = { readonly lower: number; readonly upper: number };

/**
 * The learned policy: orders the fewest workers that start every job within the target wait, and keeps them until
 * neither the work nor the arrivals need them. Returns the recommendation, followed by the limits that change it.
 */
export function recommendByLearning(
  observation: Observation,
  policy: Policy,
  memory: LearnedMemory,
  known: {
    /** Orphaned jobs that only a live worker recovers. */
    readonly recoverableJobs: number;
    readonly drainingWorkers: number;
    /** Whose jobs stall, and hardly any end. */
    readonly stallingQueues: ReadonlySet<string>;
  },
): { readonly steps: Step[]; readonly memory: LearnedMemory } {
  const { queues: readings, unreadableQueues } = observation;
  if (readings.length === 0 && unreadableQueues.length > 0) {
    const why = 'no queue of the pool could be read';
    return { steps: [{ step: 'recommend', workers: null, why }], memory };
  }
  const pool = followPool(observation, policy, memory, known.drainingWorkers);
  const { states, queues, services } = followQueues(
    observation,
    policy,
    memory,
    pool,
    known.stallingQueues,
  );
  const holds = memory.holds.filter(
    ({ madeAtMs }) => madeAtMs <= pool.nowMs && pool.nowMs - madeAtMs < holdMs,
  );
  const steps = stepsOf(observation, policy, pool, states, {
    held: holds[0]?.workers ?? 0,
    recoverableJobs: known.recoverableJobs,
    isWatched:
      (pool.nowMs - pool.watchedSinceMs) / 1000 >= Math.max(watchedSecondsMin, 2 * pool.gapSeconds),
  });
  const busy = states.reduce(
    (most, state) => Math.max(most, Math.min(state.demand.busy, usefulMost(state, pool))),
    0,
  );
  const { boots, slots, scaledDownAtMs, watchedSinceMs } = pool;
  return {
    steps,
    memory: {
      ...{
        seenAtMs: pool.nowMs,
        watchedSinceMs,
        workers: observation.currentWorkers ?? memory.workers,
      },
      ...{ scaledDownAtMs, boots, slots, services, queues },
      holds: [
        ...holds.filter(({ workers }) => workers > busy),
        { madeAtMs: pool.nowMs, workers: Math.min(busy, policy.maxWorkers) },
      ],
    },
  };
}

type Circumstances = {
  readonly held: number;
  readonly recoverableJobs: number;
  readonly isWatched: boolean;
};

function stepsOf(
  observation: Observation,
  policy: Policy,
  pool: Pool,
  states: readonly QueueState[],
  circumstances: Circumstances,
): Step[] {
  const demands = states.map(({ demand }) => demand);
  const runningJobs = states.reduce((sum, { reading }) => sum + reading.activeJobs, 0);
  const least = circumstances.recoverableJobs > 0 || runningJobs > 0 ? 1 : 0;
  let bounds: readonly Bounds[] = demands;
  let workers = withinBounds(bounds, least, pool, circumstances);
  const why = say.recommendation(workers, demands, pool, policy, {
    ...circumstances,
    runningJobs,
  });
  const steps: Step[] = [{ step: 'recommend', workers, why }];

  for (const { step, change } of obstacles) {
    const changed = bounds.map((each, index) => {
      const state = states[index];
      return state === undefined ? each : change(each, state, pool);
    });
    const stopped = states.filter((_, index) => changed[index] !== bounds[index]);
    bounds = changed;
    const limited = withinBounds(bounds, least, pool, circumstances);
    if (limited === workers) continue;
    workers = limited;
    steps.push({ step, workers, why: say.limitation(step, stopped, pool) });
  }

  if (observation.workers.protection === 'none' && workers < pool.workers) {
    const atRisk = states.reduce(
      (sum, { reading, times }) => sum + jobsAtRisk(reading, times, pool.nowMs),
      0,
    );
    const kept = Math.max(workers, fewestToKeep(pool, atRisk));
    if (kept > workers)
      steps.push({
        step: 'expected-interruptions',
        workers: kept,
        why: say.interruptions(atRisk, pool),
      });
  }
  return steps;
}

/** The number stays as it is between the highest lower bound and the highest upper bound, and else goes to the nearer. */
function withinBounds(
  bounds: readonly Bounds[],
  least: number,
  { servingWorkers }: Pool,
  { held, isWatched }: Circumstances,
): number {
  let lower = least;
  let upper = Math.max(held, isWatched ? 0 : servingWorkers);
  for (const each of bounds) {
    if (each.lower > lower) lower = each.lower;
    if (each.upper > upper) upper = each.upper;
  }
  return Math.max(lower, Math.min(upper, servingWorkers));
}

/** What keeps more workers from helping, in the order in which it counts; the bounds themselves where it does not. */
const obstacles: readonly {
  readonly step: say.Obstacle;
  readonly change: (bounds: Bounds, state: QueueState, pool: Pool) => Bounds;
}[] = [
  {
    step: 'queue-concurrency',
    change: (bounds, state, pool) => cut(bounds, concurrencyMost(state, pool)),
  },
  {
    step: 'queue-rate-limit',
    change: (bounds, { reading }, { servingWorkers }) =>
      reading.rateLimitedForSeconds === null || bounds.lower <= servingWorkers
        ? bounds
        : { ...bounds, lower: servingWorkers },
  },
  {
    step: 'ineffective-workers',
    change: (bounds, { cap }) => cut(bounds, cap?.workers ?? Infinity),
  },
  {
    step: 'stuck-jobs',
    change: (bounds, { isStuck, isStalling }, { servingWorkers }) => {
      if (!isStuck && (!isStalling || bounds.lower <= servingWorkers)) return bounds;
      const lower = Math.min(bounds.lower, servingWorkers);
      return { lower, upper: isStuck ? Math.max(bounds.upper, servingWorkers) : bounds.upper };
    },
  },
];

function cut(bounds: Bounds, most: number): Bounds {
  return bounds.lower <= most && bounds.upper <= most
    ? bounds
    : { lower: Math.min(bounds.lower, most), upper: Math.min(bounds.upper, most) };
}

/** A worker beyond a queue's global concurrency ÷ its own slots would idle. */
function concurrencyMost({ reading }: QueueState, { slotsPerWorker }: Pool): number {
  const { concurrencyLimit } = reading;
  return concurrencyLimit === null
    ? Infinity
    : Math.max(1, Math.ceil(concurrencyLimit / slotsPerWorker));
}

function usefulMost(state: QueueState, pool: Pool): number {
  return Math.min(concurrencyMost(state, pool), state.cap?.workers ?? Infinity);
}
