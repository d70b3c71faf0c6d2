import { setMaxListeners } from 'node:events';
import { OperationalError, type ErrorCode } from './errors.ts';

/**
 * Settles as `work` does, or rejects as soon as `signal` aborts. Clients of hung servers may never settle by themselves,
 * so no part of a tick awaits one without this.
 * @throws {OperationalError} with `code` when the signal aborts first
 */
export async function within<T>(
  signal: AbortSignal,
  code: ErrorCode,
  what: string,
  work: Promise<T>,
): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(
        new OperationalError(code, `${what} did not answer in time`, {
          hint: 'The next tick tries again. If this goes on, look at the health of that service and the network.',
        }),
      );
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    // The loser may still reject later; a race has handled that too, so it does not end the process.
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Does work under a signal that aborts with `parent` or after `timeoutMs`, whichever is first.
 *
 * `AbortSignal.any` with `AbortSignal.timeout` would read better, but on Node 20 such a pair may be collected as garbage
 * before it fires, and then a hung tick never ends.
 */
export async function withDeadline<T>(
  parent: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  // Many wait side by side, one for each pool or queue; Node would take more than ten for a leak, and tell the user.
  setMaxListeners(0, controller.signal);
  const abort = () => {
    controller.abort();
  };
  const timer = setTimeout(abort, timeoutMs);
  if (parent.aborted) abort();
  else parent.addEventListener('abort', abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', abort);
  }
}
