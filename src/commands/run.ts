import { once as event, setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { startClock, type Clock } from '../clock.ts';
import { loadConfig, withoutSecrets, type Config } from '../config/load.ts';
import { readPoolsText } from '../config/pools-text.ts';
import { createLog } from '../telemetry/log.ts';
import { statusPage } from '../telemetry/page.ts';
import { startServer, type TelemetryServer } from '../telemetry/server.ts';
import { version } from '../version.ts';
import { assemble, secretsOf, type AssembledPool } from './assemble.ts';
import { exitCodes, type Command, type ExitCode, type Surroundings } from './command.ts';
import { createRecorder, type Recorder } from './recorder.ts';

/** Heroku kills after 30 s and people after less: a tick that has not ended by then is abandoned. */
const graceMs = 5_000;

/** While a tail drains, marks must be renewed, idle dynos removed and returning demand seen sooner than a long interval. */
const drainingTickMs = 5_000;

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
  const assembly = assemble(config, {
    nowMs,
    isPeriodic: true,
    onHerokuReply: recorder.recordHerokuReply,
  });
  let server: TelemetryServer | null = null;
  try {
    server = await serve(config, recorder, host);
    if (server !== null) log.info({ port: server.port }, 'serving metrics and status');
    return await tickUntil(shutdown, assembly.pools, recorder, log);
  } finally {
    await server?.close();
    await assembly.close();
  }
}

/** Runs every pool on its own clock. Resolves after the last tick: `failed` when a bug ended it, `fine` otherwise. */
async function tickUntil(
  shutdown: AbortSignal,
  pools: readonly AssembledPool[],
  recorder: Recorder,
  log: Logger,
): Promise<ExitCode> {
  const abandon = new AbortController();
  // One listener for each wait of each pool is no leak.
  setMaxListeners(0, abandon.signal);
  const bug = new AbortController();
  const underWay = new Set<Promise<void>>();

  const clocks = pools.map((pool): Clock => {
    let isDraining = false;
    return startClock({
      name: pool.name,
      intervalMs: pool.intervalMs,
      logger: clockLogger(log, pool.name),
      async tick() {
        const work = pool.tick(abandon.signal).then(async (record) => {
          const report = recorder.recordTick(pool, record);
          await recorder.publish(pool, report);
          return report;
        });
        const settled = work.then(
          () => undefined,
          () => undefined,
        );
        underWay.add(settled);
        void settled.then(() => underWay.delete(settled));
        const { outcome } = await work;
        // A tick that failed has not ended the drain.
        isDraining = outcome === 'draining' || (isDraining && outcome === 'failed');
        return isDraining ? drainingTickMs : null;
      },
      onBug(error) {
        log.fatal(
          { pool: pool.name, err: error },
          'a bug ended this tick; the process ends, so that it is noticed',
        );
        bug.abort();
      },
    });
  });

  await Promise.race([aborted(shutdown), aborted(bug.signal)]);
  if (shutdown.aborted) log.info('asked to end: no further tick is started');
  await Promise.all(clocks.map((clock) => clock.stop()));
  const timer = setTimeout(() => {
    abandon.abort();
  }, graceMs);
  await Promise.all(underWay);
  clearTimeout(timer);
  return bug.signal.aborted ? exitCodes.failed : exitCodes.fine;
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
  recorder: Recorder,
  host: string | null,
): Promise<TelemetryServer | null> {
  const { PORT: port, METRICS_TOKEN: token } = config.process;
  if (port === null) return null;
  const { metrics, health, status } = recorder;
  return startServer({
    port,
    host,
    token,
    sources: {
      metrics: () => metrics.render([]),
      health: () => Promise.resolve(health()),
      status: () => Promise.resolve(status()),
      page: () => Promise.resolve(statusPage(status(), health())),
    },
  });
}

/** node-cron reports missed ticks and its own failures here, in the same form as everything else. */
function clockLogger(log: Logger, pool: string): Parameters<typeof startClock>[0]['logger'] {
  const child = log.child({ pool, part: 'clock' });
  return {
    info: (message) => {
      child.info(message);
    },
    warn: (message) => {
      child.warn(message);
    },
    error: (message) => {
      child.error(message);
    },
    debug: (message) => {
      child.debug(message);
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await event(signal, 'abort');
}
