import type { PoolConfig } from '../config/load.ts';
import { createLedger } from '../cost/ledger.ts';
import type { LoopParts } from '../loop.ts';
import type { RedisConnection } from '../redis.ts';
import type { Contender } from '../state/contender.ts';
import { createCostStore } from '../state/cost-store.ts';
import { createLease, leaseExpiryMs, type Lease } from '../state/lease.ts';
import { createMemoryStore } from '../state/memory-store.ts';
import { createOverrideStore } from '../state/override-store.ts';
import type { AssemblyOptions } from './assemble.ts';
import { identityOf } from './names.ts';

/** What tells whether this daemon may act for a pool, what it remembers, what operators changed about it, and what it cost. */
export function stateOf(
  pool: PoolConfig,
  redis: RedisConnection,
  { contender, options }: { contender: Contender; options: AssemblyOptions },
): { readonly lease: Lease } & Pick<LoopParts, 'memories' | 'overrides' | 'costs'> {
  const identity = identityOf(pool);
  const lease = createLease({
    ...{ redis, identity, contender, nowMs: options.nowMs },
    expiryMs: leaseExpiryMs(pool.POLL_INTERVAL),
    isStaying: options.isPeriodic,
    onChange: (leadership) => {
      options.onLeadership(pool.POOL, leadership);
    },
  });
  const memories = createMemoryStore({
    ...{ redis, identity, lease, expiryMs: memoryExpiryMs(pool) },
    onOblivion: (why) => {
      options.onOblivion(pool.POOL, why);
    },
  });
  const costs = createLedger({
    store: createCostStore(redis, identity),
    intervalMs: pool.POLL_INTERVAL,
    heldForMs: () => lease.heldForMs(),
  });
  const overrides = createOverrideStore(redis);
  return {
    ...{ lease, memories, costs },
    overrides: { read: (signal) => overrides.read(pool.POOL, signal) },
  };
}

const dayMs = 24 * 60 * 60_000;

/** Long enough for the longest window, and for a tick or two that come late. */
function memoryExpiryMs({
  POLL_INTERVAL: intervalMs,
  SCALE_DOWN_STABILIZATION: windowMs,
  MANUAL_SCALE_HOLD: holdMs,
}: PoolConfig): number {
  return Math.ceil(
    Math.max(dayMs, 3 * intervalMs, Math.max(windowMs ?? 0, holdMs) + 2 * intervalMs),
  );
}
