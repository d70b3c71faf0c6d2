import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startCluster, startSentinel } from '../support/redis-topologies.ts';
import type { Fault } from './fault.ts';
import { fill, workersBefore, type Stage } from './stage.ts';

const portOf = (url: string) => Number(new URL(url).port);

/** Ends the daemon's connection at the server, as a restart or an operator would. */
async function disconnectAll({ admin }: Stage): Promise<void> {
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}

/** Another server with the same jobs. */
async function successor(stage: Pick<Stage, 'atEnd'>, extra: readonly string[] = []) {
  const server = await startRedis({ extra });
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  stage.atEnd(() => {
    client.disconnect();
    return server.stop();
  });
  return { server, client };
}

/** Without the state of the first, but with the same jobs. */
async function replaceServer(stage: Stage): Promise<Redis> {
  const { server, client } = await successor(stage);
  await fill(client, workersBefore);
  stage.toRedis.leadTo(portOf(server.url));
  return client;
}

/** Another server with all that the first one has, which from now on is the primary. */
async function promoteReplica(stage: Stage) {
  const next = await successor(stage, ['--replicaof', `127.0.0.1 ${portOf(stage.redis.url)}`]);
  while (!(await next.client.info('replication')).includes('master_link_status:up'))
    await new Promise((resolve) => setTimeout(resolve, 50));
  await next.client.replicaof('NO', 'ONE');
  promoted.set(stage, next);
  return next;
}

const healSettings =
  (...settings: readonly (readonly [string, string])[]) =>
  async ({ admin }: Stage) => {
    for (const [name, value] of settings) await admin.config('SET', name, value);
    return undefined;
  };

export const redisFaults: readonly Fault[] = [
  {
    name: 'Redis is down at the start',
    done: 'nothing listens for 2 s after the daemon has started',
    stage: {
      async before({ toRedis }) {
        toRedis.leadTo(await freePort());
      },
    },
    isThereAtStart: true,
    strike: () => undefined,
    code: 'QUEUE_UNREADABLE',
    lastsMs: 2_000,
    heal({ toRedis, redis }) {
      toRedis.leadTo(portOf(redis.url));
      return undefined;
    },
  },
  {
    name: 'Redis dies',
    done: 'SIGKILL; another server takes its place',
    strike: ({ redis }) => process.kill(redis.pid, 'SIGKILL'),
    code: 'QUEUE_UNREADABLE',
    heal: replaceServer,
  },
  {
    name: 'Redis dies in mid-tick',
    done: 'SIGKILL when a tick has begun to read the queues; another server takes its place',
    async strike({ redis }) {
      const { hostname, port } = new URL(redis.url);
      // A plain socket: what MONITOR tells may come together with its first reply, which confuses a client.
      const watcher = connect(Number(port), hostname);
      watcher.write('MONITOR\r\n');
      for await (const told of watcher) if (String(told).includes('bull:emails')) break;
      process.kill(redis.pid, 'SIGKILL');
    },
    code: 'QUEUE_UNREADABLE',
    heal: replaceServer,
  },
  {
    name: 'Redis hangs',
    done: 'SIGSTOP, then SIGCONT',
    strike: ({ redis }) => process.kill(redis.pid, 'SIGSTOP'),
    code: 'QUEUE_UNREADABLE',
    says: /did not answer in time/,
    lastsMs: 3_000,
    heal({ redis }) {
      process.kill(redis.pid, 'SIGCONT');
      return undefined;
    },
  },
  {
    name: 'Redis is slow',
    done: 'every byte is 2 s late',
    strike: ({ toRedis }) => (toRedis.delayMs = 2_000),
    code: 'QUEUE_UNREADABLE',
    heal({ toRedis }) {
      toRedis.delayMs = 0;
      return undefined;
    },
  },
  {
    name: 'The network swallows what is sent',
    done: 'connections stay open and silent',
    strike: ({ toRedis }) => (toRedis.isSilent = true),
    code: 'QUEUE_UNREADABLE',
    heal({ toRedis }) {
      toRedis.isSilent = false;
      return undefined;
    },
  },
  {
    name: 'Redis restarts and loads its data (LOADING)',
    done: 'SIGKILL; it starts again from its dump, which takes some seconds',
    async strike(stage) {
      const { admin, redis, toRedis, atEnd } = stage;
      const keys = Array.from({ length: 3_000 }, (_, index) => [
        `filler:${String(index)}`,
        'x'.repeat(100),
      ]);
      await admin.mset(...keys.flat());
      await admin.save();
      const [, folder = ''] = await admin.config('GET', 'dir');
      process.kill(redis.pid, 'SIGKILL');
      const port = await freePort();
      const extra = ['--dir', folder, '--key-load-delay', '1000'];
      const loaded = startRedis({
        port,
        extra: [...extra, '--loading-process-events-interval-bytes', '1024'],
      });
      toRedis.leadTo(port);
      const client = new Redis(port, { maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      atEnd(async () => {
        client.disconnect();
        await (await loaded).stop();
      });
      restarted.set(stage, client);
    },
    code: 'QUEUE_UNREADABLE',
    says: /LOADING/,
    async heal(stage) {
      const client = restarted.get(stage);
      await client?.ping();
      return client;
    },
  },
  {
    name: 'A failover leaves the daemon with the old primary (READONLY)',
    done: 'the primary becomes a replica; the address then leads to the promoted one, no connection is cut',
    async strike(stage) {
      const { server } = await promoteReplica(stage);
      await stage.admin.replicaof('127.0.0.1', portOf(server.url));
    },
    code: 'STATE_UNAVAILABLE',
    says: /READONLY/,
    heal(stage) {
      const next = promoted.get(stage);
      if (next !== undefined) stage.toRedis.leadTo(portOf(next.server.url));
      return Promise.resolve(next?.client);
    },
  },
  {
    name: 'A maintenance moves Redis, and REDIS_URL changes',
    done: 'a replica is promoted and the old server ends; the release with the new address replaces the daemon',
    async strike(stage) {
      await promoteReplica(stage);
      process.kill(stage.redis.pid, 'SIGKILL');
    },
    code: 'QUEUE_UNREADABLE',
    heal(stage) {
      const next = promoted.get(stage);
      stage.release({ REDIS_URL: next?.server.url ?? '' });
      return Promise.resolve(next?.client);
    },
    verify({ daemon: { log } }) {
      if (log.some(({ msg }) => String(msg).includes('nothing is remembered')))
        throw new Error('what was remembered was lost on the way');
    },
  },
  {
    name: 'Redis is full (OOM)',
    done: 'maxmemory 1, noeviction: reading works, writing does not',
    strike: healSettings(['maxmemory-policy', 'noeviction'], ['maxmemory', '1']),
    code: 'STATE_UNAVAILABLE',
    says: /OOM/,
    heal: healSettings(['maxmemory', '0']),
  },
  {
    name: 'The password is changed (WRONGPASS)',
    done: 'another password, connections closed',
    stage: {
      redisUrl: (proxy) => proxy.url('redis').replace('://', '://default:first@'),
      before: ({ admin }) => admin.config('SET', 'requirepass', 'first'),
    },
    async strike(stage) {
      await stage.admin.config('SET', 'requirepass', 'second');
      await disconnectAll(stage);
    },
    code: 'QUEUE_UNREADABLE',
    says: /WRONGPASS/,
    heal: healSettings(['requirepass', 'first']),
  },
  {
    name: 'A password is wanted suddenly (NOAUTH)',
    done: 'a password is set, connections closed',
    async strike(stage) {
      await stage.admin.config('SET', 'requirepass', 'sesame');
      await disconnectAll(stage);
    },
    code: 'QUEUE_UNREADABLE',
    says: /NOAUTH/,
    heal: healSettings(['requirepass', '']),
  },
  {
    name: 'Permissions are taken away (NOPERM)',
    done: 'ACL SETUSER default -eval -evalsha',
    strike: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha'),
    code: 'QUEUE_UNREADABLE',
    says: /NOPERM/,
    async heal({ admin }) {
      await admin.call('ACL', 'SETUSER', 'default', '+@all');
      return undefined;
    },
  },
  {
    name: 'Redis is out of connections (max number of clients)',
    done: 'maxclients 1, which somebody else has',
    async strike(stage) {
      await stage.admin.config('SET', 'maxclients', '1');
      await disconnectAll(stage);
    },
    code: 'QUEUE_UNREADABLE',
    // What the server says before it hangs up is often lost with the connection; the hint tells what it may be.
    says: /out of connections/,
    heal: healSettings(['maxclients', '1000']),
  },
  {
    name: 'Connections are reset again and again',
    done: 'all of them every 0.7 s, for 5 s',
    strike({ toRedis, atEnd }) {
      const timer = setInterval(() => {
        toRedis.cut();
      }, 700);
      setTimeout(() => {
        clearInterval(timer);
      }, 5_000);
      atEnd(() => {
        clearInterval(timer);
      });
    },
    code: null,
    lastsMs: 5_000,
    heal: () => undefined,
  },
  {
    name: 'Redis closes idle connections',
    done: '`timeout 3` with an interval of 6 s',
    stage: { environment: { POLL_INTERVAL: '6s' } },
    strike: healSettings(['timeout', '3']),
    code: null,
    lastsMs: 13_000,
    heal: () => undefined,
    verify: expectNoFailure,
  },
  {
    name: 'Scripts are forgotten (NOSCRIPT)',
    done: 'SCRIPT FLUSH every 0.2 s',
    // Ticks long enough that none is too short for a busy machine.
    stage: { environment: { POLL_INTERVAL: '3s' } },
    strike({ admin, atEnd }) {
      const timer = setInterval(() => void admin.script('FLUSH').catch(() => undefined), 200);
      atEnd(() => {
        clearInterval(timer);
      });
    },
    code: null,
    lastsMs: 3_000,
    heal: () => undefined,
    verify: expectNoFailure,
  },
];

const restarted = new WeakMap<object, Redis>();
const promoted = new WeakMap<object, Awaited<ReturnType<typeof successor>>>();

/** No failure of Redis, that is, and none to answer in time: on a busy machine a tick may be too short for any answer. */
function expectNoFailure({ daemon }: Stage): void {
  const [failed] = failuresOfRedis(daemon);
  if (failed) throw new Error(`a tick failed: ${JSON.stringify(failed)}`);
}

function failuresOfRedis({ log }: Stage['daemon']) {
  const codes: unknown[] = ['QUEUE_UNREADABLE', 'STATE_UNAVAILABLE'];
  return log.filter(
    ({ code, msg }) => codes.includes(code) && !String(msg).includes('did not answer in time'),
  );
}

/** Those that need several servers, or certificates. */
export const slowRedisFaults: readonly Fault[] = [sentinelFault(), clusterFault(), tlsFault()];

function sentinelFault(): Fault {
  let watched: Awaited<ReturnType<typeof startSentinel>>;
  return {
    name: 'The primary dies, and a sentinel promotes the replica',
    done: 'SIGKILL; REDIS_URL names the sentinel',
    stage: {
      redisUrl: () => watched.url,
      async before({ atEnd }) {
        watched = await startSentinel();
        atEnd(() => watched.stop());
        const client = new Redis(watched.primary.url);
        await fill(client, workersBefore);
        await client.wait(1, 5_000);
        client.disconnect();
      },
    },
    strike: () => process.kill(watched.primary.pid, 'SIGKILL'),
    code: 'QUEUE_UNREADABLE',
    async heal({ atEnd }) {
      const client = new Redis(watched.replica.url);
      atEnd(() => {
        client.disconnect();
      });
      while ((await client.role())[0] !== 'master')
        await new Promise((resolve) => setTimeout(resolve, 50));
      return client;
    },
  };
}

function clusterFault(): Fault {
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  let holder: RedisServer;
  return {
    name: 'A node of a Redis Cluster dies',
    done: 'SIGKILL of the primary that has the queue; REDIS_URL names it, QUEUE_PREFIX={bull}',
    prefix: '{bull}',
    stage: {
      environment: { QUEUE_PREFIX: '{bull}' },
      redisUrl: () => holder.url,
      async before({ atEnd }) {
        cluster = await startCluster();
        atEnd(() => cluster.stop());
        holder = await cluster.holderOf('{bull}');
        const client = new Redis(holder.url);
        await fill(client, workersBefore, '{bull}');
        await client.wait(1, 5_000);
        client.disconnect();
      },
    },
    strike: () => process.kill(holder.pid, 'SIGKILL'),
    code: 'QUEUE_UNREADABLE',
    async heal({ atEnd }) {
      const replica = cluster.nodes[cluster.nodes.indexOf(holder) + 3];
      const client = new Redis(replica?.url ?? '');
      atEnd(() => {
        client.disconnect();
      });
      while ((await client.role())[0] !== 'master')
        await new Promise((resolve) => setTimeout(resolve, 50));
      return client;
    },
  };
}

/** TLS in front of Redis, with a certificate that the daemon trusts and one that it does not. */
function tlsFault(): Fault {
  const folder = mkdtempSync(join(tmpdir(), 'autoscaler-tls-'));
  const make = (name: string) => {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
    const words = `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${cert}`;
    execFileSync('openssl', words.split(' '), { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  };
  let front: ReturnType<typeof createServer>;
  let trusted: ReturnType<typeof make>;
  return {
    name: 'TLS is refused (self-signed certificate)',
    done: 'the server shows a certificate that nobody vouches for',
    stage: {
      environment: { NODE_EXTRA_CA_CERTS: join(folder, 'trusted.crt') },
      redisUrl: () => `rediss://127.0.0.1:${String((front.address() as AddressInfo).port)}`,
      async before({ toRedis, atEnd }) {
        trusted = make('trusted');
        front = createServer(trusted, (near) => {
          const far = connect(toRedis.port, '127.0.0.1');
          near.pipe(far).pipe(near);
          for (const end of [near, far])
            end
              .on('error', () => undefined)
              .on('close', () => {
                near.destroy();
                far.destroy();
              });
        }).listen(0, '127.0.0.1');
        front.on('tlsClientError', () => undefined);
        await once(front, 'listening');
        atEnd(() => {
          front.close();
          rmSync(folder, { recursive: true });
        });
      },
    },
    strike({ toRedis }) {
      front.setSecureContext(make('stranger'));
      toRedis.cut();
    },
    code: 'QUEUE_UNREADABLE',
    says: /self.signed/,
    heal() {
      front.setSecureContext(trusted);
      return undefined;
    },
  };
}
