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
  // The loser of the race may still reject later; it has been given up on and must not end the process.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
