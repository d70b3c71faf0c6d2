import type { Config, PoolConfig } from '../config/load.ts';
import { policyOf } from '../config/policy.ts';
import type { Ledger } from '../cost/ledger.ts';
import type { Policy } from '../decision/types.ts';
import { createLoop } from '../loop.ts';
import type { TickRecord } from '../tick-record.ts';
import type { Unlisted } from '../queues/bullmq/clients.ts';
import { connectRedis, type RedisConnection } from '../redis.ts';
import { createDrainBoard } from '../drain/board.ts';
import { guardBoard } from '../drain/guarded-board.ts';
import type { Protection } from '../drain/removal.ts';
import { createContender } from '../state/contender.ts';
import type { Leadership, Lease } from '../state/lease.ts';
import type { Oblivion } from '../state/memory-store.ts';
import { createHistoryStore, type HistoryStore } from '../state/history-store.ts';
import { createSnapshotStore, type SnapshotStore } from '../state/snapshot-store.ts';
import { createHerokuAccount } from '../targets/heroku/account.ts';
import type { HerokuReply } from '../targets/heroku/api.ts';
import { createHerokuTarget } from '../targets/heroku/heroku-target.ts';
import type { Target } from '../targets/target.ts';
import { version } from '../version.ts';
import { createBudgetsSources } from './budgets.ts';
import { identityOf } from './names.ts';
import { stateOf } from './pool-state.ts';
import { createClientsSources, queueSystems, workersOf } from './queue-systems.ts';

/** A tick may take no longer in all, so that the next one, or the person who waits for it, is never far away. */
const tickMsMax = 20_000;
/** What observing, deciding and acting may take of it; the rest is for recording. */
const shareForTheTick = 0.9;

/** One pool, ready to run. */
export type AssembledPool = {
  readonly name: string;
  readonly config: PoolConfig;
  readonly policy: Policy;
  readonly intervalMs: number;
  readonly tick: (shutdown: AbortSignal) => Promise<TickRecord>;
  readonly lease: Pick<Lease, 'heldForMs'>;
  readonly costs: Ledger;
  readonly snapshots: SnapshotStore;
  readonly history: HistoryStore;
};

export type Assembly = {
  readonly pools: readonly AssembledPool[];
  /** Gives every lease back, so that another daemon takes over at once, and ends all connections. */
  close(): Promise<void>;
};

export type AssemblyOptions = {
  readonly nowMs: () => number;
  /** A name for this process that tells people which one it is, such as its dyno. */
  readonly name: string;
  readonly onHerokuReply: (reply: HerokuReply) => void;
  /** Told once for each Heroku account of which more calls are used than this process should. */
  readonly onHerokuOveruse: () => void;
  /** Told once for each Redis that does not let this process see who is connected. */
  readonly onUnlisted: (unlisted: Unlisted) => void;
  readonly onLeadership: (pool: string, leadership: Leadership) => void;
  /** Told when what a pool remembered cannot be used, or not all of it. */
  readonly onOblivion: (pool: string, why: Oblivion) => void;
  /** Whether ticks follow one another at the interval, or somebody runs a single one when he likes. */
  readonly isPeriodic: boolean;
};

/** Builds the parts of every pool. Pools share a connection for each Redis and an account for each Heroku token. */
export function assemble(config: Config, options: AssemblyOptions): Assembly {
  const { nowMs } = options;
  const contender = createContender(options.name);
  const leases: Lease[] = [];
  const redises = shared(({ url, rejectUnauthorized, variable }: RedisPlace) =>
    connectRedis(url, { rejectUnauthorized, name: 'backlog-autoscaler', variable }),
  );
  const accounts = shared((key: { apiUrl: string; apiKey: string }) =>
    createHerokuAccount({
      ...key,
      userAgent: `backlog-autoscaler/${version}`,
      nowMs,
      onReply: options.onHerokuReply,
      onOveruse: options.onHerokuOveruse,
    }),
  );
  const clientsOf = createClientsSources(nowMs, options.onUnlisted);
  const budgetsFor = createBudgetsSources(config, identityOf);

  return {
    pools: config.pools.map(assemblePool),
    async close() {
      await Promise.all(leases.map((lease) => lease.release()));
      for (const redis of redises.all()) redis.close();
      await Promise.all(accounts.all().map((account) => account.close()));
    },
  };

  function assemblePool(pool: PoolConfig): AssembledPool {
    const places = placesOf(pool, config.process);
    const redis = redises.get(places.queues);
    const stateRedis = redises.get(places.state);
    const policy = policyOf(pool, options.isPeriodic);
    const { lease, ...state } = stateOf(pool, stateRedis, { contender, options });
    const { costs } = state;
    leases.push(lease);
    const target = targetFor(pool);
    const clients = clientsOf(pool, redis);
    const tick = createLoop({
      pool: pool.POOL,
      policy,
      queues: queueSystems[pool.QUEUE_SYSTEM].createQueues({
        ...{ redis, nowMs, queues: pool.QUEUES, prefix: pool.QUEUE_PREFIX },
      }),
      workers: workersOf(pool, redis, clients),
      target,
      isDryRun: pool.DRY_RUN,
      protection: protectionOf(pool, redis, lease),
      ...{ lease, ...state },
      budgets: budgetsFor({ pool, clients, stateRedis, costs, target }),
      nowMs,
      deadlineMs:
        Math.min(options.isPeriodic ? pool.POLL_INTERVAL : Infinity, tickMsMax) * shareForTheTick,
    });
    const snapshots = createSnapshotStore(stateRedis);
    const history = createHistoryStore(stateRedis);
    return {
      ...{ name: pool.POOL, config: pool, intervalMs: pool.POLL_INTERVAL },
      ...{ policy, tick, lease, costs, snapshots, history },
    };
  }

  function targetFor(pool: PoolConfig): Target | null {
    const { HEROKU_API_KEY: apiKey, HEROKU_APP_NAME: app, PROCESS_TYPE: processType } = pool;
    if (apiKey === null || app === null) return null;
    return createHerokuTarget({
      account: accounts.get({ apiUrl: pool.HEROKU_API_URL, apiKey }),
      app,
      processType,
      nowMs,
    });
  }
}

/** Heartbeats and marks live in the queues' Redis, because that is the one the workers know. */
function protectionOf(pool: PoolConfig, redis: RedisConnection, lease: Lease): Protection | null {
  if (pool.PROTECT_JOBS === 'off') return null;
  const board = createDrainBoard(redis, pool.POOL);
  return {
    board: guardBoard(board, () => {
      lease.assertHeld();
    }),
    processType: pool.PROCESS_TYPE,
    isStrict: pool.PROTECT_JOBS === 'strict',
    drainTimeoutMs: pool.DRAIN_TIMEOUT,
  };
}

type RedisPlace = {
  readonly url: string;
  readonly rejectUnauthorized: boolean;
  readonly variable: string;
};

function placesOf(
  { REDIS_URL, REDIS_TLS_REJECT_UNAUTHORIZED: rejectUnauthorized }: PoolConfig,
  { STATE_REDIS_URL }: Config['process'],
): { readonly queues: RedisPlace; readonly state: RedisPlace } {
  const queues = { url: REDIS_URL, rejectUnauthorized, variable: 'REDIS_URL' };
  if (STATE_REDIS_URL === null) return { queues, state: queues };
  return {
    queues,
    state: { url: STATE_REDIS_URL, rejectUnauthorized, variable: 'STATE_REDIS_URL' },
  };
}

/** Creates one thing for each key and hands out the same for the same key. */
function shared<Key extends object, T>(
  create: (key: Key) => T,
): { get(key: Key): T; all(): readonly T[] } {
  const byKey = new Map<string, T>();
  return {
    get(key) {
      const text = JSON.stringify(key);
      const found = byKey.get(text) ?? create(key);
      byKey.set(text, found);
      return found;
    },
    all: () => [...byKey.values()],
  };
}
