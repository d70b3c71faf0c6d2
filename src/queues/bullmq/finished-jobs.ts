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

/** What was known of a queue's jobs at the moment of an entry of its event stream. */
type Mark = {
  readonly entry: string;
  /** Jobs that ran then, or were about to. */
  readonly jobs: ReadonlyMap<
    string,
    { readonly name: string | null; readonly startedAtMs: number | null }
  >;
};

/** Tells how long jobs ran, by following the event streams of some busy queues from one reading to the next. */
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
          const mark = markIn(probe);
          if (mark !== null) next.set(queue, mark);
          return durationsOf(probe, marks.get(queue));
        },
        end() {
          marks = next;
          turn += followedMax;
        },
      };
    },
  };
}

function markIn({ lastEntry, nextInLine, running }: BusyProbe): Mark | null {
  if (lastEntry === null) return null;
  return {
    entry: lastEntry,
    jobs: new Map([
      ...nextInLine.map(({ id, name }) => [id, { name, startedAtMs: null }] as const),
      ...running.map(
        ({ id, name, processedOn }) => [id, { name, startedAtMs: processedOn }] as const,
      ),
    ]),
  };
}

/** Without a start that is known, nothing can be said of a job; that happens to jobs no list had room for. */
function durationsOf({ finished }: BusyProbe, mark: Mark | undefined): readonly FinishedJob[] {
  return finished.flatMap(({ id, name, startedAtMs, endedAtMs }) => {
    const known = mark?.jobs.get(id);
    const startMs = startedAtMs ?? known?.startedAtMs ?? null;
    if (startMs === null) return [];
    // Of a job that ran already, the worker's clock said when it began.
    const durationSeconds = Math.max(0, endedAtMs - startMs) / 1000;
    return [{ jobName: name ?? known?.name ?? null, durationSeconds }];
  });
}
