import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Redis } from 'ioredis';
import { Queue, Worker } from 'bullmq';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { fill, keyOfQueue, startStage, type Stage } from '../faults/stage.ts';
import type { LogLine } from '../support/daemon.ts';
import { troubles, type SoakStage } from './troubles.ts';

/** What is counted, at one moment. */
export type Sample = Readonly<Record<string, number>>;

export type Soak = {
  readonly ticks: number;
  /** One after each trouble, when the daemon has recovered. */
  readonly samples: readonly Sample[];
  /** Keys of the program that would stay for ever. */
  readonly keysThatStay: readonly string[];
  readonly largestStreamBytes: number;
};

const pools = ['worker', 'mailer', 'imager', 'reporter'];
/** Each queue comes, is there for so many rounds, in which it is discovered, and vanishes. */
const roundsOfAQueue = 10;

/** So that even in no time at all there is something to compare. */
const roundsMin = 4;

/** Lets a real daemon live through one trouble after the other, with demand that comes and goes, and looks at what it holds. */
export async function soak(minutes: number): Promise<Soak> {
  const directory = mkdtempSync(join(tmpdir(), 'autoscaler-soak-'));
  const httpPort = await freePort();
  const stage = await startStage({
    redisOptions: ['--enable-debug-command', 'yes'],
    processTypes: pools,
    environment: {
      ...{ QUEUES: '*', POOLS_FILE: poolsFileIn(directory), PORT: String(httpPort) },
      ...{ PROTECT_JOBS: 'auto', MAX_WORKERS: '30' },
      NODE_OPTIONS: `--import=${pathToFileURL(resolve('test/soak/probe.js')).href}`,
    },
  });
  const jobs = await startJobs(stage.redis.url);
  try {
    return await play({ ...stage, httpPort }, jobs, minutes * 60_000);
  } finally {
    await jobs.stop();
    await stage.end();
    rmSync(directory, { recursive: true });
  }
}

async function play(
  stage: SoakStage,
  jobs: Awaited<ReturnType<typeof startJobs>>,
  durationMs: number,
): Promise<Soak> {
  const samples: Sample[] = [];
  const startedAtMs = Date.now();
  await allPools(stage, isGood);
  for (let round = 0; round < roundsMin || Date.now() - startedAtMs < durationMs; round += 1) {
    await stage.admin.del(keyOfQueue('bull'));
    await fill(stage.admin, round % 2 === 0 ? 12 : 3);
    await fill(stage.admin, 1, 'bull', `round-${String(round)}`);
    const former = `round-${String(round - roundsOfAQueue)}`;
    await stage.admin.del(`bull:${former}:meta`, keyOfQueue('bull', former));
    await jobs.add(`kind-${String(round)}`);
    await troubles[round % troubles.length]?.strike(stage);
    await allPools(stage, isGood);
    await Promise.all(
      ['/metrics', '/status.json', '/healthz', '/'].map(async (path) => {
        const reply = await fetch(`http://127.0.0.1:${String(stage.httpPort)}${path}`);
        await reply.text();
      }),
    );
    samples.push({ ...(await holdingsOf(stage)), ...(await keysIn(stage.admin)) });
  }
  const keys = await stage.admin.keys('backlog-autoscaler:*');
  const expiries = await Promise.all(keys.map((key) => stage.admin.pttl(key)));
  return {
    ticks: stage.daemon.log.filter(({ outcome }) => outcome !== undefined).length,
    samples,
    keysThatStay: keys.filter((_, index) => expiries[index] === -1),
    largestStreamBytes: await largestStreamIn(stage.admin, keys),
  };
}

const isGood = ({ outcome, code }: LogLine) =>
  code === undefined && ['scaled', 'held', 'draining'].includes(String(outcome));

/** Waits until each pool has told something that is not told yet. */
async function allPools({ next }: Stage, matches: (line: LogLine) => boolean): Promise<void> {
  await Promise.all(pools.map((pool) => next((line) => line['pool'] === pool && matches(line))));
}

async function holdingsOf({ daemon, next }: Stage): Promise<Sample> {
  const told = next(({ holdings }) => holdings !== undefined);
  daemon.kill('SIGUSR2');
  return (await told)['holdings'] as Sample;
}

/** Keys under the program's prefix, whatever they are for. Streams grow to a bound of their own, so they are apart. */
async function keysIn(client: Redis): Promise<Sample> {
  const keys = await client.keys('backlog-autoscaler:*');
  let bytes = 0;
  for (const key of keys) {
    if ((await client.type(key)) !== 'stream') bytes += await bytesOf(client, key);
  }
  return { redisKeys: keys.length, redisKilobytes: Math.round(bytes / 1024) };
}

async function largestStreamIn(client: Redis, keys: readonly string[]): Promise<number> {
  let largest = 0;
  for (const key of keys) {
    if ((await client.type(key)) === 'stream')
      largest = Math.max(largest, await bytesOf(client, key));
  }
  return largest;
}

async function bytesOf(client: Redis, key: string): Promise<number> {
  return (await client.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
}

/** Real jobs of ever new kinds, so that what is learned of them must be forgotten, too. */
async function startJobs(url: string) {
  const connection = { url };
  const queue = new Queue('mail', { connection });
  const worker = new Worker('mail', () => Promise.resolve(), { connection, name: 'worker.1' });
  queue.on('error', () => undefined);
  worker.on('error', () => undefined);
  await worker.waitUntilReady();
  return {
    async add(name: string) {
      await queue.add(name, {}, { removeOnComplete: true });
    },
    async stop() {
      await worker.close(true);
      await queue.close();
    },
  };
}

function poolsFileIn(directory: string): string {
  const path = join(directory, 'pools.yml');
  const lines = pools.map((name) => `  - { name: ${name}, processType: ${name}, queues: ['*'] }\n`);
  writeFileSync(path, `pools:\n${lines.join('')}`);
  return path;
}
