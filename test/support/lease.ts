import { onTestFinished } from 'vitest';
import { within } from '../../src/deadline.ts';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import { createContender, type Contender } from '../../src/state/contender.ts';
import { createLease, type Leadership, type Lease } from '../../src/state/lease.ts';

export const soon = () => AbortSignal.timeout(5_000);

/** A connection that can be cut, as that of a daemon that is stopped or cut off: what is under way waits until it is mended
 * or given up. */
export function cuttable(url: string) {
  const connection = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
  let mended = Promise.resolve();
  let mend: () => void = () => undefined;
  const redis: RedisConnection = {
    async run(code, signal, command) {
      await within(signal, code, 'the line', mended);
      const result = await connection.run(code, signal, command);
      await within(signal, code, 'the line', mended);
      return result;
    },
    close: () => {
      connection.close();
    },
  };
  onTestFinished(() => {
    mend();
    connection.close();
  });
  return {
    redis,
    cut() {
      mended = new Promise((resolve) => (mend = resolve));
    },
    mend: () => {
      mend();
    },
  };
}

/** One daemon's leases, in small: short expiries, its own connection, and all it was told. */
export function startContender(
  url: string,
  known: { expiryMs?: number; isStaying?: boolean; nowMs?: () => number; name?: string } = {},
) {
  const line = cuttable(url);
  const contender: Contender = createContender(known.name ?? 'clock.1');
  const told: (Leadership & { pool: string })[] = [];
  const leases: Lease[] = [];
  onTestFinished(async () => {
    line.mend();
    await Promise.all(leases.map((lease) => lease.release()));
  });
  return {
    ...line,
    contender,
    id: contender.id,
    told,
    pools: () => contender.pools(),
    lease(pool = 'worker'): Lease {
      const lease = createLease({
        ...{ redis: line.redis, identity: pool, contender },
        expiryMs: known.expiryMs ?? 300,
        isStaying: known.isStaying ?? true,
        nowMs: known.nowMs ?? (() => Date.now()),
        onChange: (leadership) => told.push({ pool, ...leadership }),
      });
      leases.push(lease);
      return lease;
    },
  };
}
