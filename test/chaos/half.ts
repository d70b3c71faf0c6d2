import { dirname, delimiter } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { startHerokuEmulator, type HerokuEmulator } from '../../src/demo/heroku/emulator.ts';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { poolOn } from '../support/pool.ts';
import { startRedis } from '../support/redis.ts';
import { createDynoFates, type DynoFates } from './dyno-fates.ts';
import { readLedger, type LedgerEntry } from './ledger.ts';
import { graceSeconds, killGraceSeconds, queueNames, type Incident } from './plan.ts';

/** What is left of a half when it is over. */
export type HalfRecord = {
  readonly ledger: readonly LedgerEntry[];
  readonly jobsAdded: number;
  /** Jobs that were handed back, as the companions counted them. */
  readonly handedBackJobs: number;
  readonly fates: DynoFates;
  /** Whatever `heroku logs` would have shown. */
  readonly log: readonly string[];
  readonly deploys: number;
  /** The outcome of the last tick before each time that the daemon was killed. */
  readonly kills: readonly (string | null)[];
};

/** A line that says what a tick came to. */
type Tick = { readonly outcome: string };

const appName = 'chaos';
const apiKey = 'HRKU-chaos';
/** Lets the last jobs end: two runs of the longest, and what it takes until a killed one is noticed. */
const restSecondsMax = 60;
const drainingSecondsMax = 3;

/** Plays the incidents on an app of its own, with Redis, dynos and the daemon as its clock dyno, all of them real. */
export async function playHalf(
  incidents: readonly Incident[],
  protection: 'auto' | 'off',
): Promise<HalfRecord> {
  const redis = await startRedis();
  const log: string[] = [];
  let heroku: HerokuEmulator | undefined;
  const fates = createDynoFates(() => heroku);
  const client = new Redis(redis.url, { maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  try {
    heroku = await startApp(redis.url, protection, (line) => {
      log.push(line);
      fates.take(line);
    });
    const queues = openQueues(client);
    const played = await play(incidents, heroku, queues, log);
    await untilDone(queues);
    const ledgers = await Promise.all(queues.map((queue) => readLedger(client, queue)));
    const handedBackJobs = await poolOn(client).handedBackJobs();
    return { ledger: ledgers.flat(), handedBackJobs, fates, log, ...played };
  } finally {
    await heroku?.close();
    client.disconnect();
    await redis.stop();
  }
}

async function startApp(
  redisUrl: string,
  protection: 'auto' | 'off',
  log: (line: string) => void,
): Promise<HerokuEmulator> {
  const port = await freePort();
  return startHerokuEmulator({
    ...{ appName, apiKey, port, killGraceSeconds, log },
    directory: process.cwd(),
    procfile: 'worker: node dist/demo/worker.js\nclock: node dist/main.js run',
    formation: { worker: { quantity: 1 }, clock: { quantity: 1 } },
    env: {
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      REDIS_URL: redisUrl,
      QUEUES: queueNames.join(),
      HEROKU_API_URL: `http://127.0.0.1:${String(port)}`,
      HEROKU_API_KEY: apiKey,
      HEROKU_APP_NAME: appName,
      MIN_WORKERS: '1',
      MAX_WORKERS: '6',
      EVENTS_PER_WORKER: '5',
      POLL_INTERVAL: '1s',
      SCALE_DOWN_STABILIZATION: '0s',
      PROTECT_JOBS: protection,
      GRACE_SECONDS: String(graceSeconds),
    },
    bootSeconds: [0.1, 0.5],
    // Longer than a tick, so that workers are needed again while those that were removed have not heard of it yet.
    stopDelaySeconds: 2,
  });
}

function openQueues(connection: Redis): readonly Queue[] {
  // No event may be dropped: they are the ledger.
  const streams = { events: { maxLen: 10_000_000 } };
  return queueNames.map((name) => {
    const queue = new Queue(name, { connection, streams });
    queue.on('error', () => undefined);
    return queue;
  });
}

async function play(
  incidents: readonly Incident[],
  heroku: HerokuEmulator,
  queues: readonly Queue[],
  log: readonly string[],
): Promise<Pick<HalfRecord, 'jobsAdded' | 'deploys' | 'kills'>> {
  const startedAtMs = Date.now();
  const killing: Promise<string | null>[] = [];
  let jobsAdded = 0;
  let deploys = 0;
  for (const incident of incidents) {
    await sleep(Math.max(0, startedAtMs + incident.atMs - Date.now()));
    if (incident.kind === 'jobs') {
      await queues.find(({ name }) => name === incident.queue)?.addBulk([...incident.jobs]);
      jobsAdded += incident.jobs.length;
    } else if (incident.kind === 'deploy') {
      heroku.deploy();
      deploys += 1;
    } else {
      killing.push(killDaemon(heroku, log));
    }
  }
  return { jobsAdded, deploys, kills: await Promise.all(killing) };
}

/** Waits a moment for a tick that has a tail drain, ends the daemon without a word, and has another one started. */
async function killDaemon(heroku: HerokuEmulator, log: readonly string[]): Promise<string | null> {
  const untilMs = Date.now() + drainingSecondsMax * 1000;
  let seen = log.length;
  let outcome: string | null = null;
  while (outcome !== 'draining' && Date.now() < untilMs) {
    await sleep(20);
    outcome =
      log
        .slice(seen)
        .map(tickOf)
        .findLast((tick) => tick !== null)?.outcome ?? outcome;
    seen = log.length;
  }
  const clock = heroku
    .livingDynos()
    .find(({ plan, state }) => plan.type === 'clock' && state === 'up');
  if (typeof clock?.pid !== 'number') return null;
  process.kill(clock.pid, 'SIGKILL');
  // By itself the platform would start what crashes again and again ever later.
  await fetch(`${heroku.url}/apps/${appName}/dynos/${clock.plan.name}`, {
    method: 'DELETE',
    headers: {
      Accept: 'application/vnd.heroku+json; version=3',
      Authorization: `Bearer ${apiKey}`,
    },
  });
  return outcome;
}

function tickOf(line: string): Tick | null {
  const [, text] = /^app\[clock\.1\]: (\{.*"outcome":.*\})$/.exec(line) ?? [];
  return text === undefined ? null : (JSON.parse(text) as Tick);
}

async function untilDone(queues: readonly Queue[]): Promise<void> {
  const untilMs = Date.now() + restSecondsMax * 1000;
  const left = async () => {
    const counts = await Promise.all(
      queues.map((queue) => queue.getJobCountByTypes('wait', 'prioritized', 'active', 'delayed')),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  while (Date.now() < untilMs && (await left()) > 0) await sleep(200);
}
