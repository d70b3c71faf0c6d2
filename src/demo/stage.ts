import { dirname, delimiter } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createDaemonLog, type DaemonLog } from './daemon-log.ts';
import { startHerokuEmulator, type HerokuEmulator } from './heroku/emulator.ts';
import { freePort } from './heroku/free-port.ts';
import { queueNames, type Queues, type Work } from './jobs.ts';
import { startDemoRedis, type DemoRedis } from './redis.ts';

export const minWorkers = 1;
export const maxWorkers = 8;
/** 30 on Heroku; shorter here, as all times are. */
export const killGraceSeconds = 5;
/** Of the jobs that run then, those that end this soon are not handed back. */
const graceSeconds = 3;

const appName = 'demo';
const apiKey = 'HRKU-demo';
/** Where this package lies, with `dist` in it. */
const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that runs on this machine for the demo. */
export type Stage = {
  readonly redis: DemoRedis;
  readonly heroku: HerokuEmulator;
  readonly queues: Queues;
  readonly daemon: DaemonLog;
  /** Variables that point other programs here. */
  readonly exports: Readonly<Record<string, string>>;
  /** Of the daemon's own HTTP server. */
  readonly url: string;
  close(): Promise<void>;
};

/** Starts it all; the daemon is then about to make its first tick. */
export async function startStage(): Promise<Stage> {
  const redis = await startDemoRedis();
  try {
    const daemon = createDaemonLog();
    const [apiPort, daemonPort] = await Promise.all([freePort(), freePort()]);
    const heroku = await startHeroku(redis.url, apiPort, daemonPort, (line) => {
      daemon.take(line);
    });
    // Unlike a connection that belongs to a queue, it can be closed at once, also when the server is gone.
    const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    const queues = openQueues(connection);
    return {
      ...{ redis, heroku, queues, daemon },
      exports: {
        HEROKU_HOST: heroku.url,
        HEROKU_API_URL: heroku.url,
        HEROKU_APP: appName,
        HEROKU_APP_NAME: appName,
        HEROKU_API_KEY: apiKey,
        REDIS_URL: redis.url,
        QUEUES: queueNames.join(),
        PORT: String(daemonPort),
      },
      url: `http://127.0.0.1:${daemonPort}`,
      async close() {
        await heroku.close();
        connection.disconnect();
        await redis.stop();
      },
    };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

/** One app with the daemon as its clock dyno, set up by config vars as on Heroku. */
function startHeroku(
  redisUrl: string,
  apiPort: number,
  daemonPort: number,
  log: (line: string) => void,
): Promise<HerokuEmulator> {
  return startHerokuEmulator({
    appName,
    apiKey,
    port: apiPort,
    directory: packageDirectory,
    procfile: 'worker: node dist/demo/worker.js\nclock: node dist/demo/clock.js',
    formation: { worker: { quantity: minWorkers }, clock: { quantity: 1 } },
    env: {
      // The dynos run the same Node as this process, wherever it was found.
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      REDIS_URL: redisUrl,
      QUEUES: queueNames.join(),
      HEROKU_API_URL: `http://127.0.0.1:${apiPort}`,
      HEROKU_API_KEY: apiKey,
      HEROKU_APP_NAME: appName,
      MIN_WORKERS: String(minWorkers),
      MAX_WORKERS: String(maxWorkers),
      EVENTS_PER_WORKER: '20',
      POLL_INTERVAL: '2s',
      SCALE_DOWN_STABILIZATION: '5s',
      PORT: String(daemonPort),
      GRACE_SECONDS: String(graceSeconds),
    },
    bootSeconds: [1, 3],
    killGraceSeconds,
    log,
  });
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
export async function untilDaemonTicks({ daemon }: Stage, shutdown: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  while (daemon.lastTick() === null && !shutdown.aborted) {
    if (daemon.hasCrashed() || Date.now() - startedAtMs > firstTickSecondsMax * 1000)
      throw new Error(`the autoscaler did not come up:\n${daemon.tail().join('\n')}`);
    await sleep(100);
  }
}
