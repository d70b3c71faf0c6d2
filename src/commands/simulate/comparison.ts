import { setImmediate as pause } from 'node:timers/promises';
import { readCsvTrace } from '../../simulator/csv/csv-trace.ts';
import { bootMeanSeconds } from '../../simulator/dynos.ts';
import { createSimulation } from '../../simulator/engine.ts';
import { clairvoyantDynoSeconds } from '../../simulator/oracle.ts';
import type { PolicyKind, PolicySettings } from '../../simulator/policy.ts';
import type { RunResult } from '../../simulator/tally.ts';
import { createTimeline, type Timeline } from '../../simulator/timeline.ts';
import type { Trace } from '../../simulator/trace.ts';
import type { Platform } from '../../simulator/world.ts';
import type { Surroundings } from '../command.ts';
import type { SimulateOptions } from './options.ts';
import { createProgress } from './progress.ts';

export type Run = {
  readonly kind: PolicyKind;
  readonly result: RunResult;
  /** How it went over time; null when nobody wants to see it. */
  readonly timeline: Timeline | null;
};

/** Some policies at work on the same traffic. */
export type Comparison = {
  readonly trace: Trace;
  readonly settings: PolicySettings & Platform;
  readonly runs: readonly Run[];
  /** The least that somebody who knew the future would pay; null when nobody asked. */
  readonly oracleDynoSeconds: number | null;
};

/** Between two slices of a run the process can be told to stop, and progress shows. */
const slices = 200;

/**
 * Plays the traffic through every policy; null when the process was asked to end before that was done.
 * @throws {OperationalError} `CONFIG_INVALID` for a trace that cannot be played; or when the bound cannot be computed
 */
export async function compare(
  options: SimulateOptions,
  surroundings: Pick<Surroundings, 'complain' | 'nowMs' | 'shutdown' | 'showsProgress'>,
): Promise<Comparison | null> {
  const { complain, shutdown } = surroundings;
  const trace = traceOf(options, (warning) => {
    complain(`simulate: ${warning}\n`);
  });
  const settings = settingsOf(options, trace);
  const oracleDynoSeconds = options.isOracle
    ? await clairvoyantDynoSeconds(trace, {
        ...settings,
        bootMeanSeconds: bootMeanSeconds(settings),
      })
    : null;
  const progress = createProgress(surroundings);
  const runs: Run[] = [];
  try {
    for (const kind of options.policy) {
      const timeline = options.htmlPath === null ? null : createTimeline(trace.horizonSeconds);
      const simulation = createSimulation(trace, kind, settings, settings, timeline?.watcher);
      for (let slice = 1; ; slice += 1) {
        const share = slice / slices;
        if (simulation.playUntil(share * trace.horizonSeconds)) break;
        // Beyond the horizon the slices are as long as before it, and nobody knows how many there will be.
        progress.show(kind.name, (runs.length + Math.min(1, share)) / options.policy.length);
        await pause();
        if (shutdown.aborted) return null;
      }
      runs.push({ kind, result: simulation.result(), timeline });
    }
  } finally {
    progress.clear();
  }
  return { trace, settings, runs, oracleDynoSeconds };
}

function traceOf({ traffic, seed }: SimulateOptions, warn: (warning: string) => void): Trace {
  return traffic.kind === 'file' ? readCsvTrace(traffic.path, warn) : traffic.scenario.create(seed);
}

function settingsOf(options: SimulateOptions, trace: Trace): PolicySettings & Platform {
  return {
    minWorkers: options.min,
    maxWorkers: options.max,
    targetWaitSeconds: options['target-wait'] / 1000,
    concurrency: options.concurrency,
    eventsPerWorker: options['events-per-worker'],
    pollSeconds: options.poll / 1000,
    meanServiceSeconds: trace.meanServiceSeconds,
    bootSecondsMin: options.boot.minMs / 1000,
    bootSecondsMax: options.boot.maxMs / 1000,
    seed: options.seed,
  };
}
