export type QueueReport = {
  readonly queue: string;
  readonly readyJobs: number;
  readonly activeJobs: number;
  readonly orphanedJobs: number;
  readonly delayedJobs: number;
  readonly pausedJobs: number;
  readonly isPaused: boolean;
  readonly oldestWaitSeconds: number | null;
};

export function queueReport(reading: QueueReport): QueueReport {
  const { queue, readyJobs, activeJobs, orphanedJobs, delayedJobs, pausedJobs } = reading;
  const { isPaused, oldestWaitSeconds } = reading;
  return {
    queue,
    readyJobs,
    activeJobs,
    orphanedJobs,
    delayedJobs,
    pausedJobs,
    isPaused,
    oldestWaitSeconds,
  };
}
