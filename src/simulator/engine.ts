import { endIfEmpty, mark, paidDynos, scaleTo, startFormation } from './dynos.ts';
import { addJob, finishJob, releaseJob } from './jobs.ts';
import type { PolicyKind, PolicySettings, SimulatedPolicy } from './policy.ts';
import { createTally, type OnDone, type RunResult } from './tally.ts';
import type { Trace, TraceJob } from './trace.ts';
import { look } from './view.ts';
import { after, createWorld, type Platform, type World } from './world.ts';

/** A run that is not done so long after the horizon never will be: what is left counts as lost. */
const patienceSeconds = 86_400;

/** When a run is cut; what counts as the wait of a job that never succeeded. */
export function cutSeconds({ horizonSeconds }: Trace): number {
  return horizonSeconds + patienceSeconds;
}

/** What is told of a run while it goes on. */
export type Watcher = {
  /** Time between two samples. */
  readonly sampleSeconds: number;
  readonly onSample: (nowSeconds: number, readyJobs: number, workers: number) => void;
  readonly onDone: OnDone;
};

export type Simulation = {
  /** Goes on until this time of the trace; returns whether the run is over. */
  playUntil(seconds: number): boolean;
  result(): RunResult;
};

/** Plays a trace through a policy to its end. */
export function simulate(
  trace: Trace,
  kind: PolicyKind,
  settings: PolicySettings,
  platform: Platform,
): RunResult {
  const simulation = createSimulation(trace, kind, settings, platform);
  simulation.playUntil(Infinity);
  return simulation.result();
}

/**
 * One policy at work on one trace. Time jumps from event to event, and memory holds the jobs that have not ended, not
 * those of the whole trace.
 */
export function createSimulation(
  trace: Trace,
  kind: PolicyKind,
  settings: PolicySettings,
  platform: Platform,
  watcher?: Watcher,
): Simulation {
  const cutAtSeconds = cutSeconds(trace);
  const { counts, done, result } = createTally(settings.targetWaitSeconds, cutAtSeconds);
  const policy = kind.create(settings);
  const protection = policy.protection ?? 'none';
  const { concurrency } = settings;
  const world = createWorld(trace, platform, {
    protection,
    concurrency,
    counts,
    onDone(dueAtSeconds, waitSeconds) {
      done(dueAtSeconds, waitSeconds);
      watcher?.onDone(dueAtSeconds, waitSeconds);
    },
  });
  const jobs: Iterator<TraceJob, unknown> = trace.jobs()[Symbol.iterator]();
  let upcoming = nextJob();
  let lookAtSeconds = 0;
  let isOver = false;
  startFormation(world, policy.minWorkers);
  scheduleOutages(world);
  if (watcher !== undefined) sample(world, watcher);

  return {
    playUntil(seconds) {
      while (!isOver && world.nowSeconds < seconds) step();
      return isOver;
    },
    result: () => result(kind.name),
  };

  function nextJob(): TraceJob | null {
    const next = jobs.next();
    return next.done === true ? null : next.value;
  }

  /** Does whatever happens next. At one moment jobs end first, then others come, and policies look last. */
  function step(): void {
    const endSeconds = nextEndSeconds(world);
    const dueSeconds = world.delayed.firstKey();
    const knownSeconds = upcoming?.knownAtSeconds ?? Infinity;
    const timerSeconds = world.timers.firstKey();
    const next = Math.min(endSeconds, dueSeconds, knownSeconds, timerSeconds, lookAtSeconds);

    const isDone = upcoming === null && world.queues.every(({ unfinished }) => unfinished === 0);
    const lastSeconds = isDone ? Math.max(trace.horizonSeconds, world.nowSeconds) : cutAtSeconds;
    if (next > lastSeconds) {
      finish(lastSeconds);
      return;
    }
    passTime(world, next);
    if (next === endSeconds) endNextJob(world);
    else if (next === dueSeconds) releaseNextJob(world);
    else if (upcoming !== null && next === knownSeconds) {
      addJob(world, upcoming);
      upcoming = nextJob();
    } else if (next === timerSeconds) world.timers.pop()?.();
    else lookAtSeconds = carryOut(world, policy, settings);
  }

  function finish(atSeconds: number): void {
    passTime(world, atSeconds);
    isOver = true;
    counts.lost += world.queues.reduce((sum, { unfinished }) => sum + unfinished, 0);
  }
}

/** Has the policy look and does what it orders; returns when it wants to look again. */
function carryOut(world: World, policy: SimulatedPolicy, settings: PolicySettings): number {
  const { workers, marked, lookAgainAfterSeconds } = policy.look(look(world));
  const bounded = Math.max(policy.minWorkers, Math.min(workers, settings.maxWorkers));
  // Those that go are no longer marked, and would take a job in their last moment if that was heard first.
  scaleTo(world, bounded);
  mark(world, marked);
  const { pollSeconds } = policy;
  const polls = Math.floor(world.nowSeconds / pollSeconds + 1e-9) + 1;
  return Math.min(polls * pollSeconds, world.nowSeconds + (lookAgainAfterSeconds ?? Infinity));
}

/** How fast running jobs progress: 1 unless something outside the workers slows all of them. */
function pace({ trace, running, outages }: World): number {
  if (outages > 0) return 0;
  const { downstreamCapacity } = trace.environment;
  return downstreamCapacity === null ? 1 : Math.min(1, downstreamCapacity / running);
}

function passTime(world: World, toSeconds: number): void {
  const seconds = Math.max(0, toSeconds - world.nowSeconds);
  if (world.running > 0) world.serviceSeconds += seconds * pace(world);
  world.counts.dynoSeconds += seconds * paidDynos(world);
  world.nowSeconds += seconds;
}

function nextEndSeconds(world: World): number {
  while (world.ends.first()?.isInterrupted === true) world.ends.pop();
  if (world.running === 0) return Infinity;
  const left = Math.max(0, world.ends.firstKey() - world.serviceSeconds);
  return left === 0 ? world.nowSeconds : world.nowSeconds + left / pace(world);
}

function endNextJob(world: World): void {
  const run = world.ends.pop();
  if (run === undefined) return;
  finishJob(world, run);
  endIfEmpty(world, run.dyno);
}

function releaseNextJob(world: World): void {
  const job = world.delayed.pop();
  if (job !== undefined) releaseJob(world, job);
}

function scheduleOutages(world: World): void {
  for (const { fromSeconds, toSeconds } of world.trace.environment.outages) {
    world.timers.push(fromSeconds, () => {
      world.outages += 1;
    });
    world.timers.push(toSeconds, () => {
      world.outages -= 1;
    });
  }
}

function sample(world: World, watcher: Watcher): void {
  const readyJobs = world.queues.reduce((sum, { ready }) => sum + ready.size(), 0);
  watcher.onSample(world.nowSeconds, readyJobs, world.formation.length);
  after(world, watcher.sampleSeconds, () => {
    sample(world, watcher);
  });
}
