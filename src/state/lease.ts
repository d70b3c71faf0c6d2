import { withDeadline } from '../deadline.ts';
import { OperationalError } from '../errors.ts';
import type { RedisConnection } from '../redis.ts';
import { createClaim, LeaseLost, type Claim } from './claim.ts';
import type { Contender } from './contender.ts';
import { leaseMsMax } from './lease-scripts.ts';

/**
 * The right to act for one pool: of all daemons that share a Redis at most one has it.
 *
 * What remains unguarded is the time from `assertHeld` until the platform obeys. A process that is stopped, or a request
 * that lingers, exactly there is still obeyed after another daemon took over; so is one while a failover of Redis has
 * forgotten the lease. Absolute counts, and a fresh look right before each change, keep the harm to one number that is
 * wrong until the next tick.
 */
export type Lease = Pick<Claim, 'heldForMs' | 'write'> & {
  /**
   * Takes the lease when it is free, or renews it; false while another daemon holds it. Once taken it renews itself.
   * For the start of a tick only, because it may hand the pool to a daemon that has fewer.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  take(signal: AbortSignal): Promise<boolean>;
  /** @throws {LeaseLost} when it is not held any more, by this daemon's own cautious reckoning */
  assertHeld(): void;
  /** Gives it back, so that others need not wait for its end. Trouble with Redis is not told: it ends by itself. */
  release(): Promise<void>;
};

/** Who acts for a pool from now on, as one daemon sees it. */
export type Leadership = {
  readonly isOwn: boolean;
  /** The daemon that holds the lease; null when nobody can tell. */
  readonly holder: string | null;
  /** Grows whenever another daemon takes over; null when nobody can tell. */
  readonly fence: number | null;
};

/** How often a daemon that stands by, or that cannot reach Redis, looks again. */
const lookMs = 1_000;
const releaseMsMax = 1_000;

/** Long enough for two renewals to fail, and short enough that a pool is not left alone for long. */
export function leaseExpiryMs(intervalMs: number): number {
  return Math.max(3_000, Math.min(2 * intervalMs, leaseMsMax));
}

export function createLease(parts: {
  readonly redis: RedisConnection;
  readonly identity: string;
  readonly expiryMs: number;
  readonly contender: Contender;
  /** Whether this daemon is here to stay: then it waits for the lease, and shares pools evenly with others that do. */
  readonly isStaying: boolean;
  readonly nowMs: () => number;
  readonly onChange: (leadership: Leadership) => void;
}): Lease {
  const { identity, expiryMs, contender, isStaying } = parts;
  const claim = createClaim({ ...parts, isWaiting: isStaying });
  let toldHolder: string | null = null;
  let isReleased = false;
  let hasAsked = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(signal: AbortSignal, mayHandOver: boolean): Promise<void> {
    let nextMs = Math.min(lookMs, expiryMs / 3);
    hasAsked = true;
    try {
      await claim.ask(signal, mayHandOver);
      const leftMs = claim.last()?.leftMs ?? lookMs;
      nextMs = claim.heldForMs() === null ? Math.min(lookMs, leftMs + 10) : expiryMs / 3;
    } finally {
      tell();
      clearTimeout(timer);
      // A renewal of its own, because ticks may be long, and rare.
      if (!isReleased && (isStaying || claim.heldForMs() !== null))
        timer = setTimeout(() => void renew(), nextMs).unref();
    }
  }

  // What is wrong with Redis is the story of the next tick; meanwhile the lease only grows older.
  const renew = () => quietly(expiryMs / 3, (signal) => look(signal, false));

  function tell(): void {
    const isOwn = claim.heldForMs() !== null;
    if (isOwn) contender.gained(identity);
    else contender.lost(identity);
    const last = claim.last();
    const known = isOwn || last?.holder !== contender.id ? last : null;
    const holder = known?.holder ?? null;
    // That nobody can tell is news only to the one that held it.
    if (holder === toldHolder || (holder === null && toldHolder !== contender.id)) return;
    toldHolder = holder;
    parts.onChange({ isOwn, holder, fence: holder === null ? null : (known?.fence ?? null) });
  }

  return {
    async take(signal) {
      await look(signal, isStaying);
      return claim.heldForMs() !== null;
    },
    heldForMs: () => claim.heldForMs(),
    write: (...words) => claim.write(...words),
    assertHeld() {
      if (claim.heldForMs() === null) throw new LeaseLost('the lease has come to its end');
    },
    async release() {
      isReleased = true;
      clearTimeout(timer);
      if (!hasAsked) return;
      await quietly(releaseMsMax, (signal) => claim.giveBack(signal));
    },
  };
}

async function quietly(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await withDeadline(new AbortController().signal, timeoutMs, work);
  } catch (error) {
    if (!(error instanceof OperationalError || error instanceof LeaseLost)) throw error;
  }
}
