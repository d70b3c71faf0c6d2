import type { WaitingJob } from './ready-at.ts';

/** What the script tells of one queue. */
export type QueueProbe =
  | { readonly error: string }
  | {
      readonly error: null;
      /** Adds so far; null when the queue does not count them. */
      readonly added: number | null;
      /** Null for an idle queue of which they were not asked for. */
      readonly settings: QueueSettings | null;
      /** Null for an idle queue: it holds no job, and its events were not asked for. */
      readonly busy: BusyProbe | null;
    };

export type QueueSettings = {
  readonly isPaused: boolean;
  readonly concurrency: number | null;
  /** Library and version that last opened the queue, `bullmq:6.7.0`; null when it does not say. */
  readonly version: string | null;
};

export type BusyProbe = {
  /** Jobs in `wait`. */
  readonly waiting: number;
  /** Jobs in `paused`, where version 5 puts those of a paused queue. */
  readonly heldBack: number;
  readonly prioritized: number;
  readonly delayed: number;
  /** Delayed jobs whose time has come: BullMQ leaves them there until a worker asks for work. */
  readonly due: number;
  /** When the first of the delayed jobs that are due, or will be soon, are or were: all of them unless they are counted. */
  readonly dueAtMs: readonly number[];
  /** How many become due in each of the next steps of `dueStepMs`; null while they are few enough to be listed. */
  readonly dueSoonCounts: readonly number[] | null;
  readonly active: number;
  /** Jobs that wait for their children. */
  readonly parents: number;
  readonly rateLimitedForMs: number;
  /** Jobs among which is the one that waits longest. */
  readonly waitingJobs: readonly WaitingJob[];
  readonly running: readonly RunningProbe[];
  readonly orphanIds: readonly string[];
  readonly readyJobNames: readonly string[];
  readonly finished: readonly FinishedProbe[];
  /** The last entry of the event stream; null when the queue is not to be followed from here. */
  readonly lastEntry: string | null;
  /** The jobs that start next after that entry. */
  readonly nextInLine: readonly {
    readonly id: string;
    readonly name: string;
    /** Since when it waits; null when the job does not tell. */
    readonly readyAtMs: number | null;
  }[];
  /** Jobs that were put back because their worker had let go of them. */
  readonly stalled: readonly StalledProbe[];
};

/** How often it has stalled; null when the job does not tell, because it is gone. */
type StalledProbe = { readonly id: string; readonly stalls: number | null };

type RunningProbe = {
  readonly id: string;
  readonly worker: string | null;
  readonly processedOn: number | null;
  readonly name: string | null;
  /** How often it stalled before; null when it never did, or when its queue is not followed. */
  readonly stalls: number | null;
};

/** A job that ended. */
export type FinishedProbe = {
  readonly id: string;
  /** By the server's clock; null when it started before the first entry that was read. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly name: string | null;
  /** When it joined the line for the last time, by the server's clock; null when that was before the first entry. */
  readonly readyAtMs: number | null;
};

/** What Redis says of a value that is not there, and Lua of an empty list. */
type Maybe<T> = T | false;
type Settings = readonly [
  version: Maybe<string>,
  paused: Maybe<string>,
  concurrency: Maybe<string>,
  max: Maybe<string>,
];
type Waiting = readonly [
  timestamp: Maybe<string>,
  opts: Maybe<string>,
  processedOn: Maybe<string>,
  starts: Maybe<string>,
  attemptsMade: Maybe<string>,
  waitedForChildren: boolean,
];
type Running = readonly [
  worker: Maybe<string>,
  processedOn: Maybe<string>,
  name: Maybe<string>,
  id: string,
  stalls?: Maybe<string>,
];
type Finished = readonly [
  id: string,
  startedAt: Maybe<string>,
  endedAt: string,
  name: Maybe<string>,
  readyAt: Maybe<string>,
];
type Idle = readonly [added: Maybe<string>, settings: Settings];
type Busy = readonly [
  ...Idle,
  waiting: string,
  heldBack: string,
  prioritized: string,
  delayed: string,
  due: string,
  dueScores: Maybe<readonly string[]>,
  dueCounts: Maybe<readonly string[]>,
  active: string,
  parents: string,
  rateLimitedFor: string,
  waitingJobs: Maybe<readonly Waiting[]>,
  running: Maybe<readonly Running[]>,
  orphanIds: Maybe<readonly string[]>,
  readyJobNames: Maybe<readonly string[]>,
  finished: Maybe<readonly Finished[]>,
  lastEntry: Maybe<string>,
  nextInLine: Maybe<readonly (readonly [id: string, name: string, readyAt: Maybe<string>])[]>,
  stalled: Maybe<readonly (readonly [id: string, stalls: Maybe<string>])[]>,
];
/** Of an idle queue, its job counter alone unless its settings were asked for. */
type Reply = Maybe<string> | Idle | Busy | { readonly error: string };

/** Reads the reply of the probe's script. It may tell of fewer queues than were asked about, never of none. */
export function parseReply(json: string): readonly QueueProbe[] {
  return (JSON.parse(json) as readonly Reply[]).map(parseQueue);
}

function parseQueue(reply: Reply): QueueProbe {
  if (reply === false || typeof reply === 'string')
    return { error: null, added: numberOrNull(reply), settings: null, busy: null };
  if ('error' in reply) return reply;
  return {
    error: null,
    added: numberOrNull(reply[0]),
    settings: parseSettings(reply[1]),
    busy: reply.length === 2 ? null : parseBusy(reply),
  };
}

function parseSettings([version, paused, concurrency]: Settings): QueueSettings {
  return {
    isPaused: paused !== false,
    concurrency: positiveOrNull(concurrency),
    version: version === false ? null : version,
  };
}

function parseBusy(reply: Busy): BusyProbe {
  // prettier-ignore
  const [
    , , waiting, heldBack, prioritized, delayed, due, dueScores, dueCounts, active, parents, rateLimitedFor,
    waitingJobs, running, orphanIds, readyJobNames, finished, lastEntry, nextInLine, stalled,
  ] = reply;
  return {
    waiting: Number(waiting),
    heldBack: Number(heldBack),
    prioritized: Number(prioritized),
    delayed: Number(delayed),
    due: Number(due),
    // A score is the time × 4096 + a sequence number.
    dueAtMs:
      dueScores === false ? none : dueScores.map((score) => Math.floor(Number(score) / 4096)),
    dueSoonCounts: dueCounts === false ? null : dueCounts.map(Number),
    active: Number(active),
    parents: Number(parents),
    rateLimitedForMs: Number(rateLimitedFor),
    waitingJobs: waitingJobs === false ? none : waitingJobs.map(parseWaiting),
    running: running === false ? none : running.map(parseRunning),
    orphanIds: orphanIds === false ? none : orphanIds,
    readyJobNames: readyJobNames === false ? none : readyJobNames,
    finished: finished === false ? none : finished.map(parseFinished),
    lastEntry: orNull(lastEntry),
    nextInLine:
      nextInLine === false
        ? none
        : nextInLine.map(([id, name, readyAt]) => ({
            id,
            name,
            readyAtMs: positiveOrNull(readyAt),
          })),
    stalled:
      stalled === false
        ? none
        : stalled.map(([id, stalls]) => ({ id, stalls: positiveOrNull(stalls) })),
  };
}

const none: readonly never[] = [];

function parseWaiting(job: Waiting): WaitingJob {
  const [timestamp, opts, processedOn, starts, attemptsMade, waitedForChildren] = job;
  return {
    timestamp: orAbsent(timestamp),
    opts: orAbsent(opts),
    processedOn: orAbsent(processedOn),
    starts: orAbsent(starts),
    attemptsMade: orAbsent(attemptsMade),
    waitedForChildren,
  };
}

function parseRunning([worker, processedOn, name, id, stalls = false]: Running): RunningProbe {
  return {
    id,
    worker: orNull(worker),
    processedOn: positiveOrNull(processedOn),
    name: orNull(name),
    stalls: positiveOrNull(stalls),
  };
}

function parseFinished([id, startedAt, endedAt, name, readyAt]: Finished): FinishedProbe {
  return {
    readyAtMs: positiveOrNull(readyAt),
    id,
    startedAtMs: positiveOrNull(startedAt),
    endedAtMs: Number(endedAt),
    name: orNull(name),
  };
}

function orNull(text: Maybe<string>): string | null {
  return text === false || text === '' ? null : text;
}

function orAbsent(text: Maybe<string>): string | undefined {
  return text === false || text === '' ? undefined : text;
}

function numberOrNull(text: Maybe<string>): number | null {
  const value = text === false || text === '' ? NaN : Number(text);
  return Number.isNaN(value) ? null : value;
}

function positiveOrNull(text: Maybe<string>): number | null {
  const value = Number(text);
  return value > 0 ? value : null;
}
