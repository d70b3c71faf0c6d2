import type { WorkersReading } from '../../src/decision/types.ts';
import { createSimulation } from '../../src/simulator/engine.ts';
import type { Order, PolicyKind, PolicySettings, View } from '../../src/simulator/policy.ts';
import type { Platform } from '../../src/simulator/world.ts';
import type { RunResult } from '../../src/simulator/tally.ts';
import {
  openEnvironment,
  type Environment,
  type Trace,
  type TraceJob,
} from '../../src/simulator/trace.ts';

/** A job of which only what matters is said. */
export type SomeJob = Partial<TraceJob> & Pick<TraceJob, 'arrivalSeconds' | 'serviceSeconds'>;

export function traceOf(
  jobs: readonly SomeJob[],
  { horizonSeconds = 0, ...environment }: Partial<Environment> & { horizonSeconds?: number } = {},
): Trace {
  const all = jobs.map((job) => ({
    queue: 'default',
    name: 'job',
    knownAtSeconds: job.arrivalSeconds,
    ...job,
  }));
  return {
    name: 'made for a test',
    queues: [...new Set(all.map(({ queue }) => queue))],
    horizonSeconds,
    meanServiceSeconds: 1,
    environment: { ...openEnvironment, ...environment },
    jobs: () => all,
  };
}

/** Looks every second, asks for what the script says from each of its seconds on, and keeps what it saw. */
export function scripted(
  orders: Readonly<Record<number, number | (Partial<Order> & { readonly workers: number })>>,
  {
    minWorkers = 0,
    protection = 'none',
  }: { readonly minWorkers?: number; readonly protection?: WorkersReading['protection'] } = {},
): PolicyKind & { readonly views: ReadonlyMap<number, View> } {
  const views = new Map<number, View>();
  return {
    views,
    name: 'scripted',
    source: 'a test',
    create() {
      let order: Order = { workers: minWorkers, marked: [], lookAgainAfterSeconds: null };
      let second = 0;
      return {
        pollSeconds: 1,
        minWorkers: Math.min(minWorkers, ...Object.values(orders).map(workersOf)),
        protection,
        look(view) {
          views.set(second, view);
          const next = orders[second] ?? {};
          order = { ...order, ...(typeof next === 'number' ? { workers: next } : next) };
          second += 1;
          return order;
        },
      };
    },
  };
}

function workersOf(order: number | { readonly workers: number }): number {
  return typeof order === 'number' ? order : order.workers;
}

export const someSettings: PolicySettings = {
  minWorkers: 0,
  maxWorkers: 10,
  targetWaitSeconds: 120,
  concurrency: 1,
  eventsPerWorker: 100,
  pollSeconds: 5,
  meanServiceSeconds: 1,
};

export type Played = RunResult & {
  /** The jobs that succeeded in the order in which they did. */
  readonly done: readonly { readonly due: number; readonly wait: number }[];
};

/** Every boot takes 30 s, unless said otherwise, and the order is noticed after 1 s. */
export function play(
  trace: Trace,
  kind: PolicyKind,
  settings: Partial<PolicySettings & Platform> = {},
): Played {
  const done: { due: number; wait: number }[] = [];
  const watcher = {
    sampleSeconds: 60,
    onSample: () => undefined,
    onDone: (due: number, wait: number) => done.push({ due, wait }),
  };
  const all = { ...someSettings, bootSecondsMin: 30, bootSecondsMax: 30, seed: 1, ...settings };
  const simulation = createSimulation(trace, kind, all, all, watcher);
  simulation.playUntil(Infinity);
  return { ...simulation.result(), done };
}
