import { z } from 'zod';
import type { Config, PoolConfig } from '../../config/load.ts';
import type { Overrides } from '../../decision/overrides.ts';
import { workersKey } from '../../drain/protocol.ts';
import { findQueues } from '../../queues/bullmq/discovery.ts';
import type { QueuesReading } from '../../queues/queue-source.ts';
import { connectRedis, type RedisConnection } from '../../redis.ts';
import { createOverrideStore } from '../../state/override-store.ts';
import { queueSystems } from '../queue-systems.ts';
import { answerTo, type Answer } from './answer.ts';
import { createClients } from '../../queues/bullmq/clients.ts';
import { bullmqWorkersIn, type BullmqWorker } from '../../queues/bullmq/connected-workers.ts';
import type { Census, UnknownUse } from '../../queues/bullmq/connections.ts';
import { companionsIn } from '../connected-to.ts';

/** A Redis of the configuration, and which pools keep what there. */
export type RedisServer = {
  readonly url: string;
  readonly rejectUnauthorized: boolean;
  readonly queuePools: readonly PoolConfig[];
  readonly statePools: readonly PoolConfig[];
};

/** What INFO tells; null for what the server does not say. */
export type RedisInfo = {
  readonly version: string | null;
  readonly role: string | null;
  readonly usedMemoryBytes: number | null;
  /** 0 when there is no limit. */
  readonly maxMemoryBytes: number | null;
  readonly maxMemoryPolicy: string | null;
};

export type QueueFacts = {
  /** Dynos whose companions speak to the pool. */
  readonly heardDynos: Answer<readonly string[]>;
  readonly reading: Answer<QueuesReading>;
  /** All queues that have the pool's prefix. */
  readonly knownQueues: Answer<readonly string[]>;
};

export type RedisFacts = {
  readonly latencyMs: number;
  readonly info: Answer<RedisInfo>;
  /** Whether a script may run: reading queues takes one. */
  readonly script: Answer<unknown>;
  /** Those that are connected; null when the server does not list its clients. */
  readonly workers: readonly BullmqWorker[] | null;
  readonly census: Census | UnknownUse;
  /** Dynos whose companions are connected, whatever pool they speak to. */
  readonly companions: readonly string[];
  /** Whether state could be written; null where none is kept. */
  readonly write: Answer<unknown> | null;
  /** What operators changed about each pool that keeps its state there. */
  readonly overrides: ReadonlyMap<string, Answer<Overrides>>;
  /** By pool; empty when no script may run. */
  readonly queues: ReadonlyMap<string, QueueFacts>;
};

/** The config var that says where the server is. */
export function variableOf({ queuePools }: RedisServer): 'REDIS_URL' | 'STATE_REDIS_URL' {
  return queuePools.length > 0 ? 'REDIS_URL' : 'STATE_REDIS_URL';
}

type Circumstances = { readonly nowMs: () => number; readonly signal: AbortSignal };

export function redisServersOf({ process, pools }: Config): readonly RedisServer[] {
  const servers = new Map<string, RedisServer>();
  for (const pool of pools) {
    add(pool, pool.REDIS_URL, 'queuePools');
    add(pool, process.STATE_REDIS_URL ?? pool.REDIS_URL, 'statePools');
  }
  return [...servers.values()];

  function add(pool: PoolConfig, url: string, use: 'queuePools' | 'statePools'): void {
    const { REDIS_TLS_REJECT_UNAUTHORIZED: rejectUnauthorized } = pool;
    const key = `${url} ${String(rejectUnauthorized)}`;
    const unused = { url, rejectUnauthorized, queuePools: [], statePools: [] };
    const server = servers.get(key) ?? unused;
    servers.set(key, { ...server, [use]: [...server[use], pool] });
  }
}

/** Asks a server everything that is judged later. Settles soon after the signal aborts, and leaves nothing behind. */
export async function lookAtRedis(
  server: RedisServer,
  circumstances: Circumstances,
): Promise<Answer<RedisFacts>> {
  const { url, rejectUnauthorized } = server;
  const redis = connectRedis(url, {
    ...{ rejectUnauthorized, name: 'backlog-autoscaler-check', variable: variableOf(server) },
  });
  try {
    return await answerTo(interrogate(redis, server, circumstances));
  } finally {
    redis.close();
  }
}

async function interrogate(
  redis: RedisConnection,
  { queuePools, statePools }: RedisServer,
  { nowMs, signal }: Circumstances,
): Promise<RedisFacts> {
  const ask = <T>(command: Parameters<typeof redis.run<T>>[2]) =>
    answerTo(redis.run('QUEUE_UNREADABLE', signal, command));

  let latencyMs = 0;
  const info = await ask(async (client) => {
    const askedAtMs = nowMs();
    const text = await client.info().finally(() => (latencyMs = nowMs() - askedAtMs));
    return parseInfo(text);
  });
  // A refusal is an answer too; any other trouble would only be met again by every further question.
  if (info.error !== null && !isRefusal(info)) throw info.error;

  const clients = createClients(redis, nowMs, () => undefined);
  const store = createOverrideStore(redis);
  const [script, clientList, census, write, overrides] = await Promise.all([
    ask((client) => client.eval('return 1', 0)),
    clients.list(signal),
    clients.census(signal),
    // With XX, SET needs all that it takes to write, yet leaves a key alone that does not exist.
    statePools.length === 0
      ? null
      : ask((client) => client.set('backlog-autoscaler:check', '', 'PX', 1, 'XX')),
    Promise.all(
      statePools.map(async ({ POOL }) => [POOL, await answerTo(store.read(POOL, signal))] as const),
    ),
  ]);
  const workers = clientList === null ? null : bullmqWorkersIn(clientList);
  const companions = companionsIn(clientList ?? '');
  const readable = script.error === null ? queuePools : [];
  const queues = await Promise.all(
    readable.map(
      async (pool) => [pool.POOL, await lookAtQueues(redis, pool, { nowMs, signal })] as const,
    ),
  );
  return {
    ...{ latencyMs, info, script, workers, census, companions, write },
    overrides: new Map(overrides),
    queues: new Map(queues),
  };
}

async function lookAtQueues(
  redis: RedisConnection,
  { POOL: pool, QUEUE_SYSTEM: system, QUEUES: queues, QUEUE_PREFIX: prefix }: PoolConfig,
  { nowMs, signal }: Circumstances,
): Promise<QueueFacts> {
  const source = queueSystems[system].createQueues({ redis, queues, prefix, nowMs });
  const [reading, knownQueues, heardDynos] = await Promise.all([
    answerTo(source.read(signal)),
    answerTo(findQueues(redis, prefix, signal)),
    answerTo(
      redis.run('QUEUE_UNREADABLE', signal, async (client) =>
        (await client.hvals(workersKey(pool))).flatMap(dynoIn),
      ),
    ),
  ]);
  return { reading, knownQueues, heardDynos };
}

/** The dyno that a heartbeat is of; none for what is no heartbeat. */
function dynoIn(heartbeat: string): readonly string[] {
  try {
    return [z.object({ dyno: z.string() }).parse(JSON.parse(heartbeat)).dyno];
  } catch {
    return [];
  }
}

/** Whether the server answered that its user lacks the permission. */
export function isRefusal({ error }: Answer<unknown>): boolean {
  return error !== null && error.message.includes('NOPERM');
}

function parseInfo(text: string): RedisInfo {
  const fields = new Map(
    text.split(/\r?\n/).map((line) => {
      const [name = '', ...rest] = line.split(':');
      return [name, rest.join(':')];
    }),
  );
  const number = (name: string) => {
    const value = fields.get(name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : null;
  };
  return {
    version: fields.get('redis_version') ?? null,
    role: fields.get('role') ?? null,
    usedMemoryBytes: number('used_memory'),
    maxMemoryBytes: number('maxmemory'),
    maxMemoryPolicy: fields.get('maxmemory_policy') ?? null,
  };
}
