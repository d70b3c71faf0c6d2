import type { QueueReading, UnreadableQueue, WorkersReading } from '../decision/types.ts';
import { OperationalError } from '../errors.ts';
import type { DrainBoard, PoolProcesses } from './board.ts';
import { isDynoName, isFresh, whereaboutsOf, type WorkerProcess } from './verdict.ts';

/** Tells what is known of a pool's workers beyond how many were asked for. */
export type WorkersSource = {
  /**
   * Looks while the queues are being read, whose jobs tell of workers too. Never rejects for trouble: what cannot be
   * told is null, and the protection is taken to be what it was.
   */
  read(queues: Promise<SeenQueues>, signal: AbortSignal): Promise<WorkersReading>;
};

type SeenQueues = {
  readonly queues: readonly QueueReading[];
  readonly unreadableQueues: readonly UnreadableQueue[];
};

/** A worker that waits for jobs of one of the pool's queues, and the name it gave itself. */
type ConnectedWorker = { readonly queue: string; readonly name: string | null };

export function createWorkersSource(parts: {
  readonly board: DrainBoard;
  /** The workers that are connected; null when the server does not say. */
  readonly connected: (signal: AbortSignal) => Promise<readonly ConnectedWorker[] | null>;
  /** Whether a scale-down spares running jobs at all. */
  readonly isProtecting: boolean;
}): WorkersSource {
  const { board, connected, isProtecting } = parts;
  let protection: WorkersReading['protection'] = 'none';
  return {
    async read(queues, signal) {
      const [pool, seen] = await Promise.all([
        board.read(signal).catch(nullForTrouble),
        queues.catch(nullForTrouble),
      ]);
      const speaking = (pool?.processes ?? []).filter(
        (process) => isFresh(process) && process.state !== 'closing',
      );
      // Companions know best; only without them is everybody who is connected looked through.
      const others = pool === null || pool.isJoined ? null : await connected(signal);
      if (pool !== null && protection === 'drain') protection = 'none';
      if (isProtecting) protection = protectionBy(pool, seen, others) ?? protection;
      return {
        readyWorkers: pool?.isJoined
          ? new Set(speaking.map(({ dyno }) => dyno)).size
          : others && dynosOf(others),
        concurrency: slotsPerQueue(speaking, seen?.queues.length ?? 0),
        protection,
        handedBackJobs: pool?.handedBackJobs ?? null,
      };
    },
  };
}

function nullForTrouble(error: unknown): null {
  if (error instanceof OperationalError) return null;
  throw error;
}

/** Null when nothing was seen that tells. */
function protectionBy(
  pool: PoolProcesses | null,
  seen: SeenQueues | null,
  connected: readonly ConnectedWorker[] | null,
): WorkersReading['protection'] | null {
  // Who cannot be heard may be there.
  if (pool === null) return null;
  if (pool.isJoined) return 'drain';
  const jobs = seen?.queues.flatMap(({ running }) => running) ?? [];
  if (jobs.some(({ worker }) => !isDynoName(worker))) return 'none';
  if (jobs.length > 0 && seen !== null && whereaboutsOf(seen).areComplete) return 'names';
  if (connected === null || connected.length === 0) return null;
  return connected.every(({ name }) => isDynoName(name)) ? 'names' : 'none';
}

/** A worker named after its dyno tells it from others. Each other dyno is taken to have one worker for each queue. */
function dynosOf(connected: readonly ConnectedWorker[]): number {
  const dynos = new Set<string>();
  const unnamed = new Map<string, number>();
  for (const { queue, name } of connected) {
    if (name !== null && isDynoName(name)) dynos.add(name);
    else unnamed.set(queue, (unnamed.get(queue) ?? 0) + 1);
  }
  return dynos.size + Math.max(0, ...unnamed.values());
}

/**
 * Jobs that a dyno runs at once for one queue, on average: processes say how many they run over all their workers, and
 * how many queues these serve.
 */
function slotsPerQueue(processes: readonly WorkerProcess[], queuesOfPool: number): number | null {
  const dynos = new Map<string, { slots: number; queues: number }>();
  for (const { dyno, concurrency, queues } of processes) {
    const served = queues ?? (queuesOfPool === 1 ? 1 : null);
    if (concurrency === 0 || served === null) continue;
    const others = dynos.get(dyno) ?? { slots: 0, queues: 0 };
    // Processes of one dyno are taken to serve the same queues.
    dynos.set(dyno, {
      slots: others.slots + concurrency,
      queues: Math.max(others.queues, served),
    });
  }
  if (dynos.size === 0) return null;
  const perDyno = [...dynos.values()].map(({ slots, queues }) => slots / queues);
  const mean = perDyno.reduce((sum, slots) => sum + slots, 0) / perDyno.length;
  return Math.max(1, Math.round(mean));
}
