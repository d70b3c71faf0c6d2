import type { Observation, RunningJob } from '../decision/types.ts';
import type { ListedWorker } from '../targets/target.ts';
import { heartbeatFreshMs, heartbeatGoneMs, type Heartbeat } from './protocol.ts';

/** A worker process as its last heartbeat described it, and how long ago that was. */
export type WorkerProcess = Heartbeat & { readonly ageMs: number };

/**
 * What is known of a dyno. `idle`: runs nothing. `busy`: runs a job, or may still start one. `starting`: too young to
 * have said anything. `unknown`: its jobs cannot be told from those of others.
 */
export type Verdict = 'idle' | 'busy' | 'starting' | 'unknown';

export type RunningOn = RunningJob & { readonly queue: string };

/** Where the pool's jobs run, as far as their workers have names. */
export type Whereabouts = {
  readonly jobs: readonly RunningOn[];
  /** Whether every running job is listed and its worker named after a dyno, so that a dyno without one runs nothing. */
  readonly areComplete: boolean;
};

/** In a pool with companions, a dyno that is younger than this and has said nothing yet is still booting. */
const bootSecondsMax = 120;
/** `worker.3`, or `worker-23z34x56y-w78k9` where dynos have no numbers: words have vowels, generated names do not. */
const dynoName = /^.+(\.\d+|-[\db-df-hj-np-tv-z]{5,}-[\db-df-hj-np-tv-z]{5})$/;

export function whereaboutsOf({
  queues,
  unreadableQueues,
}: Pick<Observation, 'queues' | 'unreadableQueues'>): Whereabouts {
  const jobs = queues.flatMap(({ queue, running }) => running.map((job) => ({ ...job, queue })));
  const active = queues.reduce((sum, { activeJobs }) => sum + activeJobs, 0);
  const areComplete =
    unreadableQueues.length === 0 &&
    jobs.length >= active &&
    jobs.every(({ worker }) => isDynoName(worker));
  return { jobs, areComplete };
}

/** Whether the name that a worker gave itself tells where it runs. */
export function isDynoName(worker: string | null): boolean {
  return worker !== null && dynoName.test(worker);
}

export function processesOf(
  name: string,
  processes: readonly WorkerProcess[],
): readonly WorkerProcess[] {
  return processes.filter(({ dyno, ageMs }) => dyno === name && ageMs < heartbeatGoneMs);
}

/** A companion's word counts most; without one, the names that workers gave their jobs. */
export function judge(
  name: string,
  dynos: readonly ListedWorker[],
  processes: readonly WorkerProcess[],
  isJoined: boolean,
  { jobs, areComplete }: Whereabouts,
): Verdict {
  const own = processesOf(name, processes);
  // Several processes may share a dyno: it is idle only when all of them are.
  const listed = dynos.find((dyno) => dyno.name === name);
  if (own.some((process) => isPredecessor(process, listed))) return 'starting';
  if (own.length > 0) return own.every(isDrained) ? 'idle' : 'busy';
  if (jobs.some(({ worker }) => worker === name)) return 'busy';
  // What the platform does not list has no process.
  if (listed === undefined) return 'idle';
  if (isJoined && listed.ageSeconds < bootSecondsMax) return 'starting';
  return areComplete ? 'idle' : 'unknown';
}

/**
 * A process that ran before the dyno was there belongs to the one that had its name, and says nothing of this one. Asked
 * of young dynos only, so that a clock that differs from the platform's keeps none for long.
 */
function isPredecessor(
  { startedAtMs, atMs, ageMs }: WorkerProcess,
  listed: ListedWorker | undefined,
): boolean {
  if (listed === undefined || listed.ageSeconds >= bootSecondsMax) return false;
  return (atMs - startedAtMs + ageMs) / 1000 > listed.ageSeconds;
}

export function isFresh({ ageMs }: WorkerProcess): boolean {
  return ageMs < heartbeatFreshMs;
}

function isDrained(process: WorkerProcess): boolean {
  return isFresh(process) && process.state === 'drained';
}
