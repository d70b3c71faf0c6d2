import { once as event } from 'node:events';
import { loadStateConfig } from '../config/load.ts';
import { timeOfDay } from '../decision/words.ts';
import { OperationalError } from '../errors.ts';
import { connectRedis } from '../redis.ts';
import { createHistoryStore } from '../state/history-store.ts';
import { createSnapshotStore, type Snapshot } from '../state/snapshot-store.ts';
import { createLog } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { healthOf } from '../telemetry/health.ts';
import type { Sources } from '../telemetry/http/routes.ts';
import { startServer } from '../telemetry/http/server.ts';
import { version } from '../version.ts';
import { renderPage } from './page.ts';
import { createPast, type ReadPast } from './past.ts';
import { exitCodes, type Command } from './command.ts';

const portIfUnset = 8080;
/** A scraper waits 10 s; an answer that takes longer than this will not come. */
const readMsMax = 5_000;

export const web: Command = {
  name: 'web',
  summary: 'Serve metrics and status for a clock dyno, from what it publishes to Redis',
  help: `A clock dyno cannot be reached from outside. This serves the same paths for it from a web dyno beside it: /metrics,
/healthz, /status.json and the status page, read from Redis at each request. It never scales anything. Needs REDIS_URL
(or STATE_REDIS_URL), and PORT (Heroku sets it; ${String(portIfUnset)} otherwise). In a Procfile: web: exec node dist/main.js web`,
  options: {},
  async execute(_options, { environment, nowMs, shutdown }) {
    const config = loadStateConfig(environment);
    const { url } = config.stateRedis;
    const secrets = [url, config.METRICS_TOKEN].filter((secret) => secret !== null);
    const log = createLog({ level: config.LOG_LEVEL, secrets, destination: 'stdout' });
    const redis = connectRedis(url, { ...config.stateRedis, name: 'backlog-autoscaler-web' });
    const store = createSnapshotStore(redis);
    const history = createHistoryStore(redis);
    try {
      const server = await startServer({
        port: config.PORT ?? portIfUnset,
        host: null,
        token: config.METRICS_TOKEN,
        nowMs,
        sources: sourcesFrom(readSnapshots, {
          ...{ nowMs, isGuarded: config.METRICS_TOKEN !== null },
          readPast: createPast(() => history, nowMs),
        }),
      });
      log.info(
        { port: server.port },
        `backlog-autoscaler ${version} serves what the daemon publishes`,
      );
      if (config.METRICS_TOKEN === null)
        log.warn('METRICS_TOKEN is not set: anyone who can reach this port can read it');
      if (!shutdown.aborted) await event(shutdown, 'abort');
      await server.close();
      return exitCodes.fine;
    } finally {
      redis.close();
    }

    async function readSnapshots(): Promise<readonly Snapshot[]> {
      const { snapshots, skipped } = await store.readAll(AbortSignal.timeout(readMsMax));
      for (const { pool, why } of skipped)
        log.warn({ pool }, `what was published of this pool is not understood: ${why}`);
      return snapshots;
    }
  },
};

type PageSurroundings = {
  readonly nowMs: () => number;
  readonly readPast: ReadPast;
  readonly isGuarded: boolean;
};

function sourcesFrom(
  read: () => Promise<readonly Snapshot[]>,
  surroundings: PageSurroundings,
): Sources {
  const { nowMs } = surroundings;
  const metrics = createMetrics([], { version });
  const status = (snapshots: readonly Snapshot[]) => ({
    pools: snapshots.map(({ report }) => report),
  });
  return {
    metrics: async () => metrics.render((await read()).map((snapshot) => snapshot.metrics)),
    health: async () => healthOf(await read(), nowMs()),
    status: async () => status(await read()),
    page: pageFrom(read, surroundings),
  };
}

/** Where Redis is away, a person sees what was known last, and from when it is. */
function pageFrom(
  read: () => Promise<readonly Snapshot[]>,
  { nowMs, readPast, isGuarded }: PageSurroundings,
): Sources['page'] {
  let known: { readonly atMs: number; readonly snapshots: readonly Snapshot[] } | null = null;
  return async function page(span) {
    let outdated: string | null = null;
    try {
      known = { snapshots: await read(), atMs: nowMs() };
    } catch (error) {
      if (!(error instanceof OperationalError) || known === null) throw error;
      outdated = `This is what was known at ${timeOfDay(known.atMs, false)}. ${error.message}`;
    }
    const { snapshots } = known;
    const intervalsMs = new Map(snapshots.map(({ pool, intervalMs }) => [pool, intervalMs]));
    return renderPage({
      reports: snapshots.map(({ report }) => report),
      health: healthOf(snapshots, nowMs()),
      intervalMsOf: (pool) => intervalsMs.get(pool) ?? 0,
      ...{ readPast, span, isGuarded, outdated, nowMs: nowMs() },
    });
  };
}
