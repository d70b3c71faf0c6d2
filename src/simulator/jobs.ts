import type { TraceJob } from './trace.ts';
import { after, type Dyno, type Job, type Run, type SimulatedQueue, type World } from './world.ts';

/** Jobs that become ready within one bin are told to policies as due together. */
export const dueBinSeconds = 5;
/** As many ended jobs as a policy is shown of each queue. */
export const finishedMax = 200;
/** A killed job is noticed when its lock has ended and somebody has looked for such jobs, as BullMQ's defaults have it. */
const lockSecondsMin = 15;
const lockSecondsMax = 30;
const stalledCheckSeconds = 30;
/** BullMQ's maxStalledCount: a job that loses its worker more often has failed. */
const stallsMax = 1;

/** The job becomes known: it is ready, or will be. */
export function addJob(world: World, trace: TraceJob): void {
  const queue = queueOf(world, trace);
  world.counts.jobs += 1;
  queue.added += 1;
  queue.unfinished += 1;
  const job = { id: world.counts.jobs, trace, stalls: 0 };
  if (trace.arrivalSeconds <= world.nowSeconds) {
    becomeReady(world, queue, job);
    return;
  }
  const bin = Math.floor(trace.arrivalSeconds / dueBinSeconds);
  queue.delayed += 1;
  queue.dueBins.set(bin, (queue.dueBins.get(bin) ?? 0) + 1);
  world.delayed.push(trace.arrivalSeconds, job);
}

/** A delayed job is due. */
export function releaseJob(world: World, job: Job): void {
  const queue = queueOf(world, job.trace);
  const bin = Math.floor(job.trace.arrivalSeconds / dueBinSeconds);
  const left = (queue.dueBins.get(bin) ?? 0) - 1;
  if (left > 0) queue.dueBins.set(bin, left);
  else queue.dueBins.delete(bin);
  queue.delayed -= 1;
  becomeReady(world, queue, job);
}

function becomeReady(world: World, queue: SimulatedQueue, job: Job): void {
  queue.ready.push(job);
  dispatch(world, queue);
}

/** The attempt that ends next has succeeded. */
export function finishJob(world: World, run: Run): void {
  const { job, startedAtSeconds } = run;
  const queue = queueOf(world, job.trace);
  leave(world, queue, run);
  queue.held.delete(run);
  queue.unfinished -= 1;
  queue.finished.push({
    jobName: job.trace.name,
    durationSeconds: world.nowSeconds - startedAtSeconds,
    waitSeconds: startedAtSeconds - job.trace.arrivalSeconds,
  });
  if (queue.finished.length >= 2 * finishedMax) queue.finished.splice(0, finishedMax);
  const { arrivalSeconds } = job.trace;
  world.onDone(arrivalSeconds, startedAtSeconds - arrivalSeconds);
  dispatch(world, queue);
}

/** The dyno is killed while it runs the job: nobody knows until the job's lock has ended. */
export function killJob(world: World, run: Run): void {
  const { job } = run;
  const queue = queueOf(world, job.trace);
  run.isInterrupted = true;
  leave(world, queue, run);
  world.counts.kills += 1;
  const lockSeconds = lockSecondsMin + (lockSecondsMax - lockSecondsMin) * world.stallRandom();
  const checkSeconds = stalledCheckSeconds * world.stallRandom();
  after(world, lockSeconds, () => {
    queue.held.delete(run);
    queue.orphans.add(job);
    after(world, checkSeconds, () => {
      recover(world, queue, job);
    });
  });
}

/** Only a live worker looks for jobs that lost theirs. */
function recover(world: World, queue: SimulatedQueue, job: Job): void {
  if (!world.formation.some(({ state }) => state === 'up')) {
    after(world, stalledCheckSeconds, () => {
      recover(world, queue, job);
    });
    return;
  }
  queue.orphans.delete(job);
  job.stalls += 1;
  if (job.stalls > stallsMax) {
    queue.unfinished -= 1;
    world.counts.lost += 1;
  } else queue.ready.pushFirst(job);
  dispatch(world, queue);
}

/** A companion that was told to end gives the job back to the queue. */
export function handJobBack(world: World, run: Run): void {
  const queue = queueOf(world, run.job.trace);
  run.isInterrupted = true;
  leave(world, queue, run);
  queue.held.delete(run);
  queue.ready.pushFirst(run.job);
  world.counts.handedBack += 1;
  dispatch(world, queue);
}

function leave(world: World, queue: SimulatedQueue, run: Run): void {
  world.running -= 1;
  run.dyno.runs.delete(run);
  const worker = run.dyno.workers[queue.index];
  if (worker === undefined) return;
  worker.freeSlots += 1;
  joinLine(world, queue, run.dyno);
}

/** Has the dyno's worker wait for a job, if it may and does not yet. */
export function joinLine(world: World, queue: SimulatedQueue, dyno: Dyno): void {
  const worker = dyno.workers[queue.index];
  if (worker === undefined || worker.isWaiting || worker.freeSlots === 0) return;
  if (!takesJobs(world, dyno)) return;
  worker.isWaiting = true;
  queue.waiting.push(worker);
}

/**
 * Hands ready jobs to free slots. A worker waits for one job at a time and joins the end of the line with its next free
 * slot, as a BullMQ worker does, so that jobs spread over all workers.
 */
export function dispatch(world: World, queue: SimulatedQueue): void {
  while (queue.ready.size() > 0 && queue.waiting.size() > 0 && mayStart(world, queue)) {
    const worker = queue.waiting.shift();
    if (worker === undefined) return;
    worker.isWaiting = false;
    if (!takesJobs(world, worker.dyno)) continue;
    const job = queue.ready.shift();
    if (job === undefined) return;
    start(world, queue, job, worker.dyno);
    worker.freeSlots -= 1;
    joinLine(world, queue, worker.dyno);
  }
}

function start(world: World, queue: SimulatedQueue, job: Job, dyno: Dyno): void {
  const run = { job, dyno, startedAtSeconds: world.nowSeconds, isInterrupted: false };
  queue.startsInWindow += 1;
  queue.held.add(run);
  dyno.runs.add(run);
  world.running += 1;
  world.ends.push(world.serviceSeconds + job.trace.serviceSeconds, run);
}

/** Whether the queue's own limits let another job start; if only the time must pass, somebody looks again by then. */
function mayStart(world: World, queue: SimulatedQueue): boolean {
  const { runningMax, startsPerSecondMax } = world.trace.environment;
  if (runningMax !== null && queue.held.size + queue.orphans.size >= runningMax) return false;
  if (startsPerSecondMax === null) return true;
  if (world.nowSeconds >= queue.limitedUntilSeconds) {
    const startsMax = startsInWindowMax(startsPerSecondMax);
    queue.limitedUntilSeconds = world.nowSeconds + startsMax / startsPerSecondMax;
    queue.startsInWindow = 0;
    // Whatever waits then can start, and nothing else would look.
    world.timers.push(queue.limitedUntilSeconds, () => {
      dispatch(world, queue);
    });
  }
  return queue.startsInWindow < startsInWindowMax(startsPerSecondMax);
}

/** A limit of less than one a second is one in a longer window. */
function startsInWindowMax(startsPerSecondMax: number): number {
  return Math.max(1, Math.floor(startsPerSecondMax));
}

function takesJobs(world: World, dyno: Dyno): boolean {
  return dyno.state === 'up' && world.nowSeconds < dyno.drainsFromSeconds;
}

function queueOf(world: World, { queue }: TraceJob): SimulatedQueue {
  const found = world.queueByName.get(queue);
  if (found === undefined) throw new Error(`the trace has a job of the unlisted queue "${queue}"`);
  return found;
}
