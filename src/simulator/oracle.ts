import { OperationalError } from '../errors.ts';
import { createLinearProgram, type LinearProgram, type Term } from './oracle/linear-program.ts';
import { workByQueue, type QueueWork } from './oracle/work-curves.ts';
import type { Trace } from './trace.ts';

type OracleSettings = {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly targetWaitSeconds: number;
  /** Jobs one worker runs at once for each queue. */
  readonly concurrency: number;
  /** What a dyno is paid for before it can work. */
  readonly bootMeanSeconds: number;
};

/** The share of the jobs that may start later than the target. */
const excusedShare = 0.01;
/** Dynos are counted in steps of at most this long; the target wait is a whole number of them. */
const stepSecondsMax = 10;

/**
 * Dyno-seconds that even somebody who knows the whole trace in advance must pay for, so that all work is done and 99 %
 * of the jobs start within the target: a linear program. It boots dynos just before they are needed, has fractions of
 * dynos, never interrupts a job, may share out a queue's work in any order, and may choose the moments whose (average)
 * jobs are late. Whatever limits the trace's environment sets are ignored, so a bound for those is too low to be of use.
 * @throws {OperationalError} `CONFIG_INVALID` when all workers together are too few, or the solver is not installed
 */
export async function clairvoyantDynoSeconds(
  trace: Trace,
  { minWorkers, maxWorkers, targetWaitSeconds, concurrency, bootMeanSeconds }: OracleSettings,
): Promise<number> {
  const lag = Math.ceil(targetWaitSeconds / stepSecondsMax);
  const stepSeconds = targetWaitSeconds / lag;
  const queues = workByQueue(trace, stepSeconds, lag);
  const steps = queues[0]?.jobs.length ?? 0;
  const program = createLinearProgram();
  const paidUntil = Math.floor(trace.horizonSeconds / stepSeconds);
  const dynos = Array.from({ length: steps }, (_, step) =>
    program.variable({ least: step < paidUntil ? minWorkers : 0, most: maxWorkers, cost: 1 }),
  );
  for (const [step, here] of dynos.entries()) {
    const started = program.variable({
      least: 0,
      most: Infinity,
      cost: bootMeanSeconds / stepSeconds,
    });
    const before = dynos[step - 1];
    // The least number of workers is there when the trace begins.
    const grown = before === undefined ? sumOf(here) : differenceOf(here, before);
    program.row(-Infinity, [...grown, [-1, started]], before === undefined ? minWorkers : 0);
  }
  const excused = queues.flatMap((queue) =>
    serve(program, queue, { dynos, lag, unitSeconds: concurrency * stepSeconds }),
  );
  const jobs = queues.flatMap((queue) => [...queue.jobs]).reduce((sum, some) => sum + some, 0);
  program.row(-Infinity, excused, excusedShare * jobs);
  const dynoSteps = await program.solve();
  if (dynoSteps === null) {
    const message = `${maxWorkers} workers are too few for 99 % within ${targetWaitSeconds} s, however they are used`;
    throw new OperationalError('CONFIG_INVALID', message, { hint: 'Allow more workers.' });
  }
  return stepSeconds * dynoSteps;
}

type Service = {
  readonly dynos: readonly number[];
  /** Steps from an arrival to its deadline. */
  readonly lag: number;
  /** What one dyno does in one step. */
  readonly unitSeconds: number;
};

/**
 * Adds one queue, whose work is counted in what a dyno does in a step: work done in time, and work of excused jobs that
 * is done after their deadline. Returns the number of excused jobs, as terms of a row.
 */
function serve(
  program: LinearProgram,
  queue: QueueWork,
  { dynos, lag, unitSeconds }: Service,
): readonly Term[] {
  const brought = inUnits(queue.broughtSeconds, unitSeconds);
  const done = inUnits(queue.doneSeconds, unitSeconds);
  const total = at(done, done.length - 1);
  const any = done.map(() => Infinity);
  const inTime = runningSum(program, any, done);
  const late = runningSum(program, any, any);
  const excused = runningSum(program, brought, any);
  for (const [step, dyno] of dynos.entries()) {
    const served: readonly Term[] = [
      [1, at(inTime.amounts, step)],
      [1, at(late.amounts, step)],
    ];
    program.row(-Infinity, [...served, [-1, dyno]], 0);
  }
  keepDeadlines(program, inTime.sums, late.sums, excused.sums, done, lag);
  keepArrivals(program, inTime.sums, excused.sums, done, queue.doneBy);
  const last = done.length - 1;
  program.row(total, sumOf(at(inTime.sums, last), at(late.sums, last)), total);
  return excused.amounts.flatMap((amount, step): readonly Term[] => {
    const work = at(brought, step);
    return work > 0 ? [[at(queue.jobs, step) / work, amount]] : [];
  });
}

/** What would be done if every job started at its deadline is done by then, or excused; excused work comes after it. */
function keepDeadlines(
  program: LinearProgram,
  inTime: readonly number[],
  late: readonly number[],
  excused: readonly number[],
  done: readonly number[],
  lag: number,
): void {
  for (const [step, doneLate] of late.entries()) {
    const due = excused[step - lag];
    if (due === undefined) program.row(0, [[1, doneLate]], 0);
    else {
      program.row(at(done, step - lag), sumOf(at(inTime, step), due), Infinity);
      program.row(-Infinity, differenceOf(doneLate, due), 0);
    }
  }
}

/** No more is done than has arrived; excused work is not for now, so it is taken off once it could have been done. */
function keepArrivals(
  program: LinearProgram,
  inTime: readonly number[],
  excused: readonly number[],
  done: readonly number[],
  doneBy: Int32Array,
): void {
  let completed = -1;
  for (const [step, doneInTime] of inTime.entries()) {
    while ((doneBy[completed + 1] ?? Infinity) <= step) completed += 1;
    const off = excused[completed];
    if (off !== undefined) program.row(-Infinity, sumOf(doneInTime, off), at(done, step));
  }
}

/** For each step an amount, and the sum of the amounts up to it. */
function runningSum(
  program: LinearProgram,
  amountsMost: readonly number[],
  sumsMost: readonly number[],
) {
  const amounts: number[] = [];
  const sums: number[] = [];
  for (const [step, most] of amountsMost.entries()) {
    const amount = program.variable({ least: 0, most });
    const sum = program.variable({ least: 0, most: at(sumsMost, step) });
    const before = sums.at(-1);
    const growth = before === undefined ? sumOf(sum) : differenceOf(sum, before);
    program.row(0, [...growth, [-1, amount]], 0);
    amounts.push(amount);
    sums.push(sum);
  }
  return { amounts, sums };
}

function sumOf(...variables: readonly number[]): readonly Term[] {
  return variables.map((variable): Term => [1, variable]);
}

function differenceOf(one: number, other: number): readonly Term[] {
  return [
    [1, one],
    [-1, other],
  ];
}

/** Sums of many small numbers may end a hair below 0. */
function inUnits(seconds: Float64Array, unitSeconds: number): number[] {
  return Array.from(seconds, (value) => Math.max(0, value / unitSeconds));
}

function at(values: ArrayLike<number>, step: number): number {
  const value = values[step];
  if (value === undefined) throw new RangeError(`There is no step ${step}.`);
  return value;
}
