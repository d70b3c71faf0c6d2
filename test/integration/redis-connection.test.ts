import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const options = { rejectUnauthorized: true, name: 'test' };
const soon = (ms: number) => AbortSignal.timeout(ms);

let redis: RedisServer;
let connection: RedisConnection;

beforeEach(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  connection.close();
  await redis.stop();
});

const ping = (ms: number) =>
  connection.run('QUEUE_UNREADABLE', soon(ms), (client) => client.ping());

describe('a connection to Redis', () => {
  test('waits for the server and answers', async () => {
    connection = connectRedis(redis.url, options);
    expect(await ping(5_000)).toBe('PONG');
  });

  test('says why there is no connection, also when the deadline comes first', async () => {
    connection = connectRedis(`redis://127.0.0.1:${String(await freePort())}`, options);
    await expect(ping(700)).rejects.toMatchObject({
      code: 'QUEUE_UNREADABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    await expect(ping(20_000)).rejects.toMatchObject({
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  test('is replaced when nothing comes back on it any more, although nobody closed it', async () => {
    const proxy = await startProxy(redis.url);
    connection = connectRedis(proxy.url, options);
    expect(await ping(5_000)).toBe('PONG');
    proxy.silence();
    await expect(ping(300)).rejects.toMatchObject({ code: 'QUEUE_UNREADABLE' });
    await expect.poll(() => ping(500).catch(() => 'nothing'), { timeout: 10_000 }).toBe('PONG');
    proxy.stop();
  });

  test('is tried anew when a server accepts it and never says a word', async () => {
    const proxy = await startProxy(redis.url);
    proxy.silence();
    connection = connectRedis(proxy.url, options);
    await expect(ping(300)).rejects.toMatchObject({ code: 'QUEUE_UNREADABLE' });
    proxy.heal();
    await expect.poll(() => ping(500).catch(() => 'nothing'), { timeout: 10_000 }).toBe('PONG');
    proxy.stop();
  });

  test('is asked whether it is still there after a while, so that no command is lost, or sent twice, when the server has just closed it', async () => {
    const proxy = await startProxy(redis.url);
    connection = connectRedis(proxy.url, options);
    const count = () =>
      connection.run('STATE_UNAVAILABLE', soon(10_000), (client) => client.incr('counter'));
    expect(await count()).toBe(1);
    await sleep(2_700);
    proxy.closeAtNextWord();
    expect(await count()).toBe(2);
    proxy.closeAtNextWord();
    // One that was in use a moment ago is not asked; what is lost on it is not sent again.
    const third = await count().catch(() => 'lost');
    expect(await count()).toBe(third === 'lost' ? 3 : 4);
    proxy.stop();
  });

  test('lets a mistake in a command through as the bug it is', async () => {
    connection = connectRedis(redis.url, options);
    const mistaken = connection.run('QUEUE_UNREADABLE', soon(5_000), () =>
      Promise.reject(new TypeError('a bug')),
    );
    await expect(mistaken).rejects.toBeInstanceOf(TypeError);
  });

  test('is waited for by many at once without a warning', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    connection = connectRedis(`redis://127.0.0.1:${String(await freePort())}`, options);
    await Promise.allSettled(Array.from({ length: 30 }, () => ping(300)));
    await sleep(50);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

/** Passes everything on to Redis until it falls silent: then what is open hangs, and what is new is served again. */
async function startProxy(target: string) {
  const { port } = new URL(target);
  const sockets = new Set<Socket>();
  const silenced = new Set<Socket>();
  let isSilent = false;
  let isClosing = false;
  const server = createServer((socket) => {
    const upstream = connect(Number(port), '127.0.0.1');
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => undefined);
    }
    if (isSilent) silenced.add(socket);
    socket.on('data', (chunk) => {
      if (isClosing) {
        isClosing = false;
        socket.destroy();
      } else if (!silenced.has(socket)) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => silenced.has(socket) || socket.write(chunk));
    socket.on('close', () => upstream.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${String(own)}`,
    silence() {
      isSilent = sockets.size === 0;
      for (const socket of sockets) silenced.add(socket);
    },
    heal: () => (isSilent = false),
    /** As a server that closes an idle connection in the moment in which a command is sent. */
    closeAtNextWord: () => (isClosing = true),
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
