import { delimiter, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, type JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { HerokuEmulatorOptions } from '../../src/demo/heroku/emulator.ts';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { readLedger, type LedgerEntry } from '../chaos/ledger.ts';
import { apiKey, startTestHeroku, type TestHeroku } from './heroku-emulator.ts';
import { poolOn, until, type Pool } from './pool.ts';
import { startRedis, type RedisServer } from './redis.ts';

/** An app whose workers, and the daemon as its clock dyno, are real processes; it ends with the test. */
export type Producer = {
  added(): number;
  /** Adds no more. */
  pause(): Promise<void>;
  /** Adds no more, and waits until all that were added are done. */
  stop(): Promise<void>;
};

export type RunningApp = {
  readonly heroku: TestHeroku;
  readonly redis: RedisServer;
  readonly client: Redis;
  readonly queue: Queue;
  readonly pool: Pool;
  /** For commands that are run beside it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Adds short jobs until it is told to stop. */
  produce(): Producer;
  /** What became of every job, of the queue or of what took its place. */
  ledger(queue?: Queue, client?: Redis): Promise<readonly LedgerEntry[]>;
};

export async function startRunningApp(
  workers: number,
  config: Readonly<Record<string, string>> = {},
  options: Partial<HerokuEmulatorOptions> = {},
): Promise<RunningApp> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const port = await freePort();
  const environment = {
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_API_URL: `http://127.0.0.1:${String(port)}`,
    HEROKU_API_KEY: apiKey,
    HEROKU_APP_NAME: 'demo',
    MIN_WORKERS: String(workers),
    MAX_WORKERS: String(workers),
    POLL_INTERVAL: '1s',
    ...config,
  };
  const client = new Redis(redis.url, { maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  onTestFinished(() => {
    client.disconnect();
  });
  const queue = openQueue(client);
  const heroku = await startTestHeroku({
    port,
    directory: process.cwd(),
    procfile: 'worker: node dist/demo/worker.js\nclock: node dist/main.js run',
    formation: { worker: { quantity: workers }, clock: { quantity: 1 } },
    env: {
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      GRACE_SECONDS: '1',
      ...environment,
    },
    killGraceSeconds: 5,
    ...options,
  });
  const pool = poolOn(client);
  await until(async () => {
    const heard = (await pool.heartbeats()).filter(({ state }) => state === 'working');
    return heard.length === workers && heroku.lines.some((line) => line.includes('"outcome"'));
  });
  return {
    ...{ heroku, redis, client, queue, pool, environment },
    produce: () => produceOn(queue),
    ledger: (of = queue, through = client) => readLedger(through, of),
  };
}

function openQueue(connection: Redis): Queue {
  // No event may be dropped: they are the ledger.
  const queue = new Queue('emails', { connection, streams: { events: { maxLen: 10_000_000 } } });
  queue.on('error', () => undefined);
  return queue;
}

/** Short jobs, each of which runs for a while, one after the other in quick succession. */
function produceOn(queue: Queue): Producer {
  const over = new AbortController();
  let added = 0;
  const opts: JobsOptions = { attempts: 1 };
  const producing = (async () => {
    while (!over.signal.aborted) {
      await queue.add('e-mail', { workMs: 300 }, opts);
      added += 1;
      await sleep(60);
    }
  })();
  const pause = async () => {
    over.abort();
    await producing;
  };
  return {
    added: () => added,
    pause,
    async stop() {
      await pause();
      const unfinished = async () =>
        queue.getJobCountByTypes('wait', 'prioritized', 'active', 'delayed');
      await until(async () => (await unfinished()) === 0);
    },
  };
}

/** Jobs that did not simply run once and succeed. */
export function troubled(ledger: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return ledger.filter(({ runs }) => runs.length !== 1 || runs[0]?.end !== 'completed');
}
