import { OperationalError } from '../../errors.ts';

/**
 * How long nothing is asked after the first failure in a row, the second, and so on, in milliseconds. What fails at
 * every tick, as a wrong token does, must not use up the calls that the account has for everybody.
 */
const pausesMs: readonly number[] = [0, 2_000, 5_000];
const pauseMsMax = 10_000;
/** What works again must be noticed soon, also by a daemon that spares calls. */
const stretchedPauseMsMax = 60_000;

type Kind = 'read' | 'change';

/** Does a request, unless too many failed just before: then the last failure stands for a while. */
export type Pace = <T>(kind: Kind, request: () => Promise<T>) => Promise<T>;

/** `stretched` says how long a pause is to be while calls are spared. */
export function createPace(nowMs: () => number, stretched: (pauseMs: number) => number): Pace {
  let failures = 0;
  let last: {
    readonly atMs: number;
    readonly kind: Kind;
    readonly error: OperationalError;
  } | null = null;

  return async function pace(kind, request) {
    const pauseMs = pausesMs[failures - 1] ?? Math.min(stretched(pauseMsMax), stretchedPauseMsMax);
    if (last !== null && Math.abs(nowMs() - last.atMs) < pauseMs) throw last.error;
    try {
      const reply = await request();
      // That reading works says nothing about changes, which failed.
      if (kind === 'change' || last?.kind === 'read') {
        failures = 0;
        last = null;
      }
      return reply;
    } catch (error) {
      // A rate limit has a pause of its own, for all pools of the account.
      if (!(error instanceof OperationalError) || error.code === 'TARGET_RATE_LIMITED') throw error;
      failures += 1;
      last = { atMs: nowMs(), kind, error };
      throw error;
    }
  };
}
