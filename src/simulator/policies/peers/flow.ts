import type { QueueReading } from '../../../decision/types.ts';

/** How fast jobs come to a queue, and how long they run. */
export type Flow = { readonly jobsPerSecond: number; readonly serviceSeconds: number };

type Snapshot = {
  readonly atMs: number;
  /** Jobs that ended so far, and those that are ready or run. */
  readonly ended: number;
  readonly present: number;
  /** Time that all jobs together have run so far. */
  readonly busySeconds: number;
};

/**
 * Measures one queue from its counters, as a stream processor would: jobs that became ready, and busy time for each job
 * that ended. Until one has ended, the service time is what the owner says.
 */
export function createFlow(
  rateSeconds: number,
  serviceWindowSeconds: number,
  expectedServiceSeconds: number,
) {
  const snapshots: Snapshot[] = [];
  const longestMs = 1000 * Math.max(rateSeconds, serviceWindowSeconds);
  let activeJobs = 0;
  let serviceSeconds = expectedServiceSeconds;

  return (atMs: number, reading: QueueReading): Flow => {
    const latest = snapshots.at(-1);
    const passedSeconds = latest === undefined ? 0 : (atMs - latest.atMs) / 1000;
    const now = {
      atMs,
      ended: counted(reading.addedJobs) - counted(reading.unfinishedJobs),
      present: reading.readyJobs + reading.activeJobs + reading.orphanedJobs,
      busySeconds: (latest?.busySeconds ?? 0) + passedSeconds * activeJobs,
    };
    activeJobs = reading.activeJobs;
    snapshots.push(now);
    while ((snapshots[0] ?? now).atMs < atMs - longestMs) snapshots.shift();

    const before = since(snapshots, atMs - serviceWindowSeconds * 1000) ?? now;
    const ended = now.ended - before.ended;
    if (ended > 0) serviceSeconds = (now.busySeconds - before.busySeconds) / ended;
    const start = since(snapshots, atMs - rateSeconds * 1000) ?? now;
    const came = now.ended + now.present - start.ended - start.present;
    const seconds = (now.atMs - start.atMs) / 1000;
    return { jobsPerSecond: seconds === 0 ? 0 : Math.max(0, came / seconds), serviceSeconds };
  };
}

/** One for each queue, made when it is first seen. */
export function createFlows(
  rateSeconds: number,
  serviceWindowSeconds: number,
  expectedServiceSeconds: number,
) {
  const flows = new Map<string, ReturnType<typeof createFlow>>();
  return (atMs: number, reading: QueueReading): Flow => {
    const flow =
      flows.get(reading.queue) ??
      createFlow(rateSeconds, serviceWindowSeconds, expectedServiceSeconds);
    flows.set(reading.queue, flow);
    return flow(atMs, reading);
  };
}

function since(snapshots: readonly Snapshot[], fromMs: number): Snapshot | undefined {
  return snapshots.find(({ atMs }) => atMs >= fromMs);
}

function counted(count: number | null): number {
  if (count === null) throw new Error('This policy needs a queue system that counts its jobs.');
  return count;
}
