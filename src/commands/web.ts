import { once as event } from 'node:events';
import { loadStateConfig } from '../config/load.ts';
import { connectRedis } from '../redis.ts';
import { createSnapshotStore, type Snapshot } from '../state/snapshot-store.ts';
import { createLog } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { statusPage } from '../telemetry/page/status-page.ts';
import { healthOf } from '../telemetry/report.ts';
import type { Sources } from '../telemetry/http/routes.ts';
import { startServer } from '../telemetry/http/server.ts';
import { version } from '../version.ts';
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
    const { url, rejectUnauthorized } = config.stateRedis;
    const secrets = [url, config.METRICS_TOKEN].filter((secret) => secret !== null);
    const log = createLog({ level: config.LOG_LEVEL, secrets, destination: 'stdout' });
    const redis = connectRedis(url, { rejectUnauthorized, name: 'backlog-autoscaler-web' });
    const store = createSnapshotStore(redis);
    try {
      const server = await startServer({
        port: config.PORT ?? portIfUnset,
        host: null,
        token: config.METRICS_TOKEN,
        nowMs,
        sources: sourcesFrom(readSnapshots, nowMs, { isGuarded: config.METRICS_TOKEN !== null }),
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

function sourcesFrom(
  read: () => Promise<readonly Snapshot[]>,
  nowMs: () => number,
  options: { readonly isGuarded: boolean },
): Sources {
  const metrics = createMetrics([], { version });
  const status = (snapshots: readonly Snapshot[]) => ({
    pools: snapshots.map(({ report }) => report),
  });
  return {
    metrics: async () => metrics.render((await read()).map((snapshot) => snapshot.metrics)),
    health: async () => healthOf(await read(), nowMs()),
    status: async () => status(await read()),
    async page() {
      const snapshots = await read();
      return statusPage(status(snapshots), healthOf(snapshots, nowMs()), options);
    },
  };
}
