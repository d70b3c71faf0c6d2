import type { FinishedJob } from '../../decision/types.ts';
import type { BusyProbe } from './probe-reply.ts';

/** Entries of event streams that one reading may go through: they take about as long as a few hundred queues. */
const entriesPerReading = 2_000;
/** Fewer would hardly show a job from its start to its end. */
const entriesPerQueueMin = 200;
const entriesPerQueueMax = 400;
/** Names looked up of jobs that start next. */
const nextInLinePerReading = 250;
const nextInLinePerQueueMax = 100;
const followedMax = entriesPerReading / entriesPerQueueMin;

/** What was known of a job that ran, or was about to, at the moment of an entry of its queue's event stream. */
type Known = {
  readonly name: string | null;
  readonly readyAtMs: number | null;
  readonly startedAtMs: number | null;
};
type Mark = { readonly entry: string; readonly jobs: ReadonlyMap<string, Known> };

/** Tells how long jobs waited and ran, by following the event streams of some busy queues from one reading to the next. */
export type FinishedJobs = {
  /** Chooses the queues to follow from this reading on, in turn if too many were busy. */
  begin(busyQueues: readonly string[]): Following;
};

/** One reading; it counts when it is ended, so that a reading that fails is made up for by the next. */
export type Following = {
  /** How many entries of each stream to go through. */
  readonly entries: number;
  /** How many of the jobs that start next in each queue to ask for. */
  readonly nextInLine: number;
  since(queue: string): string | null;
  isToBeFollowed(queue: string): boolean;
  finished(queue: string, probe: BusyProbe): readonly FinishedJob[];
  end(): void;
};

export function createFinishedJobs(): FinishedJobs {
  let marks: ReadonlyMap<string, Mark> = new Map();
  let turn = 0;
  return {
    begin(busyQueues) {
      const from = busyQueues.length > followedMax ? turn % busyQueues.length : 0;
      const chosen = new Set([...busyQueues, ...busyQueues].slice(from, from + followedMax));
      const share = (total: number) => Math.floor(total / Math.max(1, chosen.size));
      const next = new Map<string, Mark>();
      return {
        entries: Math.min(entriesPerQueueMax, share(entriesPerReading)),
        nextInLine: Math.min(nextInLinePerQueueMax, share(nextInLinePerReading)),
        since: (queue) => marks.get(queue)?.entry ?? null,
        isToBeFollowed: (queue) => chosen.has(queue),
        finished(queue, probe) {
          const former = marks.get(queue);
          const mark = markIn(probe, former);
          if (mark !== null) next.set(queue, mark);
          return timesOf(probe, former);
        },
        end() {
          marks = next;
          turn += followedMax;
        },
      };
    },
  };
}

function markIn(
  { lastEntry, nextInLine, running }: BusyProbe,
  former: Mark | undefined,
): Mark | null {
  if (lastEntry === null) return null;
  const waiting = nextInLine.map(
    ({ id, name, readyAtMs }) => [id, { name, readyAtMs, startedAtMs: null }] as const,
  );
  const started = running.map(({ id, name, processedOn }) => {
    const readyAtMs = former?.jobs.get(id)?.readyAtMs ?? null;
    return [id, { name, readyAtMs, startedAtMs: processedOn }] as const;
  });
  return { entry: lastEntry, jobs: new Map([...waiting, ...started]) };
}

/** Without a start that is known, nothing can be said of a job; that happens to jobs no list had room for. */
function timesOf({ finished }: BusyProbe, mark: Mark | undefined): readonly FinishedJob[] {
  return finished.flatMap(({ id, name, readyAtMs, startedAtMs, endedAtMs }) => {
    const known = mark?.jobs.get(id);
    const startMs = startedAtMs ?? known?.startedAtMs ?? null;
    if (startMs === null) return [];
    const readyMs = readyAtMs ?? known?.readyAtMs ?? null;
    return [
      {
        jobName: name ?? known?.name ?? null,
        // Of a job that ran already, the worker's clock said when it began.
        durationSeconds: Math.max(0, endedAtMs - startMs) / 1000,
        waitSeconds: readyMs === null ? null : Math.max(0, startMs - readyMs) / 1000,
      },
    ];
  });
}
