import { Cluster, Redis, type RedisOptions } from 'ioredis';

/**
 * What stands at the address decides how to talk to it: a server of its own is kept; a node of a Redis Cluster is
 * replaced by a client for all of its nodes, and a sentinel by one that follows the primary it knows. The three take the
 * same commands, so that nobody else need know which it is.
 * @throws whatever ioredis throws when the server is lost meanwhile; Error for a sentinel of several primaries
 */
export async function clientForPlaceOf(first: Redis): Promise<Redis> {
  const info = await infoOf(first);
  if (/^redis_mode:sentinel\r?$/m.test(info)) return followPrimary(first);
  if (/^cluster_enabled:1\r?$/m.test(info)) return joinCluster(first);
  return first;
}

/** Whether the keys lie on several nodes, of which each tells only of itself. */
export function isCluster(client: Redis): boolean {
  const one: unknown = client;
  return one instanceof Cluster;
}

/** The clients that together hold all keys: those of a cluster's primaries, or the one itself. */
export function primariesOf(client: Redis): readonly Redis[] {
  const one: unknown = client;
  return one instanceof Cluster ? one.nodes('master') : [client];
}

async function infoOf(client: Redis): Promise<string> {
  try {
    return await client.info();
  } catch (error) {
    // A user who may not ask, or a server that does not know the question: then it is taken for what it was called.
    if (error instanceof Error && error.name === 'ReplyError') return '';
    throw error;
  }
}

async function joinCluster(first: Redis): Promise<Redis> {
  const slots = await first.cluster('SLOTS');
  const nodes = slots.flatMap(([, , ...members]) => members);
  const { host = '127.0.0.1', port = 6379, retryStrategy } = first.options;
  // All nodes that are known now, so that coming back does not depend on the one that was named. One that does not know
  // its own address answers with none.
  const places = nodes.map(([address, nodePort]) => ({ host: address || host, port: nodePort }));
  const cluster = new Cluster([{ host, port }, ...places], {
    redisOptions: mannerOf(first),
    enableOfflineQueue: false,
    clusterRetryStrategy: (attempt) => retryStrategy?.(attempt) ?? null,
    slotsRefreshTimeout: 2_000,
    // Certificates are for names, which must therefore not be turned into addresses first.
    dnsLookup: (address, callback) => {
      callback(null, address);
    },
  });
  // It takes every command that a single server takes, but their types differ in how replies are described.
  return cluster as unknown as Redis;
}

async function followPrimary(first: Redis): Promise<Redis> {
  const { host = '127.0.0.1', port = 26379, name } = first.options;
  const primaries = (await first.call('SENTINEL', 'MASTERS')) as string[][];
  const names = primaries.map((fields) => fields[fields.indexOf('name') + 1] ?? '');
  // ioredis reads options from the query of a URL, and this is its name for it.
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined || !names.includes(chosen))
    throw new Error(
      `connect: the sentinel knows ${names.join(', ') || 'no primary'}; add ?name=<one of them> to the URL`,
    );
  const manner = mannerOf(first);
  return new Redis({
    ...manner,
    db: first.options.db ?? 0,
    name: chosen,
    sentinels: [{ host, port }],
    // Sentinels are asked with the same credentials; those that need none ignore a password.
    ...('username' in manner ? { sentinelUsername: manner.username } : {}),
    ...('password' in manner ? { sentinelPassword: manner.password } : {}),
    ...('tls' in manner ? { sentinelTLS: manner.tls, enableTLSForSentinelMode: true } : {}),
    updateSentinels: true,
    sentinelRetryStrategy: (attempt) => first.options.retryStrategy?.(attempt) ?? null,
    enableOfflineQueue: false,
  });
}

/** How to talk to a server, without which one it is. */
function mannerOf({ options }: Redis) {
  const names = [
    ...(['username', 'password', 'tls', 'connectionName', 'connectTimeout', 'keepAlive'] as const),
    ...(['autoResendUnfulfilledCommands', 'maxRetriesPerRequest'] as const),
    'retryStrategy' as const,
  ];
  type Manner = { [Name in (typeof names)[number]]?: NonNullable<RedisOptions[Name]> };
  const entries = names.map((name) => [name, options[name]] as const);
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined && value !== null),
  ) as Manner;
}
