import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import type { BullmqWorker, WorkerClient } from '../../src/worker/bullmq-worker.ts';
import { createDrain } from '../../src/worker/drain.ts';
import { keepPresence } from '../../src/worker/presence.ts';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { poolOn, until } from '../support/pool.ts';
import { startRedis } from '../support/redis.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** The companion of a process with one worker that runs nothing, and how its connection was at each word it said. */
function startCompanion(port: number) {
  const statuses: string[] = [];
  const client = new Redis(port, { lazyConnect: true });
  const model: WorkerClient = {
    status: 'ready',
    options: {},
    duplicate(options) {
      const own = client.duplicate({ ...options });
      const send = own.sendCommand.bind(own);
      own.sendCommand = (command, stream) => {
        if (command.name.startsWith('eval')) statuses.push(own.status);
        return send(command, stream);
      };
      return own;
    },
  };
  const worker = {
    ...{ concurrency: 1, client: Promise.resolve(model) },
    waitUntilReady: () => Promise.resolve(model),
    isRunning: () => true,
    toKey: (type: string) => `bull:emails:${type}`,
  } as unknown as BullmqWorker;
  const member = { pool: 'worker', dyno: 'worker.1', processId: 'one' };
  const presence = keepPresence([worker], createDrain([worker]), member, undefined);
  endings.push(() => presence.end());
  return { statuses, presence };
}

it('says its first word when its connection is ready, and none before', async () => {
  const server = await startRedis();
  endings.push(() => server.stop());
  const { statuses } = startCompanion(Number(new URL(server.url).port));
  await until(() => statuses.length > 0);
  expect(statuses[0]).toBe('ready');
});

it('says its first word also when Redis comes after it', async () => {
  const port = await freePort();
  const { statuses } = startCompanion(port);
  const server = await startRedis({ port });
  endings.push(() => server.stop());
  const client = new Redis(server.url);
  endings.push(() => {
    client.disconnect();
  });
  await poolOn(client).until('worker.1', 'working');
  expect(statuses[0]).toBe('ready');
});

it('counts nothing, and says why, while the pool cannot be reached', async () => {
  const { presence } = startCompanion(await freePort());
  // Until it has looked for the connections of the workers there is none of its own.
  await new Promise(setImmediate);
  await expect(presence.countHandedBack()).rejects.toThrow();
});
