import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDrainBoard, type DrainBoard } from '../../src/drain/board.ts';
import {
  companionsKey,
  handedBackField,
  handedBackScript,
  heartbeatFreshMs,
  heartbeatGoneMs,
  heartbeatScript,
  marksKey,
  workersKey,
  type Heartbeat,
} from '../../src/drain/protocol.ts';
import { judge } from '../../src/drain/verdict.ts';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const pool = 'mailers';
const soon = () => AbortSignal.timeout(10_000);

let server: RedisServer;
let client: Redis;
let connection: RedisConnection;
let board: DrainBoard;

beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
beforeEach(() => {
  connection = connectRedis(server.url, { rejectUnauthorized: true, name: 'test' });
  board = createDrainBoard(connection, pool);
});
afterEach(async () => {
  connection.close();
  await client.flushall();
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

async function serverNowMs(): Promise<number> {
  const [seconds, microseconds] = await client.time();
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

describe('the marks', () => {
  const markedUntilMs = async () =>
    Object.fromEntries(
      Object.entries(await client.hgetall(marksKey(pool))).map(([dyno, atMs]) => [
        dyno,
        Number(atMs.split(' ')[1]),
      ]),
    );

  test('hold for 30 s by the clock of the server', async () => {
    const beforeMs = Math.floor(await serverNowMs());
    await board.mark(['worker.3', 'worker.4'], [], soon());
    const afterMs = await serverNowMs();
    const until = await markedUntilMs();
    expect(Object.keys(until).toSorted()).toEqual(['worker.3', 'worker.4']);
    for (const atMs of Object.values(until)) {
      expect(atMs).toBeGreaterThanOrEqual(beforeMs + 30_000);
      expect(atMs).toBeLessThanOrEqual(afterMs + 30_000);
    }
  });

  test('are all forgotten by the server soon after the last of them has ended', async () => {
    await board.mark(['worker.3'], [], soon());
    const leftMs = await client.pttl(marksKey(pool));
    expect(leftMs).toBeGreaterThan(30_000);
    expect(leftMs).toBeLessThanOrEqual(60_000);
  });

  test('hold longer when they are renewed, and the others do not', async () => {
    await client.hset(marksKey(pool), { 'worker.3': '900 1000', 'worker.4': '900 1000' });
    await board.mark(['worker.3'], [], soon());
    const until = await markedUntilMs();
    expect(until['worker.3']).toBeGreaterThan(await serverNowMs());
    expect(until['worker.4']).toBe(1000);
  });

  test('are lifted from those that may go on, in the same step', async () => {
    await board.mark(['worker.3', 'worker.4', 'worker.5'], [], soon());
    await board.mark(['worker.5', 'worker.6'], ['worker.3', 'worker.9'], soon());
    expect(Object.keys(await markedUntilMs()).toSorted()).toEqual([
      'worker.4',
      'worker.5',
      'worker.6',
    ]);
    await board.mark([], ['worker.4'], soon());
    expect(Object.keys(await markedUntilMs()).toSorted()).toEqual(['worker.5', 'worker.6']);
  });

  test('are lifted in this pool only', async () => {
    await client.hset(marksKey('others'), 'worker.3', '1000 2000');
    await board.mark(['worker.3', 'worker.4'], [], soon());
    await board.mark([], ['worker.1', 'worker.3', 'worker.4'], soon());
    expect(await client.keys('*')).toEqual([marksKey('others')]);
  });

  test('are not heeded by a process that began after them, nor when they make no sense', async () => {
    const isAsked = async (ranForMs: number) => {
      const heartbeat = JSON.stringify({ dyno: 'worker.3', state: 'working' });
      const keys = [workersKey(pool), marksKey(pool), companionsKey(pool)];
      const words = ['id', heartbeat, 'worker.3', 60_000, ranForMs];
      const reply = await client.eval(heartbeatScript, keys.length, ...keys, ...words);
      const [nowMs = 0, untilMs = 0] = (reply as string[]).map(Number);
      return untilMs > nowMs;
    };
    await board.mark(['worker.3'], [], soon());
    expect(await isAsked(60_000)).toBe(true);
    await sleep(20);
    expect(await isAsked(0)).toBe(false);
    await board.mark(['worker.3'], [], soon());
    expect(await isAsked(10_000)).toBe(true);
    for (const bad of ['', '9999999999999', 'now then', '1 9999999999999']) {
      await client.hset(marksKey(pool), 'worker.3', bad);
      expect(await isAsked(60_000), bad).toBe(false);
    }
  });
});

describe('the heartbeats', () => {
  const said = async (known: Partial<Heartbeat> = {}, agoMs = 0): Promise<Heartbeat> => ({
    ...{ dyno: 'worker.3', state: 'drained', activeJobs: 0, concurrency: 5, startedAtMs: 1000 },
    atMs: (await serverNowMs()) - agoMs,
    ...known,
  });
  const announce = (id: string, said: Heartbeat | string) =>
    client.hset(workersKey(pool), id, typeof said === 'string' ? said : JSON.stringify(said));
  const fields = async () => (await client.hkeys(workersKey(pool))).toSorted();

  test('are read with their age, by the clock of the server', async () => {
    const young = await said({ activeJobs: null });
    const old = await said({ dyno: 'worker.4' }, 20_000);
    await announce('a', young);
    await announce('b', old);
    const { processes } = await board.read(soon());
    const inOrder = processes.toSorted((one, other) => one.dyno.localeCompare(other.dyno));
    expect(inOrder).toMatchObject([young, old]);
    const [first, second] = inOrder.map(({ ageMs }) => ageMs);
    expect(first).toBeLessThan(heartbeatFreshMs);
    expect(second).toBeGreaterThanOrEqual(20_000);
    expect(second).toBeLessThan(20_000 + heartbeatFreshMs);
  });

  test('of another pool are not seen', async () => {
    await client.hset(workersKey('others'), 'a', JSON.stringify(await said()));
    expect(await board.read(soon())).toEqual({
      ...{ processes: [], isJoined: false, handedBackJobs: null },
    });
  });

  test('of processes that were not heard of for a minute are forgotten', async () => {
    await announce('gone', await said({}, heartbeatGoneMs + 1));
    await announce('here', await said({}, heartbeatGoneMs - 10_000));
    expect((await board.read(soon())).processes).toHaveLength(1);
    expect(await fields()).toEqual(['here']);
  });

  test('of the future, from before the server’s clock was set back, are forgotten as well', async () => {
    await announce('ahead', await said({}, -2 * heartbeatGoneMs));
    await announce('here', await said());
    expect((await board.read(soon())).processes).toHaveLength(1);
    expect(await fields()).toEqual(['here']);
  });

  test('are skipped and forgotten when they make no sense', async () => {
    const nameless = JSON.stringify({ ...(await said()), dyno: undefined });
    for (const [index, text] of ['', '{', '[]', 'null', '"drained"', nameless].entries())
      await announce(`bad-${String(index)}`, text);
    await announce('good', await said());
    expect((await board.read(soon())).processes).toMatchObject([{ dyno: 'worker.3' }]);
    expect(await fields()).toEqual(['good']);
  });

  test('that say something unknown of a dyno do not make it idle', async () => {
    const unknown = { state: 'resting', activeJobs: -1, concurrency: '5', startedAtMs: 'today' };
    await announce('strange', JSON.stringify({ ...(await said()), ...unknown }));
    const { processes } = await board.read(soon());
    expect(processes).toMatchObject([{ dyno: 'worker.3', state: 'working', activeJobs: null }]);
    const dynos = [{ name: 'worker.3', ordinal: 3, ageSeconds: 3600 }];
    expect(judge('worker.3', dynos, processes, true, { jobs: [], areComplete: true })).toBe('busy');
    expect(await fields()).toEqual(['strange']);
  });
});

test('jobs that were handed back are counted per pool from the first heartbeat on, for a day after the last', async () => {
  expect(await board.read(soon())).toMatchObject({ isJoined: false, handedBackJobs: null });
  const heartbeat = JSON.stringify({ dyno: 'worker.1', state: 'working' });
  const keys = [workersKey(pool), marksKey(pool), companionsKey(pool)];
  const beat = () =>
    client.eval(heartbeatScript, keys.length, ...keys, 'id', heartbeat, 'worker.1', 60_000, 0);
  await beat();
  expect(await board.read(soon())).toMatchObject({ isJoined: true, handedBackJobs: 0 });
  for (const key of [companionsKey(pool), companionsKey(pool), companionsKey('others')])
    await client.eval(handedBackScript, 1, key);
  await beat();
  await client.del(workersKey(pool));
  // Also while nobody can be heard, as right after a deploy.
  expect(await board.read(soon())).toEqual({ processes: [], isJoined: true, handedBackJobs: 2 });
  for (const key of [companionsKey(pool), companionsKey('others')]) {
    const leftMs = await client.pttl(key);
    expect(leftMs).toBeGreaterThan(23 * 3_600_000);
    expect(leftMs).toBeLessThanOrEqual(24 * 3_600_000);
  }
  await client.hset(companionsKey(pool), handedBackField, 'many');
  expect(await board.read(soon())).toMatchObject({ isJoined: true, handedBackJobs: null });
});

test('says that the state is out of reach when Redis is', async () => {
  const away = await startRedis();
  const gone = connectRedis(away.url, { rejectUnauthorized: true, name: 'test' });
  await away.stop();
  const lost = createDrainBoard(gone, pool);
  const signal = AbortSignal.timeout(300);
  const answers = await Promise.allSettled([
    lost.read(signal),
    lost.mark(['worker.2'], [], signal),
    lost.mark([], ['worker.2'], signal),
  ]);
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'STATE_UNAVAILABLE' } });
  // What says nothing needs no server.
  await expect(lost.mark([], [], signal)).resolves.toBeUndefined();
  gone.close();
});
