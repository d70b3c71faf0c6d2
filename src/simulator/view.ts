import type { DueJobs, QueueReading } from '../decision/types.ts';
import type { WorkerProcess } from '../drain/verdict.ts';
import { dueBinSeconds, finishedMax } from './jobs.ts';
import type { View } from './policy.ts';
import type { Dyno, SimulatedQueue, World } from './world.ts';

/** Runs begin on a Monday at midnight, so that their times look like times. */
const beginningMs = Date.UTC(2026, 0, 5);
/** As far ahead as delayed jobs are looked at. */
const dueSoonSeconds = 120;
const readyJobNamesMax = 48;
/** A companion speaks twice a second, so that its last word is half of that old on average. */
const heartbeatAgeMs = 250;

/**
 * What can be seen of the world from outside: the readings of queues and platform as the daemon's own adapters make
 * them. Limits of the environment are not among them, so that policies must find out. What ended since the last look is
 * told once.
 */
export function look(world: World): View {
  const { formation, closing, protection, queues, concurrency } = world;
  const up = formation.filter(({ state }) => state === 'up');
  const hasCompanions = protection === 'drain';
  return {
    observation: {
      observedAtMs: timeMs(world.nowSeconds),
      queues: queues.map((queue) => readQueue(world, queue)),
      unreadableQueues: [],
      currentWorkers: formation.length,
      workers: {
        readyWorkers: up.length,
        concurrency: hasCompanions ? concurrency : null,
        protection,
        handedBackJobs: hasCompanions ? world.counts.handedBack : null,
      },
      budgets: [],
    },
    dynos: formation.map(({ name, ordinal, startedAtSeconds }) => ({
      name,
      ordinal,
      ageSeconds: world.nowSeconds - startedAtSeconds,
    })),
    processes: hasCompanions ? [...up, ...closing].map((dyno) => heartbeat(world, dyno)) : [],
  };
}

function readQueue(world: World, queue: SimulatedQueue): QueueReading {
  const { ready, held, orphans, delayed, added, unfinished } = queue;
  const head = ready.at(0);
  const hasNames = world.protection !== 'none';
  return {
    queue: queue.name,
    readyJobs: ready.size(),
    activeJobs: held.size,
    orphanedJobs: orphans.size,
    delayedJobs: delayed,
    pausedJobs: 0,
    isPaused: false,
    oldestWaitSeconds:
      head === undefined ? null : Math.max(0, world.nowSeconds - head.trace.arrivalSeconds),
    concurrencyLimit: null,
    rateLimitedForSeconds: null,
    running: Array.from(held, ({ job, dyno, startedAtSeconds }) => ({
      jobId: String(job.id),
      worker: hasNames ? dyno.name : null,
      startedAtMs: timeMs(startedAtSeconds),
      jobName: job.trace.name,
    })),
    orphanedJobIds: Array.from(orphans, ({ id }) => String(id)),
    addedJobs: added,
    unfinishedJobs: unfinished,
    readyJobNames: sampleNames(queue),
    dueSoon: dueSoon(world, queue),
    finished: queue.finished.splice(0).slice(-finishedMax),
    stalledJobs: [],
  };
}

function sampleNames({ ready }: SimulatedQueue): string[] {
  const size = Math.min(ready.size(), readyJobNamesMax);
  const spacing = ready.size() / size;
  return Array.from({ length: size }, (_, index) => {
    return ready.at(Math.floor(index * spacing))?.trace.name ?? '';
  });
}

function dueSoon({ nowSeconds }: World, { dueBins }: SimulatedQueue): DueJobs[] {
  if (dueBins.size === 0) return [];
  const first = Math.floor(nowSeconds / dueBinSeconds);
  const last = Math.floor((nowSeconds + dueSoonSeconds) / dueBinSeconds);
  const due: DueJobs[] = [];
  for (let bin = first; bin <= last; bin += 1) {
    const jobs = dueBins.get(bin);
    if (jobs === undefined) continue;
    due.push({ dueAtMs: timeMs(Math.max(nowSeconds, bin * dueBinSeconds)), jobs });
  }
  return due;
}

function heartbeat(world: World, dyno: Dyno): WorkerProcess {
  const nowMs = timeMs(world.nowSeconds);
  return {
    dyno: dyno.name,
    state: stateOf(world, dyno),
    activeJobs: dyno.runs.size,
    concurrency: world.concurrency * world.queues.length,
    startedAtMs: timeMs(dyno.startedAtSeconds),
    atMs: nowMs - heartbeatAgeMs,
    ageMs: heartbeatAgeMs,
  };
}

function stateOf({ nowSeconds }: World, dyno: Dyno): WorkerProcess['state'] {
  if (dyno.state === 'closing') return 'closing';
  if (nowSeconds < dyno.drainsFromSeconds) return 'working';
  return dyno.runs.size > 0 ? 'draining' : 'drained';
}

function timeMs(seconds: number): number {
  return beginningMs + Math.round(seconds * 1000);
}
