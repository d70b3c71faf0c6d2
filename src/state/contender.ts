import { randomBytes } from 'node:crypto';

/** One daemon among others that may act for the same pools, shared by the leases of all its pools. */
export type Contender = {
  /** A dyno's name is shared by two processes at each deploy: it is there for people, and the rest is the identity. */
  readonly id: string;
  /** How many pools this daemon acts for. */
  pools(): number;
  gained(pool: string): void;
  lost(pool: string): void;
  /** Whether a pool should go to another daemon, which said that it has so many. True counts as done. */
  gives(pool: string, to: string, pools: number): boolean;
};

/** By then a daemon that was handed a pool has counted it among its own. */
const countedMs = 5_000;

export function createContender(name: string): Contender {
  const id = `${name}:${randomBytes(6).toString('hex')}`;
  const own = new Set<string>();
  let given: readonly { readonly to: string; readonly atMs: number }[] = [];
  return {
    id,
    pools: () => own.size,
    gained: (pool) => void own.add(pool),
    lost: (pool) => void own.delete(pool),
    gives(pool, to, pools) {
      const nowMs = performance.now();
      given = given.filter(({ atMs }) => nowMs - atMs < countedMs);
      const poolsThen = pools + given.filter((each) => each.to === to).length;
      // One more than another is as even as it gets: moving that one would only exchange the two.
      if (own.size < poolsThen + 2) return false;
      given = [...given, { to, atMs: nowMs }];
      own.delete(pool);
      return true;
    },
  };
}
