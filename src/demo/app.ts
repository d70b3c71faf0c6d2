import { delimiter, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createDaemonLog, type DaemonLog } from './daemon-log.ts';
import { startHerokuEmulator, type HerokuEmulator } from './heroku/emulator.ts';
import { freePort } from './heroku/free-port.ts';
import { queueNames, type Queues, type Work } from './jobs.ts';

export const minWorkers = 1;
export const maxWorkers = 8;
/** 30 on Heroku; shorter here, as all times are. */
export const killGraceSeconds = 3;
/** Of the jobs that run when a worker is told to end, those that end this soon are not handed back. */
const graceSeconds = 1;

/** Where this package lies, with `dist` in it. */
const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));

/** An app on the stand-in for Heroku: its queues, its workers, and the daemon that scales them as its clock dyno. */
export type DemoApp = {
  readonly heroku: HerokuEmulator;
  readonly queues: Queues;
  readonly daemon: DaemonLog;
  /** Its config vars. */
  readonly config: Readonly<Record<string, string>>;
  close(): Promise<void>;
};

/** Starts it all; the daemon is then about to make its first tick. */
export async function startApp(
  redisUrl: string,
  extraConfig: Readonly<Record<string, string>>,
): Promise<DemoApp> {
  const port = await freePort();
  const daemon = createDaemonLog();
  const config = {
    // The dynos run the same Node as this process, wherever it was found.
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    REDIS_URL: redisUrl,
    QUEUES: queueNames.join(),
    HEROKU_API_URL: `http://127.0.0.1:${port}`,
    HEROKU_API_KEY: 'HRKU-demo',
    HEROKU_APP_NAME: 'demo',
    MIN_WORKERS: String(minWorkers),
    MAX_WORKERS: String(maxWorkers),
    EVENTS_PER_WORKER: '20',
    POLL_INTERVAL: '2s',
    SCALE_DOWN_STABILIZATION: '5s',
    GRACE_SECONDS: String(graceSeconds),
    ...extraConfig,
  };
  const heroku = await startHerokuEmulator({
    appName: config.HEROKU_APP_NAME,
    apiKey: config.HEROKU_API_KEY,
    port,
    directory: packageDirectory,
    procfile: 'worker: node dist/demo/worker.js\nclock: node dist/demo/clock.js',
    formation: { worker: { quantity: minWorkers }, clock: { quantity: 1 } },
    env: config,
    bootSeconds: [1, 3],
    killGraceSeconds,
    log: (line) => {
      daemon.take(line);
    },
  });
  // Unlike a connection that belongs to a queue, it can be closed at once, also when the server is gone.
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  return {
    ...{ heroku, daemon, config },
    queues: openQueues(connection),
    async close() {
      await heroku.close();
      connection.disconnect();
    },
  };
}

function openQueues(connection: Redis): Queues {
  // What is wrong with it is also told to whoever uses it.
  connection.on('error', () => undefined);
  const open = (name: string) => {
    // A short stream of events, which nobody reads here and which slows the Redis in JavaScript down.
    const streams = { events: { maxLen: 20 } };
    const queue = new Queue<Work>(name, { connection, streams });
    queue.on('error', () => undefined);
    return queue;
  };
  return { emails: open('emails'), reports: open('reports') };
}

const firstTickSecondsMax = 30;

/**
 * Waits for the daemon's first tick, or until it is asked to end.
 * @throws {Error} with the latest lines of the log when the daemon does not come up
 */
export async function untilDaemonTicks({ daemon }: DemoApp, shutdown: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  while (daemon.lastTick() === null && !shutdown.aborted) {
    if (daemon.hasCrashed() || Date.now() - startedAtMs > firstTickSecondsMax * 1000)
      throw new Error(`the autoscaler did not come up:\n${daemon.tail().join('\n')}`);
    await sleep(100);
  }
}
