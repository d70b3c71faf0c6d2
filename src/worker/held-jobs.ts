import { jobIdsRunBy, type BullmqWorker, type RunningJob } from './bullmq-worker.ts';

/** The jobs that the workers of a process hold, to be handed back when it ends. */
export type HeldJobs = {
  /**
   * Gives every job back to its queue so that it is the next to run, at no cost of an attempt, and tells of each that
   * went. Never rejects.
   */
  handBack(onHandedBack: () => Promise<void>): Promise<void>;
  readonly forgetAll: () => void;
};

export function rememberJobs(workers: readonly BullmqWorker[], nowMs: () => number): HeldJobs {
  const memories = workers.map((worker) => rememberJobsOf(worker));
  return {
    async handBack(onHandedBack) {
      const jobs = memories.flatMap(({ held }) => [...held.values()]);
      // A job that ended in this moment is no longer ours: BullMQ refuses it, for it asks for the token of its lock.
      await Promise.allSettled(jobs.map((job) => handBackJob(job, nowMs()).then(onHandedBack)));
    },
    forgetAll: () => {
      for (const { forget } of memories) forget();
    },
  };
}

/**
 * A prioritized job that is moved to `wait` wakes nobody and may lie there for seconds; one that is delayed until now is
 * taken at once.
 */
const handBackJob = (job: RunningJob, nowMs: number): Promise<unknown> =>
  job.priority > 0 ? job.moveToDelayed(nowMs, job.token) : job.moveToWait(job.token);

function rememberJobsOf(worker: BullmqWorker) {
  const held = new Map<string, RunningJob>();
  const onActive = (job: RunningJob | undefined) => {
    if (job?.id === undefined) return;
    // The newest come last, also when the same job comes back.
    held.delete(job.id);
    held.set(job.id, job);
    if (held.size > 2 * worker.concurrency) prune(held, worker);
  };
  const onEnd = (job: RunningJob | undefined) => {
    if (job?.id !== undefined) held.delete(job.id);
  };
  worker.on('active', onActive);
  worker.on('completed', onEnd);
  worker.on('failed', onEnd);
  return {
    held,
    forget: () => {
      held.clear();
      worker.off('active', onActive);
      worker.off('completed', onEnd);
      worker.off('failed', onEnd);
    },
  };
}

/**
 * A job that delays itself, waits for children or was lost to another worker emits no end. The newest are kept, as
 * BullMQ does not count a job as running before its processor is called.
 */
function prune(held: Map<string, RunningJob>, worker: BullmqWorker): void {
  const running = new Set(jobIdsRunBy(worker));
  const oldest = [...held.keys()].slice(0, -worker.concurrency);
  for (const id of oldest) if (!running.has(id)) held.delete(id);
}
