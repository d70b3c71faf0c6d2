import type { WorkerState } from '../drain/protocol.ts';
import { connectionsOf, type BullmqWorker, type WorkerClient } from './bullmq-worker.ts';

/** Lets the workers of a process stop taking jobs, and take them again. */
export type Drain = {
  /** How far the workers have come, given whether they were last asked to drain. */
  state(isMarked: boolean): WorkerState;
  /** Pauses every worker that takes jobs and can be paused safely now; to be repeated while the mark stands. */
  pause(): void;
  /** Resumes what `pause` paused, until it runs; to be repeated while there is no mark. */
  resume(): void;
  /** Closes the workers; settles when they run nothing any more. */
  close(): Promise<unknown>;
  /**
   * Wakes the queues whose wake-up a pause, or the close, may have swallowed; to be called some time after it, and again
   * later for those that could not be reached. Never rejects.
   */
  wakeQueues(wake: (worker: BullmqWorker) => Promise<void>): Promise<void>;
};

export function createDrain(workers: readonly BullmqWorker[]): Drain {
  const connections = new Map<BullmqWorker, readonly WorkerClient[]>();
  for (const worker of workers)
    connectionsOf(worker).then(
      ({ commands, waiting }) => connections.set(worker, [commands, waiting]),
      () => undefined,
    );
  // Workers that the application paused are its own affair.
  const pausedHere = new Set<BullmqWorker>();
  const mayLackWakeUp = new Set<BullmqWorker>();

  /**
   * BullMQ's `pause` cuts the connection on which the worker waits for jobs. Done while that is being re-established,
   * it would never be again, and the worker would take no job until the process ends.
   */
  const isConnected = (worker: BullmqWorker) =>
    connections.get(worker)?.every(({ status }) => status === 'ready') ?? false;

  return {
    state(isMarked) {
      if (!isMarked) return 'working';
      return workers.some((worker) => worker.isRunning()) ? 'draining' : 'drained';
    },
    pause() {
      for (const worker of workers) {
        // A second `pause` of a worker that is pausing would resolve at once and break the first.
        if (!worker.isRunning() || worker.isPaused() || !isConnected(worker)) continue;
        pausedHere.add(worker);
        mayLackWakeUp.add(worker);
        // It rejects when the worker is closed meanwhile; whether it has paused is asked of the worker itself.
        worker.pause().catch(() => undefined);
      }
    },
    resume() {
      for (const worker of pausedHere) {
        if (!worker.closing && (worker.isPaused() || !worker.isRunning())) {
          worker.resume();
          mayLackWakeUp.add(worker);
        } else {
          pausedHere.delete(worker);
        }
      }
    },
    close() {
      for (const worker of workers) mayLackWakeUp.add(worker);
      return Promise.allSettled(workers.map((worker) => worker.close()));
    },
    async wakeQueues(wake) {
      const woken = [...mayLackWakeUp].map(async (worker) => {
        await wake(worker);
        mayLackWakeUp.delete(worker);
      });
      await Promise.allSettled(woken);
    },
  };
}
