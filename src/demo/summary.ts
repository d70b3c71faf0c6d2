import type { Job } from 'bullmq';
import { maxWorkers } from './app.ts';
import { queueNames, type Queues, type Work } from './jobs.ts';
import type { DemoRedis } from './redis.ts';
import type { Stage } from './stage.ts';

/** What became of the jobs, and what it cost. */
export type Summary = {
  readonly jobsIn: number;
  readonly jobsDone: number;
  /** How often a job had to be started again, because its worker was ended while it ran. */
  readonly jobsInterrupted: number;
  /** The same of the second app, which got the same jobs and does not protect them. */
  readonly jobsInterruptedUnprotected: number;
  /** From the moment a job could be started until it was started for the last time; null without jobs. */
  readonly longestWaitSeconds: number | null;
  /** 95 of 100 jobs waited no longer. */
  readonly p95WaitSeconds: number | null;
  /** Seconds of all workers from the request for each to its end, which is what Heroku bills. */
  readonly dynoSeconds: number;
  /** What as many workers as are allowed would have used if they had run all the time. */
  readonly fixedFleetDynoSeconds: number;
  /** Calls to the Platform API that set the number of workers. */
  readonly formationPatches: number;
  readonly seconds: number;
  readonly redisServer: DemoRedis['server'];
  readonly daemonCrashed: boolean;
};

export type Counts = {
  /** Jobs that a free worker could start now. */
  readonly ready: number;
  readonly running: number;
  readonly later: number;
  readonly done: number;
  readonly failed: number;
};

/** What the queues hold, all together. */
export async function countJobs(queues: Queues): Promise<Counts> {
  const counts = await Promise.all(queueNames.map((name) => queues[name].getJobCounts()));
  const sum = (...states: readonly string[]) =>
    counts.flatMap((count) => states.map((state) => count[state] ?? 0)).reduce((a, b) => a + b, 0);
  return {
    ready: sum('waiting', 'prioritized'),
    running: sum('active'),
    later: sum('delayed'),
    done: sum('completed'),
    failed: sum('failed'),
  };
}

/** Starts to account; the returned function tells what came together since. */
export function startAccount(stage: Stage): () => Promise<Summary> {
  const { heroku, queues, daemon } = stage.app;
  const workerSeconds = () => heroku.usage().dynoSeconds['worker'] ?? 0;
  const patches = () => heroku.usage().formationPatches;
  const before = { atMs: Date.now(), workerSeconds: workerSeconds(), patches: patches() };

  return async () => {
    const seconds = (Date.now() - before.atMs) / 1000;
    const dynoSeconds = workerSeconds() - before.workerSeconds;
    const { ready, running, later, done, failed } = await countJobs(queues);
    const jobs = (await Promise.all(queueNames.map((name) => queues[name].getCompleted()))).flat();
    const waits = jobs.map(waitSeconds).sort((a, b) => a - b);
    return {
      jobsIn: ready + running + later + done + failed,
      jobsDone: done,
      jobsInterrupted: await countInterruptions(queues),
      jobsInterruptedUnprotected: await countInterruptions(stage.unprotected.queues),
      longestWaitSeconds: waits.at(-1) ?? null,
      p95WaitSeconds: waits[Math.ceil(0.95 * waits.length) - 1] ?? null,
      dynoSeconds: rounded(dynoSeconds),
      fixedFleetDynoSeconds: rounded(maxWorkers * seconds),
      formationPatches: patches() - before.patches,
      seconds: rounded(seconds),
      redisServer: stage.redis.server,
      daemonCrashed: daemon.hasCrashed(),
    };
  };
}

async function countInterruptions(queues: Queues): Promise<number> {
  const jobs = (await Promise.all(queueNames.map((name) => queues[name].getJobs()))).flat();
  return jobs.reduce((sum, { attemptsStarted }) => sum + Math.max(0, attemptsStarted - 1), 0);
}

function waitSeconds({ timestamp, opts, processedOn = timestamp }: Job<Work>): number {
  return rounded(Math.max(0, processedOn - timestamp - (opts.delay ?? 0)) / 1000);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}

export function isGood({ jobsIn, jobsDone, daemonCrashed }: Summary): boolean {
  return jobsDone === jobsIn && !daemonCrashed;
}

/** The summary as a person reads it. */
export function readable(summary: Summary): string {
  const { jobsIn, jobsDone, dynoSeconds, fixedFleetDynoSeconds } = summary;
  const shown = (seconds: number | null) => (seconds === null ? '–' : `${seconds.toFixed(1)} s`);
  const percent = Math.round((1 - dynoSeconds / fixedFleetDynoSeconds) * 100);
  const rows = [
    ['Jobs', `${jobsDone} of ${jobsIn} done in ${shown(summary.seconds)}`],
    ['Interrupted', String(summary.jobsInterrupted)],
    [
      'Unprotected',
      `${summary.jobsInterruptedUnprotected} interrupted of the same jobs in the app that does not protect them`,
    ],
    ['Longest wait', shown(summary.longestWaitSeconds)],
    ['95th percentile', `${shown(summary.p95WaitSeconds)}: 95 of 100 jobs waited no longer`],
    ['Dyno-seconds', `${Math.round(dynoSeconds)} of workers`],
    [
      'Fixed fleet',
      `${Math.round(fixedFleetDynoSeconds)}, had ${maxWorkers} workers run all the time: ${percent} % were saved`,
    ],
    ['Calls to scale', String(summary.formationPatches)],
  ] as const;
  const table = rows.map(([name, value]) => `  ${name.padEnd(16)} ${value}\n`).join('');
  const trouble = [
    ...(jobsDone === jobsIn ? [] : ['Not every job was done.\n']),
    ...(summary.daemonCrashed ? ['The autoscaler crashed.\n'] : []),
  ];
  return `\nSummary\n${table}${trouble.join('')}`;
}
