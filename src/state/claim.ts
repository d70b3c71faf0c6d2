import type { RedisConnection } from '../redis.ts';
import type { Contender } from './contender.ts';
import { handOverScript, releaseScript, takeScript, writeScript } from './lease-scripts.ts';

/** Another daemon acts for the pool now, or may: whatever was about to be done must not be done. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** What is known of a pool's lease, and the questions that tell. */
export type Claim = {
  /**
   * Takes the lease if it is free, renews it if it is this daemon's, and may hand it to one that has fewer pools.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  ask(signal: AbortSignal, mayHandOver: boolean): Promise<void>;
  /** How long it has been held without a gap, by this daemon's own cautious reckoning; null when it is not. */
  heldForMs(): number | null;
  /** Who held it when the server was last asked; null before that. */
  last(): { readonly holder: string; readonly fence: number; readonly leftMs: number } | null;
  /**
   * Writes a key in one step with asking the server whether the lease is held.
   * @throws {LeaseLost} when it is not
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  write(key: string, text: string, expiryMs: number, signal: AbortSignal): Promise<void>;
  /** @throws {OperationalError} `STATE_UNAVAILABLE` */
  giveBack(signal: AbortSignal): Promise<void>;
};

/** What of the expiry is not relied on, because clocks do not run at quite the same speed. */
const marginShare = 0.1;
/** How long the fencing number is remembered while no daemon runs. */
const keptMs = 7 * 24 * 60 * 60_000;

type Moment = { readonly elapsedMs: number; readonly wallMs: number };
type Standing = {
  readonly holder: string;
  readonly fence: number;
  readonly leftMs: number;
  /** When the question was sent: the lease began no earlier. */
  readonly sentAt: Moment;
  /** Since when this daemon has held it, as far as it knows. */
  readonly sinceMs: number;
};

export function createClaim(parts: {
  readonly redis: RedisConnection;
  readonly identity: string;
  readonly expiryMs: number;
  readonly contender: Contender;
  /** Whether this daemon waits for a lease that another one holds. */
  readonly isWaiting: boolean;
  readonly nowMs: () => number;
}): Claim {
  const { redis, identity, expiryMs, contender } = parts;
  // The braces keep all keys of a pool on one node of a Redis Cluster.
  const key = `backlog-autoscaler:lease:{${identity}}`;
  let standing: Standing | null = null;
  let handedOverAtMs = -Infinity;
  let isGivenBack = false;

  const now = (): Moment => ({ elapsedMs: performance.now(), wallMs: parts.nowMs() });
  const run = <T>(signal: AbortSignal, command: Parameters<typeof redis.run<T>>[2]) =>
    redis.run('STATE_UNAVAILABLE', signal, command);

  function heldForMs(): number | null {
    if (standing?.holder !== contender.id || isGivenBack) return null;
    const { elapsedMs, wallMs } = now();
    // The one clock cannot be set, the other goes on while the machine sleeps: the later of the two is the safe one.
    const ageMs = Math.max(elapsedMs - standing.sentAt.elapsedMs, wallMs - standing.sentAt.wallMs);
    return ageMs < expiryMs * (1 - marginShare) ? elapsedMs - standing.sinceMs : null;
  }

  return {
    async ask(signal, mayHandOver) {
      let sentAt = now();
      const reply = await run(signal, (client) => {
        // It may have waited for the connection until nobody is there any more to renew what it would take.
        if (isGivenBack) throw new LeaseLost('the lease was given back');
        sentAt = now();
        const pools = parts.isWaiting ? String(contender.pools()) : '';
        const words = [contender.id, String(expiryMs), pools, String(keptMs)];
        return client.eval(takeScript, 1, key, ...words);
      });
      // It was asked before the lease was handed over, and what it tells is over.
      if (sentAt.elapsedMs <= handedOverAtMs) return;
      const [holder, fence, leftMs, waiting, waitingPools] = reply as TakeReply;
      const heldMs = heldForMs();
      const sinceMs = performance.now() - (heldMs ?? 0);
      standing = { holder, fence, leftMs, sentAt, sinceMs };
      if (heldForMs() === null || !mayHandOver || waiting === '') return;
      contender.gained(identity);
      if (!contender.gives(identity, waiting, waitingPools)) return;
      // Whatever becomes of the request, from here on the lease may be another's.
      standing = { ...standing, holder: waiting, fence: fence + 1 };
      handedOverAtMs = performance.now();
      const words = [contender.id, waiting, String(expiryMs)];
      await run(signal, (client) => client.eval(handOverScript, 1, key, ...words));
    },
    heldForMs,
    last: () => standing,
    async write(target, text, ttlMs, signal) {
      const words = [contender.id, text, String(ttlMs)];
      const isWritten = await run(signal, (client) =>
        client.eval(writeScript, 2, key, target, ...words),
      );
      if (isWritten !== 1) throw new LeaseLost('another daemon may hold the lease');
    },
    async giveBack(signal) {
      isGivenBack = true;
      await run(signal, (client) => client.eval(releaseScript, 1, key, contender.id));
    },
  };
}

type TakeReply = readonly [
  holder: string,
  fence: number,
  leftMs: number,
  waiting: string,
  waitingPools: number,
];
