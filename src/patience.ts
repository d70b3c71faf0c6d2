import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from './deadline.ts';
import { OperationalError, type ErrorCode } from './errors.ts';

/** Trouble that goes away by itself, as a rule. */
const passing: readonly ErrorCode[] = [
  'QUEUE_UNREADABLE',
  'STATE_UNAVAILABLE',
  'TARGET_RATE_LIMITED',
  'TARGET_UNAVAILABLE',
];
/** One look may take no longer, so that a server that hangs counts as trouble too. */
const lookMsMax = 15_000;

/**
 * Looks again and again until nothing is left to wait for. A look returns what it waits for, as a phrase such as
 * `worker.2, which runs 3 jobs`, or null when there is nothing; trouble that may pass counts as something to wait for.
 * Returns null, or what it still waited for when the patience, or whoever shut down, ended it.
 * @throws {OperationalError} of a look, if waiting will not help
 */
export async function waitUntil(
  look: (signal: AbortSignal) => Promise<string | null>,
  options: {
    readonly everyMs: number;
    readonly patienceMs: number;
    readonly shutdown: AbortSignal;
    /** Told whenever what is waited for changes. */
    readonly onWaiting: (what: string) => void;
  },
): Promise<string | null> {
  const startedMs = performance.now();
  let last: string | null = null;
  for (;;) {
    const what = await withDeadline(options.shutdown, lookMsMax, (signal) => attempt(look, signal));
    if (what === null) return null;
    if (what !== last) options.onWaiting(what);
    last = what;
    const leftMs = startedMs + options.patienceMs - performance.now();
    if (options.shutdown.aborted || leftMs <= 0) return what;
    const pauseMs = Math.min(options.everyMs, leftMs);
    await sleep(pauseMs, undefined, { signal: options.shutdown }).catch(() => undefined);
  }
}

async function attempt(
  look: (signal: AbortSignal) => Promise<string | null>,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return await look(signal);
  } catch (error) {
    if (error instanceof OperationalError && passing.includes(error.code)) return error.message;
    throw error;
  }
}
