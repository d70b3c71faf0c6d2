import {
  loadConfig,
  loadStateConfig,
  type Config,
  type Environment,
  type PoolConfig,
} from '../../config/load.ts';
import { readPoolsText } from '../../config/pools-text.ts';
import { ConfigError } from '../../config/problem.ts';
import { scheduledPolicy } from '../../decision/policy-in-force.ts';
import { withDeadline } from '../../deadline.ts';
import { connectRedis, type RedisConnection } from '../../redis.ts';
import { createOverrideStore, type OverrideStore } from '../../state/override-store.ts';
import { createSnapshotStore, type Snapshot } from '../../state/snapshot-store.ts';
import { policyOf } from '../../config/policy.ts';
import { near } from '../read-options.ts';
import type { Surroundings } from '../command.ts';

/** A pool whose overrides can be read and changed. */
export type KnownPool = {
  readonly name: string;
  readonly store: OverrideStore;
  /** Null where the environment does not have it. */
  readonly config: PoolConfig | null;
  /** The bounds without overrides; null when neither the environment nor a daemon has told them. */
  readonly configured: { readonly minWorkers: number; readonly maxWorkers: number } | null;
  /** What a daemon said last; null when none has published a pool of this name. */
  readonly last: Pick<Snapshot, 'publishedAtMs' | 'intervalMs'> | null;
};

export type KnownPools = {
  readonly pools: readonly KnownPool[];
  /** The most workers of all pools together; null where nobody said so, or the environment does not have it. */
  readonly workerBudget: number | null;
  /**
   * The pool that is meant, by name or because there is no other; a text says why that cannot be told.
   */
  choose(name: string | null): KnownPool | string;
};

/** Redis answers in milliseconds, or a person waits for nothing. */
const readMsMax = 8_000;

/**
 * Finds the pools that the environment configures and those that daemons have published, so that neither a complete
 * configuration nor a running daemon is needed.
 * @throws {ConfigError} when the environment does not even say where the state is
 * @throws {OperationalError} `STATE_UNAVAILABLE`
 */
export async function withKnownPools<T>(
  { environment, hide, nowMs, shutdown }: Surroundings,
  work: (known: KnownPools, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const config = completeConfig(environment);
  const places = placesOf(config, environment);
  hide(places.map(({ url }) => url));
  const opened = places.map((place) => ({
    ...place,
    redis: connectRedis(place.url, { ...place, name: 'backlog-autoscaler-overrides' }),
  }));
  try {
    return await withDeadline(shutdown, readMsMax, async (signal) => {
      const found = await Promise.all(
        opened.map(async (place) => poolsAt(place, config, { signal, nowMs: nowMs() })),
      );
      const pools = found.flat();
      const first = opened[0]?.redis;
      const known = {
        ...{ pools, workerBudget: config?.process.WORKER_BUDGET ?? null },
        choose: (name: string | null) =>
          choose(name, pools, first, defaultName(config, environment)),
      };
      return work(known, signal);
    });
  } finally {
    for (const { redis } of opened) redis.close();
  }
}

/** The whole configuration where the environment has it, as that of the daemon's app does; null elsewhere. */
function completeConfig(environment: Environment): Config | null {
  try {
    return loadConfig(environment, readPoolsText);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return null;
  }
}

type Place = {
  readonly url: string;
  readonly rejectUnauthorized: boolean;
  readonly variable: string;
};

/** Where the state of the pools is kept: in one Redis, unless pools have queues in several and nothing else is said. */
function placesOf(config: Config | null, environment: Environment): readonly Place[] {
  if (config === null) return [loadStateConfig(environment).stateRedis];
  const places = config.pools.map((pool) => placeOf(pool, config));
  return [...new Map(places.map((place) => [place.url, place])).values()];
}

function placeOf(pool: PoolConfig, { process }: Config): Place {
  const rejectUnauthorized = pool.REDIS_TLS_REJECT_UNAUTHORIZED;
  return process.STATE_REDIS_URL === null
    ? { url: pool.REDIS_URL, rejectUnauthorized, variable: 'REDIS_URL' }
    : { url: process.STATE_REDIS_URL, rejectUnauthorized, variable: 'STATE_REDIS_URL' };
}

async function poolsAt(
  { url, redis }: Place & { readonly redis: RedisConnection },
  config: Config | null,
  { signal, nowMs }: { readonly signal: AbortSignal; readonly nowMs: number },
): Promise<readonly KnownPool[]> {
  const { snapshots } = await createSnapshotStore(redis).readAll(signal);
  const store = createOverrideStore(redis);
  const own = (config?.pools ?? []).filter((pool) => config && placeOf(pool, config).url === url);
  const configured = own.map((pool) => ({
    name: pool.POOL,
    store,
    config: pool,
    configured: scheduledPolicy(policyOf(pool, true), nowMs),
    last: snapshots.find((snapshot) => snapshot.pool === pool.POOL) ?? null,
  }));
  const published = snapshots
    .filter(({ pool }) => !own.some(({ POOL }) => POOL === pool))
    .map((last) => ({
      ...{ name: last.pool, store, config: null, configured: last.report.configured, last },
    }));
  return [...configured, ...published];
}

/** The pool that the environment speaks of; null when it speaks of none, or of several. */
function defaultName(config: Config | null, environment: Environment): string | null {
  if (config !== null) return config.pools.length === 1 ? (config.pools[0]?.POOL ?? null) : null;
  return environment['POOL']?.trim() || environment['PROCESS_TYPE']?.trim() || null;
}

/** The name of a pool that nobody named, as in the table of config vars. */
const usualName = 'worker';

function choose(
  asked: string | null,
  pools: readonly KnownPool[],
  redis: RedisConnection | undefined,
  standard: string | null,
): KnownPool | string {
  const names = pools.map(({ name }) => name);
  const only = pools.length === 1 ? names[0] : undefined;
  const name = asked ?? standard ?? only ?? (pools.length === 0 ? usualName : null);
  if (name === null) return `which pool? ${names.map((each) => `--pool ${each}`).join(', ')}`;
  const found = pools.find((pool) => pool.name === name);
  if (found !== undefined) return found;
  if (!/^[\w.-]{1,64}$/.test(name))
    return `--pool must be a name of letters, digits, dots, dashes and underscores`;
  if (asked !== null && pools.length > 0)
    return `no daemon has published a pool "${name}"${near(name, names, '--pool ') || `: there are ${names.join(', ')}`}`;
  // Nobody has heard of it yet: the daemon will find what was said when it starts.
  if (redis === undefined) return `no pool is known`;
  return { name, store: createOverrideStore(redis), config: null, configured: null, last: null };
}
