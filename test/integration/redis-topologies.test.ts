import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDrainBoard } from '../../src/drain/board.ts';
import { heartbeatScript, companionsKey, marksKey, workersKey } from '../../src/drain/protocol.ts';
import { createOverrideStore } from '../../src/state/override-store.ts';
import { createHistoryStore } from '../../src/state/history-store.ts';
import { acting, everything, noonMs, reportAt } from '../support/history.ts';
import { createBullmqQueues } from '../../src/queues/bullmq/bullmq-queues.ts';
import { createClients, type Unlisted } from '../../src/queues/bullmq/clients.ts';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import {
  startCluster,
  startSentinel,
  type RedisCluster,
  type Watched,
} from '../support/redis-topologies.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const options = { rejectUnauthorized: true, name: 'test' };
const soon = () => AbortSignal.timeout(5_000);

const testKey = 'backlog-autoscaler:test';

function keep(connection: RedisConnection, value: string, key = testKey): Promise<string> {
  return connection.run('STATE_UNAVAILABLE', soon(), async (client) => {
    await client.set(key, value);
    return (await client.get(key)) ?? '';
  });
}

describe('a node of a Redis Cluster', () => {
  let cluster: RedisCluster;
  let connection: RedisConnection;
  beforeAll(async () => {
    cluster = await startCluster();
    connection = connectRedis(cluster.nodes[0]?.url ?? '', options);
  });
  afterAll(async () => {
    connection.close();
    await cluster.stop();
  });
  /** One prefix for each primary, with a hash tag whose slot lies there. */
  let prefixes: readonly string[];
  beforeAll(async () => {
    const byHolder = new Map<unknown, string>();
    for (let tag = 0; byHolder.size < 3; tag += 1)
      byHolder.set(await cluster.holderOf(`{bull${tag}}`), `{bull${tag}}`);
    prefixes = cluster.nodes.slice(0, 3).map((node) => byHolder.get(node) ?? '');
  });
  const sourceOf = (queues: readonly string[], prefix: string) =>
    createBullmqQueues({ redis: connection, queues, prefix, nowMs: Date.now });

  async function addWaiting(prefix: string, queue: string, jobs: number): Promise<void> {
    const holder = new Redis((await cluster.holderOf(`${prefix}:${queue}:wait`)).url);
    await holder.hset(`${prefix}:${queue}:meta`, 'version', 'bullmq:6.7.0');
    for (let job = 1; job <= jobs; job += 1)
      await holder.lpush(`${prefix}:${queue}:wait`, String(job));
    holder.disconnect();
  }

  test('leads to all of them: queues whose prefix has a hash tag are read wherever they lie', async () => {
    for (const [index, prefix] of prefixes.entries()) {
      await addWaiting(prefix, 'emails', index + 1);
      const { queues, unreadableQueues } = await sourceOf(['emails', 'none'], prefix).read(soon());
      expect(unreadableQueues).toEqual([]);
      expect(queues).toMatchObject([{ queue: 'emails', readyJobs: index + 1 }, { readyJobs: 0 }]);
    }
  });

  test('leads to queues that have a hash tag of their own, found on all nodes, in one reading', async () => {
    const names = ['{a}', '{b}', '{c}', '{d}'];
    for (const [index, name] of names.entries()) await addWaiting('own', name, index + 1);
    const { queues, unreadableQueues } = await sourceOf(['*'], 'own').read(soon());
    expect(unreadableQueues).toEqual([]);
    expect(queues.map(({ queue, readyJobs }) => [queue, readyJobs])).toEqual([
      ['{a}', 1],
      ['{b}', 2],
      ['{c}', 3],
      ['{d}', 4],
    ]);
  });

  test('says what to do about a prefix without a hash tag, and reads the others', async () => {
    await addWaiting('bull', '{fine}', 2);
    const { queues, unreadableQueues } = await sourceOf(['emails', '{fine}'], 'bull').read(soon());
    expect(queues).toMatchObject([{ queue: '{fine}', readyJobs: 2 }]);
    expect(unreadableQueues).toMatchObject([{ queue: 'emails' }]);
    expect(unreadableQueues[0]?.why).toContain(
      'set QUEUE_PREFIX to one with a hash tag, as {bull}',
    );
  });

  test('keeps marks and heartbeats of a pool together', async () => {
    const board = createDrainBoard(connection, 'worker');
    await board.mark(['worker.2'], [], soon());
    const keys = [workersKey('worker'), marksKey('worker'), companionsKey('worker')];
    const heartbeat = JSON.stringify({
      dyno: 'worker.2',
      state: 'working',
      activeJobs: 0,
      concurrency: 1,
    });
    const beat = () =>
      connection.run('STATE_UNAVAILABLE', soon(), (client) =>
        client.eval(heartbeatScript, 3, ...keys, 'id', heartbeat, 'worker.2', '60000', '60000'),
      );
    expect(await beat()).toEqual([expect.any(String), expect.stringMatching(/^[1-9]/)]);
    await board.mark([], ['worker.2'], soon());
    expect(await beat()).toEqual([expect.any(String), '0']);
    expect(await board.read(soon())).toMatchObject({
      processes: [{ dyno: 'worker.2' }],
      isJoined: true,
    });
  });

  test('keeps the history of a pool together', async () => {
    const history = createHistoryStore(connection);
    for (const pool of ['one', 'two', 'three'])
      await history.add({ ...reportAt(noonMs), pool }, acting, soon());
    expect(await history.pools(soon())).toEqual(['one', 'three', 'two']);
    expect(await history.read('two', everything, soon())).toMatchObject({
      ticks: [{ pool: 'two' }],
      skipped: 0,
    });
  });

  test('keeps what operators changed about each pool', async () => {
    const overrides = createOverrideStore(connection);
    const act = { by: 'anna', forMs: 60_000 };
    for (const pool of ['one', 'two', 'three']) {
      await overrides.pause(pool, act, soon());
      await overrides.set(pool, { minWorkers: '5' }, act, soon());
      await overrides.resume(pool, soon());
      expect(await overrides.read(pool, soon())).toMatchObject({
        ...{ pause: null, settings: [{ setting: 'minWorkers', value: 5 }] },
      });
    }
  });

  test('says that nobody can tell who is connected, as each node would show its own part', async () => {
    const unlisted: Unlisted[] = [];
    const clients = createClients(connection, Date.now, (each) => unlisted.push(each));
    expect(await clients.workers(soon())).toBeNull();
    expect(await clients.census(soon())).toEqual({
      whyUnknown: expect.stringContaining('each node of a Redis Cluster') as string,
    });
    expect(unlisted).toHaveLength(1);
  });

  test('may die: its replica takes over, also when it is the node that was named', async () => {
    const key = `${prefixes[0] ?? ''}:test`;
    expect(await keep(connection, 'before', key)).toBe('before');
    await cluster.nodes[0]?.stop();
    await expect(keep(connection, 'lost', key)).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
    });
    await expect
      .poll(() => keep(connection, 'after', key).catch(() => ''), {
        timeout: 25_000,
        interval: 200,
      })
      .toBe('after');
    // All the others fall silent, so that every connection is given up.
    const rest = cluster.nodes.slice(1);
    for (const { pid } of rest) process.kill(pid, 'SIGSTOP');
    await expect(keep(connection, 'lost', key)).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
    });
    for (const { pid } of rest) process.kill(pid, 'SIGCONT');
    for (const [index, prefix] of prefixes.entries())
      await expect
        .poll(
          () =>
            sourceOf(['emails'], prefix)
              .read(soon())
              .catch(() => null),
          { timeout: 20_000 },
        )
        .toMatchObject({ queues: [{ readyJobs: index + 1 }], unreadableQueues: [] });
  });
});

describe('a sentinel', () => {
  let watched: Watched;
  beforeAll(async () => (watched = await startSentinel()));
  afterAll(() => watched.stop());

  test('leads to the primary, and to the next one when that dies', async () => {
    const connection = connectRedis(watched.url, options);
    expect(await keep(connection, 'before')).toBe('before');
    const primary = new Redis(watched.primary.url);
    expect(await primary.get(testKey)).toBe('before');
    primary.disconnect();

    await watched.primary.stop();
    await expect(keep(connection, 'lost')).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
    await expect
      .poll(() => keep(connection, 'after').catch(() => ''), { timeout: 25_000, interval: 200 })
      .toBe('after');
    const replica = new Redis(watched.replica.url);
    expect(await replica.get(testKey)).toBe('after');
    replica.disconnect();
    connection.close();
  });

  test('that watches no primary of the given name says which it knows', async () => {
    const connection = connectRedis(`${watched.url}?name=other`, options);
    await expect(keep(connection, '')).rejects.toMatchObject({
      message: expect.stringContaining('the sentinel knows mymaster; add ?name=') as string,
    });
    connection.close();
  });
});

test('a server that became a replica is left for the one that the address names now', async () => {
  const [old, next] = await Promise.all([startRedis(), startRedis()]);
  const proxy = await startTcpProxy(Number(new URL(old.url).port));
  const connection = connectRedis(proxy.url('redis'), options);
  expect(await keep(connection, 'before')).toBe('before');
  proxy.leadTo(Number(new URL(next.url).port));
  expect(await keep(connection, 'still')).toBe('still');
  const admin = new Redis(old.url);
  await admin.replicaof('127.0.0.1', Number(new URL(next.url).port));
  await expect(keep(connection, 'refused')).rejects.toMatchObject({
    code: 'STATE_UNAVAILABLE',
    message: expect.stringContaining('READONLY') as string,
  });
  await expect
    .poll(() => keep(connection, 'after').catch(() => ''), { timeout: 10_000 })
    .toBe('after');
  admin.disconnect();
  connection.close();
  proxy.stop();
  await Promise.all([old.stop(), next.stop()]);
});
