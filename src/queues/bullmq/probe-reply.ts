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
  readonly firstDueAtMs: number;
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
  const words = wordsOf(JSON.parse(reply) as readonly string[]);
  const probes: QueueProbe[] = [];
  while (words.areLeft()) probes.push(parseQueue(words));
  return probes;
}

type Words = {
  readonly areLeft: () => boolean;
  readonly text: () => string;
  readonly count: () => number;
  /** A list and, before it, the number of its items. */
  readonly list: <T>(parse: (words: Words) => T) => readonly T[];
};

function wordsOf(all: readonly string[]): Words {
  let next = 0;
  const text = () => {
    const word = all[next];
    if (word === undefined) throw new Error('The reply of the probe was cut short.');
    next += 1;
    return word;
  };
  const count = () => Number(text());
  const words: Words = {
    areLeft: () => next < all.length,
    text,
    count,
    list(parse) {
      const items = [];
      for (let left = count(); left > 0; left -= 1) items.push(parse(words));
      return items;
    },
  };
  return words;
}

function parseQueue(words: Words): QueueProbe {
  const { text } = words;
  const kind = text();
  if (kind === 'error') return { error: text() };
  return {
    error: null,
    added: numberOrNull(text()),
    settings: kind === 'idle' ? null : parseSettings(words),
    busy: kind === 'busy' ? parseBusy(words) : null,
  };
}

function parseSettings({ text }: Words): QueueSettings {
  return {
    isPaused: text() !== '',
    concurrency: positiveOrNull(text()),
    version: versionIn(text()),
  };
}

function parseBusy({ count, text, list }: Words): BusyProbe {
  // In the order in which the script says it.
  return {
    waiting: count(),
    heldBack: count(),
    prioritized: count(),
    delayed: count(),
    due: count(),
    firstDueAtMs: count(),
    active: count(),
    parents: count(),
    rateLimitedForMs: count(),
    dueSoon: parseDueSoon(text()),
    waitingJobs: list(parseWaiting),
    running: list(parseRunning),
    orphanIds: list(text),
    readyJobNames: list(text),
    finished: list(parseFinished),
    lastEntry: orNull(text()),
    nextInLine: list(() => ({ id: text(), name: text() })),
  };
}

function parseDueSoon(bins: string): BusyProbe['dueSoon'] {
  if (bins === '') return [];
  return bins.split(',').map((bin) => {
    const [inMs, jobs] = bin.split(':');
    return { inMs: Number(inMs), jobs: Number(jobs) };
  });
}

function parseWaiting({ text }: Words): WaitingJob {
  return {
    timestamp: orAbsent(text()),
    opts: orAbsent(text()),
    processedOn: orAbsent(text()),
    starts: orAbsent(text()),
    attemptsMade: orAbsent(text()),
    waitedForChildren: text() !== '',
  };
}

function parseRunning({ text }: Words): RunningProbe {
  return {
    id: text(),
    worker: orNull(text()),
    processedOn: positiveOrNull(text()),
    name: orNull(text()),
  };
}

function parseFinished({ text }: Words): FinishedProbe {
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

function numberOrNull(text: string): number | null {
  return text === '' ? null : Number(text);
}

/** Whatever the queue says, with a letter before it. */
function versionIn(text: string): string | null {
  return text === '' ? null : text.slice(1);
}

function positiveOrNull(text: string): number | null {
  const value = Number(text);
  return value > 0 ? value : null;
}
