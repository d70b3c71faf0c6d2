import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startDaemon, type LogLine, type RunningDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** The demand at the beginning and after the fault, in workers: what was asked for can only be more. */
export const workersBefore = 6;
export const workersAfter = 10;
const jobsPerWorker = 10;

/** A daemon, its Redis and its Heroku, each behind a network of which a fault can take hold. */
export type Stage = {
  readonly redis: RedisServer;
  /** A connection of the fault's own to that server. */
  readonly admin: Redis;
  readonly toRedis: TcpProxy;
  readonly heroku: ScriptedHeroku;
  readonly toHeroku: TcpProxy;
  /** The daemon, or the one that took its place. */
  readonly daemon: RunningDaemon;
  /** Another daemon with other config vars takes its place, as at a release. */
  readonly release: (changes: Readonly<Record<string, string>>) => void;
  /** Adds what `workersAfter` needs to the queue on this server, or on the first. */
  readonly addDemand: (client?: Redis, prefix?: string) => Promise<void>;
  /** Waits for a line of the log that is written from now on. */
  readonly next: (matches: (line: LogLine) => boolean) => Promise<LogLine>;
  /** What to do when everything is over. */
  readonly atEnd: (work: () => unknown) => void;
};

export const keyOfQueue = (prefix: string, queue = 'emails') => `${prefix}:${queue}:wait`;

/** Fills an empty queue so that it needs that many workers. */
export async function fill(
  client: Redis,
  workers: number,
  prefix = 'bull',
  queue = 'emails',
): Promise<void> {
  await client.hset(`${prefix}:${queue}:meta`, 'version', 'bullmq:6.7.0');
  const present = await client.llen(keyOfQueue(prefix, queue));
  const missing = workers * jobsPerWorker - present;
  const ids = Array.from({ length: missing }, (_, index) => `job-${String(present + index)}`);
  if (ids.length > 0) await client.lpush(keyOfQueue(prefix, queue), ...ids);
}

export const jobsFor = (workers: number): number => workers * jobsPerWorker;

export type StageOptions = {
  readonly redisOptions?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the app; all have the workers that are needed before the fault. */
  readonly processTypes?: readonly string[];
  /** Makes of the proxies what the daemon is told. */
  readonly redisUrl?: (proxy: TcpProxy) => string;
  /** Done before the daemon is started. */
  readonly before?: (stage: Omit<Stage, 'daemon' | 'next' | 'release'>) => unknown;
};

export async function startStage(
  options: StageOptions,
): Promise<Stage & { readonly end: () => Promise<void> }> {
  const endings: (() => unknown)[] = [];
  const redis = await startRedis({ extra: options.redisOptions ?? [] });
  const admin = new Redis(redis.url);
  admin.on('error', () => undefined);
  await fill(admin, workersBefore);
  const { processTypes = ['worker', 'mailer'] } = options;
  const heroku = await startScriptedHeroku(
    Object.fromEntries(
      processTypes.map((type) => [type, { quantity: workersBefore, size: 'Standard-1X' }]),
    ),
  );
  const toRedis = await startTcpProxy(Number(new URL(redis.url).port));
  const toHeroku = await startTcpProxy(Number(new URL(heroku.url).port));
  const parts = {
    redis,
    admin,
    toRedis,
    heroku,
    toHeroku,
    addDemand: (client: Redis = admin, prefix = 'bull') => fill(client, workersAfter, prefix),
    atEnd: (work: () => unknown) => void endings.push(work),
  };
  await options.before?.(parts);
  const environment = {
    REDIS_URL: options.redisUrl?.(toRedis) ?? toRedis.url('redis'),
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: heroku.token,
    HEROKU_API_URL: toHeroku.url('http'),
    EVENTS_PER_WORKER: String(jobsPerWorker),
    MAX_WORKERS: '20',
    POLL_INTERVAL: '1s',
    SCALE_DOWN_STABILIZATION: '0s',
    // So that nothing but blindness stands between a fault and a scale-down.
    PROTECT_JOBS: 'off',
    ...options.environment,
  };
  const daemons = [startDaemon(environment)];
  const daemonNow = () => daemons.at(-1) as RunningDaemon;
  return {
    ...parts,
    get daemon() {
      return daemonNow();
    },
    release(changes) {
      daemonNow().kill('SIGTERM');
      daemons.push(startDaemon({ ...environment, ...changes }));
    },
    async next(matches) {
      const daemon = daemonNow();
      const from = daemon.log.length;
      for (;;) {
        const found = daemon.log.slice(from).find(matches);
        if (found) return found;
        if (await hasEnded(daemon)) throw new Error('the daemon ended');
        await sleep(20);
      }
    },
    async end() {
      for (const daemon of daemons) {
        daemon.kill('SIGKILL');
        await daemon.finished;
      }
      for (const ending of endings) await ending();
      for (const proxy of [toRedis, toHeroku]) proxy.stop();
      admin.disconnect();
      await Promise.all([redis.stop(), heroku.stop()]);
    },
  };
}

export async function hasEnded(daemon: RunningDaemon): Promise<boolean> {
  return Promise.race([daemon.finished.then(() => true), sleep(0, false)]);
}

/** The quantities that were asked for so far. */
export function quantitiesAsked({ heroku }: Pick<Stage, 'heroku'>): readonly number[] {
  return heroku.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ body }) => JSON.parse(body) as { updates: { quantity: number }[] })
    .flatMap(({ updates }) => updates.map(({ quantity }) => quantity));
}
