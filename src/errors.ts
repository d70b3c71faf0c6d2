/**
 * Everything that may go wrong while the program runs as intended. The code labels the error metric, the log line and
 * the `error` of a tick; README has a row for each. Anything else that is thrown is a bug and ends the process.
 */
export const errorCodes = [
  'CONFIG_INVALID',
  'QUEUE_UNREADABLE',
  'TARGET_UNREADABLE',
  'TARGET_UNAVAILABLE',
  'TARGET_RATE_LIMITED',
  'TARGET_REJECTED',
  'STATE_UNAVAILABLE',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error that the loop survives. `hint` says what a person can do about it; neither text may hold a secret. */
export class OperationalError extends Error {
  override readonly name = 'OperationalError';
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** Lets bugs through: only trouble with the outside world is something to go on with. */
export function operational(error: unknown): OperationalError {
  if (error instanceof OperationalError) return error;
  throw error;
}
