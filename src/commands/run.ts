import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { loadConfig, withoutSecrets, type Config } from '../config/load.ts';
import { readPoolsText } from '../config/pools-text.ts';
import { startPushing, type Pushing } from '../delivery/pushing.ts';
import { createPushTargets } from '../delivery/push-targets.ts';
import { watchEventLoop } from '../telemetry/event-loop.ts';
import { createLog } from '../telemetry/log.ts';
import { startServer, type TelemetryServer } from '../telemetry/http/server.ts';
import { version } from '../version.ts';
import { startWatchdog } from '../watchdog.ts';
import { assemble, type AssembledPool } from './assemble.ts';
import { instanceOf, nameOf } from './names.ts';
import { secretsOf } from './secrets.ts';
import type { Command, ExitCode, Surroundings } from './command.ts';
import { createNotifying } from './notifying.ts';
import { renderPage } from './page.ts';
import { createPast } from './past.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { startTicking, type Ticking } from './ticking.ts';

/** Giving the leases back takes a second at most. */
const closeMsMax = 2_000;
const lastWordMsMax = 1_500;

export const run: Command = {
  name: 'run',
  summary: 'The daemon: a tick for every pool at each interval, until SIGTERM (the default)',
  help: `Looks at the queues of every pool at each POLL_INTERVAL and sets the number of workers on Heroku.
Logs one line of JSON for each tick to stdout, and serves /metrics, /healthz, /status.json and a status page when PORT
is set. In a Procfile: clock: exec node dist/main.js run`,
  options: {},
  execute: (_options, surroundings) => runDaemon({ ...surroundings, host: null }),
};

export type DaemonOptions = Pick<Surroundings, 'environment' | 'nowMs' | 'shutdown' | 'hide'> & {
  /** Where HTTP is served when PORT is set; null for all interfaces. */
  readonly host: string | null;
};

/**
 * Runs until it is asked to end, or a bug ends it.
 * @throws {ConfigError} when the environment is not a valid configuration
 */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  const { environment, nowMs, shutdown, hide, host } = options;
  const config = loadConfig(environment, readPoolsText);
  const secrets = secretsOf(config);
  hide(secrets);
  const log = createLog({
    level: config.process.LOG_LEVEL,
    secrets,
    destination: 'stdout',
  });
  announce(log, config);

  const recorder = createRecorder(config, log, nowMs);
  let ticking: Ticking | null = null;
  const assembly = assemble(config, {
    ...{ nowMs, isPeriodic: true, name: nameOf(environment) },
    onHerokuReply: recorder.recordHerokuReply,
    onHerokuOveruse: recorder.recordHerokuOveruse,
    onUnlisted: recorder.recordUnlisted,
    onOblivion: recorder.recordOblivion,
    onLeadership(pool, leadership) {
      recorder.recordLeadership(pool, leadership);
      // A pool whose daemon went away has waited long enough.
      if (leadership.isOwn) ticking?.tickNow(pool);
    },
  });
  const stopWatching = watchEventLoop(recorder.metrics.recordEventLoopLag);
  const stopWatchdog = startWatchdog(stillSecondsMax(assembly.pools));
  const notifying = createNotifying(config, recorder, { nowMs, log });
  const pushing = push(config, recorder, options, log);
  let server: TelemetryServer | null = null;
  try {
    server = await serve(config, assembly.pools, recorder, { host, nowMs });
    if (server !== null) log.info({ port: server.port }, 'serving metrics and status');
    ticking = startTicking(shutdown, assembly.pools, notifying.recorder, log);
    return await ticking.ended;
  } finally {
    stopWatching();
    const closed = Promise.all([
      ...[server?.close(), pushing.end(lastWordMsMax), notifying.end(lastWordMsMax)],
      ...[assembly.close(), stopWatchdog()],
    ]);
    // What hung in a tick may hang here too, and must not keep the process.
    await Promise.race([closed, sleep(closeMsMax)]);
  }
}

/** Three intervals, as for a tick that does not end; but no busy machine explains three minutes, nor every one ten seconds. */
function stillSecondsMax(pools: readonly AssembledPool[]): number {
  const shortestMs = Math.min(...pools.map(({ intervalMs }) => intervalMs));
  return Math.ceil(Math.min(Math.max(3 * shortestMs, 10_000), 180_000) / 1000);
}

/** The resolved configuration, so that a misread one is seen at once, and what in it was probably not meant. */
function announce(log: Logger, config: Config): void {
  for (const pool of config.pools) {
    log.info(
      { pool: pool.POOL, config: withoutSecrets(pool) },
      `backlog-autoscaler ${version} looks after pool ${pool.POOL}`,
    );
  }
  for (const warning of config.warnings) log.warn(warning);
}

async function serve(
  config: Config,
  pools: readonly AssembledPool[],
  { metrics, health, status }: Recorder,
  { host, nowMs }: Pick<DaemonOptions, 'host' | 'nowMs'>,
): Promise<TelemetryServer | null> {
  const { PORT: port, METRICS_TOKEN: token } = config.process;
  if (port === null) return null;
  const byName = new Map(pools.map((pool) => [pool.name, pool]));
  const readPast = createPast((pool) => byName.get(pool)?.history, nowMs);
  return startServer({
    port,
    host,
    token,
    nowMs,
    sources: {
      metrics: () => metrics.render([]),
      health: () => Promise.resolve(health()),
      status: () => Promise.resolve(status()),
      page: (span) =>
        renderPage({
          reports: status().pools,
          health: health(),
          intervalMsOf: (pool) => byName.get(pool)?.intervalMs ?? 0,
          ...{ readPast, span, isGuarded: token !== null, outdated: null, nowMs: nowMs() },
        }),
    },
  });
}

/** Heroku lets nobody in but to web dynos: a daemon that cannot be asked tells on its own. */
function push(
  config: Config,
  { metrics, recordDelivery }: Recorder,
  { environment, nowMs }: DaemonOptions,
  log: Logger,
): Pushing {
  const { PUSH_INTERVAL: intervalMs } = config.process;
  const instance = instanceOf(config, environment);
  const targets = createPushTargets(config.process, { instance, registry: metrics.registry });
  for (const { name, host } of targets)
    log.info(
      { to: name, host, instance },
      `metrics are pushed to ${host} (${name}) as ${instance}`,
    );
  return startPushing(targets, { intervalMs, nowMs, onPushed: recordDelivery });
}
