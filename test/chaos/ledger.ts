import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** One start of a job and what came of it. */
export type Run = {
  /** The process that started it; null when it was gone before it could say so. */
  readonly pid: number | null;
  readonly startedAtMs: number;
  /** `handed-back`: returned to its queue by the worker itself. `stalled`: its worker was gone. Null: it runs still. */
  readonly end: End | null;
  readonly endedAtMs: number | null;
};
type End = 'completed' | 'failed' | 'handed-back' | 'stalled';

/** All that became of one job, in order. */
export type LedgerEntry = { readonly job: string; readonly runs: readonly Run[] };

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Reads back what became of every job: BullMQ writes each step to the queue's stream of events in the same moment in
 * which it takes it, and the workers write into the job's log who they are.
 */
export async function readLedger(client: Redis, queue: Queue): Promise<readonly LedgerEntry[]> {
  const runsOf = new Map<string, Writable<Run>[]>();
  for (const [id, fields] of await client.xrange(queue.toKey('events'), '-', '+')) {
    const { event, jobId, prev } = record(fields);
    if (jobId === undefined) continue;
    const runs = runsOf.get(jobId) ?? [];
    runsOf.set(jobId, runs);
    takeEvent(runs, { event, prev, atMs: Number(id.split('-')[0]) });
  }
  return Promise.all(
    [...runsOf].map(async ([jobId, runs]) => {
      const { logs } = await queue.getJobLogs(jobId);
      const pids = new Map(logs.map(starter));
      return {
        job: `${queue.name}:${jobId}`,
        runs: runs.map((run, index) => ({ ...run, pid: pids.get(index + 1) ?? null })),
      };
    }),
  );
}

/** Of a line of the demo's worker: how many times the job had been started, and the process that did it. */
function starter(line: string): readonly [count: number, pid: number] {
  const [, count, pid] = /^start (\d+) by \S+, process (\d+)$/.exec(line) ?? [];
  return [Number(count), Number(pid)];
}

type Step = {
  readonly event: string | undefined;
  readonly prev: string | undefined;
  readonly atMs: number;
};

function takeEvent(runs: Writable<Run>[], { event, prev, atMs }: Step): void {
  if (event === 'active') {
    runs.push({ pid: null, startedAtMs: atMs, end: null, endedAtMs: null });
    return;
  }
  const end = endTold(event, prev);
  const run = runs.at(-1);
  if (end === null || run === undefined) return;
  // What stalled has just been told to wait again, as what was handed back is; a second completion is a run of its own.
  if (run.end === null || end === 'stalled') Object.assign(run, { end, endedAtMs: atMs });
  else if (end === 'completed') runs.push({ ...run, end, endedAtMs: atMs });
}

function endTold(event: string | undefined, prev: string | undefined): End | null {
  if (event === 'completed' || event === 'failed' || event === 'stalled') return event;
  // A job that was delayed from the start has not run yet, and so nothing ends.
  return event === 'delayed' || (event === 'waiting' && prev === 'active') ? 'handed-back' : null;
}

function record(fields: readonly string[]): Readonly<Record<string, string | undefined>> {
  const pairs = Array.from({ length: fields.length / 2 }, (_, index) => [
    fields[2 * index] ?? '',
    fields[2 * index + 1],
  ]);
  return Object.fromEntries(pairs) as Record<string, string | undefined>;
}
