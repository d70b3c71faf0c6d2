import type { Config, PoolConfig } from '../../config/load.ts';
import { createDrainBoard } from '../../drain/board.ts';
import { createPoolView } from '../../maintenance/pool-view.ts';
import type { PoolSite, Site } from '../../maintenance/site.ts';
import { bullmqWorkersIn } from '../../queues/bullmq/connected-workers.ts';
import { connectRedis, type RedisConnection } from '../../redis.ts';
import { createOverrideStore } from '../../state/override-store.ts';
import { createSnapshotStore } from '../../state/snapshot-store.ts';
import { createHerokuAccount, type HerokuAccount } from '../../targets/heroku/account.ts';
import { createHerokuOperator } from '../../targets/heroku/operator.ts';
import { createHerokuTarget } from '../../targets/heroku/heroku-target.ts';
import type { Target } from '../../targets/target.ts';
import { version } from '../../version.ts';
import { companionsIn, isOf } from '../connected-to.ts';
import { queueSystems } from '../queue-systems.ts';

/** A pool that is scaled at Heroku. */
export type ScaledPool = PoolConfig & {
  readonly HEROKU_APP_NAME: string;
  readonly HEROKU_API_KEY: string;
};

/** The pools must have one Heroku token and one Redis in common. */
export function openSite(
  [first, ...others]: readonly [ScaledPool, ...ScaledPool[]],
  { process: { STATE_REDIS_URL: stateUrl } }: Pick<Config, 'process'>,
  { nowMs, hide }: { readonly nowMs: () => number; readonly hide: (secrets: string[]) => void },
): Site {
  const configs = [first, ...others];
  const { HEROKU_API_URL: apiUrl, HEROKU_API_KEY: apiKey } = first;
  const caller = { apiUrl, apiKey, nowMs, userAgent: `backlog-autoscaler/${version}` };
  const account = createHerokuAccount(caller);
  const operator = createHerokuOperator(caller);
  const targets = new Map(configs.map((pool) => [pool.POOL, targetOf(pool, account, nowMs)]));
  const open = (url: string, variable: string) =>
    connectRedis(url, {
      ...{ variable, rejectUnauthorized: first.REDIS_TLS_REJECT_UNAUTHORIZED },
      name: 'backlog-autoscaler-maintenance',
    });

  let url = first.REDIS_URL;
  let redis = open(url, 'REDIS_URL');
  const ownStateRedis = stateUrl === null ? null : open(stateUrl, 'STATE_REDIS_URL');
  const stateRedis = () => ownStateRedis ?? redis;
  const poolSites = () =>
    configs.map((pool) => poolSite(pool, { account, targets, redis, state: stateRedis(), nowMs }));
  let pools = poolSites();

  return {
    ...{ account, operator, stateRedis },
    pools: () => pools,
    move(next) {
      if (next === url) return false;
      hide([next]);
      redis.close();
      url = next;
      redis = open(next, 'REDIS_URL');
      pools = poolSites();
      return true;
    },
    async close() {
      redis.close();
      ownStateRedis?.close();
      await Promise.all([account.close(), operator.close()]);
    },
  };
}

function targetOf(pool: ScaledPool, account: HerokuAccount, nowMs: () => number): Target {
  const { HEROKU_APP_NAME: app, PROCESS_TYPE: processType } = pool;
  return createHerokuTarget({ account, app, processType, nowMs });
}

function poolSite(
  pool: ScaledPool,
  parts: {
    readonly account: HerokuAccount;
    readonly targets: ReadonlyMap<string, Target>;
    readonly redis: RedisConnection;
    readonly state: RedisConnection;
    readonly nowMs: () => number;
  },
): PoolSite {
  const { account, redis, state, nowMs } = parts;
  const { POOL: name, HEROKU_APP_NAME: app, PROCESS_TYPE: processType } = pool;
  const target = parts.targets.get(name) ?? targetOf(pool, account, nowMs);
  const board = createDrainBoard(redis, name);
  const snapshots = createSnapshotStore(state);
  const queues = queueSystems[pool.QUEUE_SYSTEM].createQueues({
    ...{ redis, nowMs, queues: pool.QUEUES, prefix: pool.QUEUE_PREFIX },
  });
  return {
    ...{ name, app, processType, board, drainTimeoutMs: pool.DRAIN_TIMEOUT },
    view: createPoolView({ account, app, processType, board, queues, nowMs }),
    overrides: createOverrideStore(state),
    currentWorkers: (maxAgeMs, signal) => target.currentWorkers(maxAgeMs, signal),
    scaleTo: (workers, signal) => target.scaleTo(workers, signal),
    readQueues: (signal) => queues.read(signal),
    async lastTold(signal) {
      const { snapshots: published } = await snapshots.readAll(signal);
      const report = published.find((snapshot) => snapshot.pool === name)?.report;
      return report ? { pausedBy: report.pause?.by ?? null, workers: report.currentWorkers } : null;
    },
    async connected(signal) {
      const list = await redis.run('QUEUE_UNREADABLE', signal, (client) => client.client('LIST'));
      const workers = bullmqWorkersIn(String(list)).filter((worker) => isOf(pool, worker));
      const companions = companionsIn(String(list)).filter((dyno) => isOfType(dyno, processType));
      return [
        ...companions.map((dyno) => `the companion of ${dyno}`),
        ...workers.map(({ queue, name }) => `a worker of ${queue}${name ? ` (${name})` : ''}`),
      ];
    },
  };
}

/** `worker.3`, or `worker-23z34x56y-w78k9` where dynos have no numbers. */
function isOfType(dyno: string, processType: string): boolean {
  return dyno.startsWith(`${processType}.`) || dyno.startsWith(`${processType}-`);
}
