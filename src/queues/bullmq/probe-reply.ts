import type { WaitingJob } from './ready-at.ts';

/** What the script tells of one queue. */
export type QueueProbe =
  | { readonly error: string }
  | {
      readonly error: null;
      readonly isPaused: boolean;
      /** Adds so far; null when the queue does not count them. */
      readonly added: number | null;
      readonly concurrency: number | null;
      /** Library and version that last opened the queue, `bullmq:6.7.0`; null when it does not say. */
      readonly version: string | null;
      /** Null for a queue that holds no job and whose events are not followed. */
      readonly busy: BusyProbe | null;
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
  readonly firstDueAtMs: number;
  readonly active: number;
  /** All of these and the parents that wait for their children. */
  readonly unfinished: number;
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
  readonly nextInLine: readonly { readonly id: string; readonly name: string }[];
  /** Jobs that become ready so many milliseconds from now, or up to 5 s later. */
  readonly dueSoon: readonly { readonly inMs: number; readonly jobs: number }[];
};

type RunningProbe = {
  readonly id: string;
  readonly worker: string | null;
  readonly processedOn: number | null;
  readonly name: string | null;
};

/** A job that ended. */
export type FinishedProbe = {
  readonly id: string;
  /** By the server's clock; null when it started before the first entry that was read. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly name: string | null;
};

/** Reads the reply of the probe's script. It may tell of fewer queues than were asked about, never of none. */
export function parseReply(reply: string): readonly QueueProbe[] {
  const lines = linesOf(reply);
  const probes: QueueProbe[] = [];
  while (lines.areLeft()) probes.push(parseQueue(lines));
  return probes;
}

type Lines = {
  readonly areLeft: () => boolean;
  /** The words of a line of the script's own. */
  readonly words: () => readonly string[];
  /** A line that somebody else wrote. */
  readonly text: () => string;
};

function linesOf(reply: string): Lines {
  const lines = reply.split('\n');
  let next = 0;
  const line = () => {
    const found = lines[next];
    if (found === undefined) throw new Error('The reply of the probe was cut short.');
    next += 1;
    return found;
  };
  return {
    areLeft: () => next < lines.length,
    words: () => line().split(' '),
    text() {
      const text = line();
      if (!text.includes('\\')) return text;
      return text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    },
  };
}

function parseQueue(lines: Lines): QueueProbe {
  const [kind, paused, added, concurrency] = lines.words();
  const text = lines.text();
  if (kind === 'error') return { error: text };
  return {
    error: null,
    isPaused: paused === '1',
    added: added === undefined || added === '-' ? null : Number(added),
    concurrency: positiveOrNull(concurrency),
    version: text === '' ? null : text.slice(1),
    busy: kind === 'busy' ? parseBusy(lines) : null,
  };
}

function parseBusy(lines: Lines): BusyProbe {
  const words = lines.words();
  const number = (index: number) => Number(words[index]);
  const list = <T>(index: number, parse: (lines: Lines) => T): readonly T[] =>
    Array.from({ length: number(index) }, () => parse(lines));
  return {
    waiting: number(0),
    heldBack: number(1),
    prioritized: number(2),
    delayed: number(3),
    due: number(4),
    firstDueAtMs: number(5),
    active: number(6),
    unfinished: number(7),
    rateLimitedForMs: number(8),
    // The lists follow one another in this order.
    waitingJobs: list(9, parseWaiting),
    running: list(10, parseRunning),
    orphanIds: list(11, ({ text }) => text()),
    readyJobNames: list(12, ({ text }) => text()),
    finished: list(13, parseFinished),
    nextInLine: list(14, ({ text }) => ({ id: text(), name: text() })),
    lastEntry: words[15] === undefined || words[15] === '-' ? null : words[15],
    dueSoon: (words[16] ?? '').split(',').flatMap((bin) => {
      const [inMs, jobs] = bin.split(':');
      return jobs === undefined ? [] : [{ inMs: Number(inMs), jobs: Number(jobs) }];
    }),
  };
}

function parseWaiting({ text }: Lines): WaitingJob {
  return {
    timestamp: orAbsent(text()),
    opts: orAbsent(text()),
    processedOn: orAbsent(text()),
    starts: orAbsent(text()),
    attemptsMade: orAbsent(text()),
    waitedForChildren: text() === '1',
  };
}

function parseRunning({ text }: Lines): RunningProbe {
  return {
    id: text(),
    worker: orNull(text()),
    processedOn: positiveOrNull(text()),
    name: orNull(text()),
  };
}

function parseFinished({ text }: Lines): FinishedProbe {
  return {
    id: text(),
    startedAtMs: positiveOrNull(text()),
    endedAtMs: Number(text()),
    name: orNull(text()),
  };
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

function orAbsent(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function positiveOrNull(text: string | undefined): number | null {
  const value = Number(text);
  return value > 0 ? value : null;
}
