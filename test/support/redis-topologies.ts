import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startRedis, type RedisServer } from './redis.ts';

export type RedisCluster = {
  readonly nodes: readonly RedisServer[];
  /** The node that holds the slot of a key. */
  holderOf(key: string): Promise<RedisServer>;
  stop(): Promise<void>;
};

/** Three primaries and three replicas, with all slots among them. */
export async function startCluster(): Promise<RedisCluster> {
  const extra = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'];
  const nodes = await Promise.all(
    Array.from({ length: 6 }, async () => startRedis({ port: await freeClusterPort(), extra })),
  );
  const [primaries, replicas] = [nodes.slice(0, 3), nodes.slice(3)];
  const share = Math.ceil(16_384 / primaries.length);
  const portOf = ({ url }: RedisServer) => new URL(url).port;
  for (const [index, node] of primaries.entries())
    await ask(
      node,
      'CLUSTER',
      'ADDSLOTSRANGE',
      String(index * share),
      String(Math.min((index + 1) * share, 16_384) - 1),
    );
  const [first] = nodes;
  if (first === undefined) throw new Error('there is no node');
  for (const node of nodes.slice(1)) await ask(first, 'CLUSTER', 'MEET', '127.0.0.1', portOf(node));
  for (const node of nodes) await untilSays(node, ['CLUSTER', 'INFO'], 'cluster_known_nodes:6');
  for (const [index, replica] of replicas.entries()) {
    const id = await ask(primaries[index] ?? first, 'CLUSTER', 'MYID');
    await ask(replica, 'CLUSTER', 'REPLICATE', String(id));
  }
  for (const node of nodes) await untilSays(node, ['CLUSTER', 'INFO'], 'cluster_state:ok');
  for (const node of replicas)
    await untilSays(node, ['INFO', 'replication'], 'master_link_status:up');
  return {
    nodes,
    async holderOf(key) {
      const slot = Number(await ask(first, 'CLUSTER', 'KEYSLOT', key));
      return primaries[Math.floor(slot / share)] ?? first;
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** Nodes of a cluster talk to one another on a port that is 10,000 higher. */
async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 55_000) return port;
  }
}

export type Watched = {
  /** Where a sentinel listens that knows the primary as `mymaster`. */
  readonly url: string;
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
};

/** A primary, a replica and one sentinel, whose word alone is enough to promote the replica. */
export async function startSentinel(): Promise<Watched> {
  const primary = await startRedis();
  const primaryPort = new URL(primary.url).port;
  const replica = await startRedis({ extra: ['--replicaof', `127.0.0.1 ${primaryPort}`] });
  await untilSays(replica, ['INFO', 'replication'], 'master_link_status:up');
  const directory = await mkdtemp(join(tmpdir(), 'autoscaler-sentinel-'));
  const port = await freePort();
  const file = join(directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor mymaster 127.0.0.1 ${primaryPort} 1`,
    'sentinel down-after-milliseconds mymaster 1000',
    'sentinel failover-timeout mymaster 3000',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const sentinel = { url: `redis://127.0.0.1:${port}` };
  await untilSays(sentinel, ['SENTINEL', 'REPLICAS', 'mymaster'], 'slave');
  return {
    url: sentinel.url,
    primary,
    replica,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await Promise.all([primary.stop(), replica.stop()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

type Place = Pick<RedisServer, 'url'>;

/** Asks a server that may not be ready yet. */
async function ask({ url }: Place, command: string, ...words: string[]): Promise<unknown> {
  const client = new Redis(url, {
    enableReadyCheck: false,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
  });
  client.on('error', () => undefined);
  return client.call(command, ...words).finally(() => {
    client.disconnect();
  });
}

async function untilSays(
  place: Place,
  words: readonly [string, ...string[]],
  expected: string,
): Promise<void> {
  for (;;) {
    const [command, ...rest] = words;
    const said = await ask(place, command, ...rest).catch(String);
    if ((typeof said === 'string' ? said : JSON.stringify(said)).includes(expected)) return;
    await sleep(50);
  }
}
