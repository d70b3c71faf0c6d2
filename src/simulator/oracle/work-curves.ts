import type { Trace } from '../trace.ts';

/** What one queue brings, step by step. */
export type QueueWork = {
  /** Jobs that arrive during the step. */
  readonly jobs: Float64Array;
  /** Seconds of work that they bring. */
  readonly broughtSeconds: Float64Array;
  /** Seconds of work done by the end of the step if every job starts when it arrives: the most there can be. */
  readonly doneSeconds: Float64Array;
  /** The last step by whose end no job of this step or an earlier one could still be running, started on arrival. */
  readonly doneBy: Int32Array;
};

/** Goes on until the last job would be done, had it started at once, and for as many steps more. */
export function workByQueue(
  trace: Trace,
  stepSeconds: number,
  moreSteps: number,
): readonly QueueWork[] {
  let end = trace.horizonSeconds;
  for (const job of trace.jobs()) end = Math.max(end, job.arrivalSeconds + job.serviceSeconds);
  const steps = Math.ceil(end / stepSeconds) + 1 + moreSteps;
  const places = new Map(trace.queues.map((queue) => [queue, emptySums(steps)]));
  for (const { queue, arrivalSeconds, serviceSeconds } of trace.jobs()) {
    const sums = places.get(queue);
    if (sums === undefined)
      throw new Error(`The trace has a job on ${queue}, which it does not list.`);
    const arrival = Math.floor(arrivalSeconds / stepSeconds);
    const end = arrivalSeconds + serviceSeconds;
    const done = Math.floor(end / stepSeconds);
    add(sums.jobs, arrival, 1);
    add(sums.broughtSeconds, arrival, serviceSeconds);
    // A job that runs from its arrival has done (t - arrival) by t, until (t - end) is to be taken off again.
    add(sums.running, arrival, 1);
    add(sums.running, done, -1);
    add(sums.since, arrival, arrivalSeconds);
    add(sums.since, done, -end);
    sums.doneBy[arrival] = Math.max(sums.doneBy[arrival] ?? 0, done);
  }
  return [...places.values()].map((sums) => curvesOf(sums, stepSeconds));
}

type Sums = ReturnType<typeof emptySums>;

function emptySums(steps: number) {
  return {
    jobs: new Float64Array(steps),
    broughtSeconds: new Float64Array(steps),
    running: new Float64Array(steps),
    since: new Float64Array(steps),
    doneBy: new Int32Array(steps),
  };
}

function curvesOf({ jobs, broughtSeconds, running, since, doneBy }: Sums, stepSeconds: number) {
  const doneSeconds = new Float64Array(jobs.length);
  let runningNow = 0;
  let sinceNow = 0;
  let lastDone = 0;
  for (let step = 0; step < jobs.length; step++) {
    runningNow += running[step] ?? 0;
    sinceNow += since[step] ?? 0;
    doneSeconds[step] = (step + 1) * stepSeconds * runningNow - sinceNow;
    lastDone = Math.max(lastDone, doneBy[step] ?? 0);
    doneBy[step] = lastDone;
  }
  return { jobs, broughtSeconds, doneSeconds, doneBy };
}

function add(sums: Float64Array, step: number, amount: number): void {
  sums[step] = (sums[step] ?? 0) + amount;
}
