import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { withDeadline } from '../deadline.ts';
import { OperationalError } from '../errors.ts';
import type { RedisConnection } from '../redis.ts';
import { storedValue } from '../state/stored.ts';

/** The steps in their order; a step that does not apply is left out. */
export const stepNames = [
  ...(['pause', 'note-workers', 'close-app', 'drain', 'scale-to-zero', 'prove-zero'] as const),
  'run-maintenance',
  ...(['find-redis', 'restore-workers', 'resume', 'open-app', 'verify'] as const),
] as const;
export type StepName = (typeof stepNames)[number];

const pool = z.object({
  pool: z.string(),
  app: z.string(),
  processType: z.string(),
  /** How many there were, and are to be again; null until that was noted. */
  workers: z.number().int().nonnegative().nullable(),
  /** The most that Heroku allowed on the way up; null unless that was fewer. */
  allowedWorkers: z.number().int().nonnegative().nullable(),
  /** The pause that somebody else had set. */
  formerPause: z.object({ by: z.string(), untilMs: z.number() }).nullable(),
});

const journal = z.object({
  version: z.literal(1),
  id: z.string(),
  /** `run` goes on to Heroku's maintenance and back; `begin` stops at zero, for work of any other kind. */
  kind: z.enum(['run', 'begin']),
  /** `at-zero` when `begin` got there; `up` from the moment on when everything is to be as it was; `over` when it is. */
  phase: z.enum(['down', 'at-zero', 'up', 'over']),
  /** Whether Heroku completed what `run` is for. */
  isMaintained: z.boolean(),
  /** The step under way, or the last one. */
  step: z.enum(stepNames),
  startedAtMs: z.number(),
  /** Grows with each entry, so that of two copies the later one is known. */
  entries: z.number().int(),
  /** The process that wrote it: whoever comes last has the say. */
  writer: z.string(),
  pools: z.array(pool),
  addon: z
    .object({ id: z.string(), name: z.string(), app: z.string(), configVar: z.string() })
    .nullable(),
  /** The apps whose maintenance mode is to be on meanwhile, and was off before. */
  closedApps: z.array(z.string()),
  pauseForMs: z.number(),
  pausedAtMs: z.number().nullable(),
  /** When the pause of one that is at zero ends by itself. */
  pausedUntilMs: z.number().nullable(),
  zeroSinceMs: z.number().nullable(),
  /** When the maintenance before this one was completed, as Heroku wrote it. */
  lastCompletedAt: z.string().nullable(),
});
export type Journal = z.output<typeof journal>;

/** Another process goes on with the maintenance: this one must do nothing more. */
export class TakenOver extends OperationalError {
  constructor({ step }: Journal) {
    super(
      'STATE_UNAVAILABLE',
      `another process has taken this maintenance over, and is at ${step}`,
      { hint: '`backlog-autoscaler maintenance status` says how it stands.' },
    );
  }
}

export type JournalStore = {
  /**
   * The later one of the two copies; null when there is none.
   * @throws {OperationalError} when one cannot be understood, or none is in the file and Redis cannot be asked
   */
  load(): Promise<Journal | null>;
  /**
   * Writes both copies; the one in Redis as far as that can be reached, as it may be under maintenance.
   * @throws {OperationalError} when the file cannot be written; {@link TakenOver}
   */
  write(next: Journal): Promise<void>;
  /**
   * Makes sure that nobody else has gone on since this was written.
   * @throws {TakenOver}
   */
  assertOwn(written: Journal): Promise<void>;
};

const key = (app: string) => `backlog-autoscaler:maintenance:{${app}}`;
const keptMs = 30 * 24 * 60 * 60_000;
/** A Redis that does not answer by then holds up no step. */
const redisMsMax = 3_000;

export function createJournalStore(parts: {
  readonly path: string;
  readonly app: string;
  readonly redis: () => RedisConnection;
}): JournalStore {
  const { path, app } = parts;

  const inRedis = (signal: AbortSignal) =>
    parts.redis().run('STATE_UNAVAILABLE', signal, (client) => client.get(key(app)));
  const place = `backlog-autoscaler:maintenance:{${app}} in Redis`;

  /** Two processes on one machine share the file as a rule, and any two share Redis, unless that is under maintenance. */
  async function assertOwn(written: Journal): Promise<void> {
    const texts = [readIfThere(path), await bestEffort(inRedis)];
    const other = texts
      .map((text) => text !== null && journal.safeParse(storedValue(text)).data)
      .find((copy) => copy && copy.id === written.id && copy.writer !== written.writer);
    if (other && other.entries >= written.entries) throw new TakenOver(other);
  }

  return {
    assertOwn,
    async load() {
      const own = journalInFile(path);
      const text = own === null ? await soon(inRedis) : await bestEffort(inRedis);
      const copies = [own, parse(text, place)].filter((copy) => copy !== null);
      return (
        copies.sort((a, b) => b.startedAtMs - a.startedAtMs || b.entries - a.entries)[0] ?? null
      );
    },
    async write(next) {
      await assertOwn(next);
      const text = JSON.stringify(next);
      writeDurably(path, `${text}\n`);
      await bestEffort((signal) =>
        parts
          .redis()
          .run('STATE_UNAVAILABLE', signal, (client) => client.set(key(app), text, 'PX', keptMs)),
      );
    },
  };
}

/** What is there of a journal before anything is known about its Redis. */
export function journalInFile(path: string): Journal | null {
  return parse(readIfThere(path), path);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw unusable(path, error);
  }
}

/** A crash of the machine must not leave half a journal. */
function writeDurably(path: string, text: string): void {
  const draft = `${path}.new`;
  try {
    const file = openSync(draft, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** What is noted and cannot be understood is not nothing: to begin anew would forget how many workers there were. */
function parse(text: string | null, place: string): Journal | null {
  if (text === null) return null;
  const parsed = journal.safeParse(storedValue(text));
  if (parsed.success) return parsed.data;
  throw new OperationalError('STATE_UNAVAILABLE', `the journal ${place} cannot be understood`, {
    hint: 'If nothing of a maintenance is left to be put back, delete it. Otherwise use the version that wrote it.',
  });
}

function soon<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withDeadline(new AbortController().signal, redisMsMax, work);
}

async function bestEffort<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  try {
    return await soon(work);
  } catch (error) {
    if (error instanceof OperationalError) return null;
    throw error;
  }
}

function unusable(path: string, error: unknown): OperationalError {
  const why = error instanceof Error ? error.message : String(error);
  return new OperationalError('STATE_UNAVAILABLE', `the journal ${path} cannot be used: ${why}`, {
    hint: 'Nothing is done that could not be taken up again: name another file with --journal.',
  });
}
