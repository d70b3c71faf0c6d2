/**
 * The same reading with a network in between: over a proxy, in a thread of its own, that hands everything on a
 * millisecond later. That is what lies between a dyno and a Redis in the same region.
 */
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createBullmqQueues } from '../../dist/queues/bullmq/bullmq-queues.js';
import { connectRedis } from '../../dist/redis.js';
import { median } from './median.js';
import { askApi, readByPipelines } from './others.js';
import { moreEvents } from './stage.js';

const delayMs = 1;

if (!isMainThread) {
  const server = createServer((near) => {
    const far = connect(workerData.port, '127.0.0.1').setNoDelay(true);
    forward(near.setNoDelay(true), far);
    forward(far, near);
  }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

/** Timers of equal length end in the order in which they were set, so bytes keep theirs. */
function forward(from, to) {
  from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs));
  from.on('close', () => to.destroy());
  from.on('error', () => to.destroy());
}

export async function measureOverNetwork(stage, scenario) {
  const names = await stage.fill(scenario);
  const busy = names.slice(0, names.length * scenario.busyShare);
  const proxy = new Worker(new URL(import.meta.url), { workerData: { port: stage.port } });
  const [port] = await once(proxy, 'message');
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  const redis = connectRedis(`redis://127.0.0.1:${port}`, {
    rejectUnauthorized: true,
    name: 'bench',
  });
  const ours = createBullmqQueues({ redis, queues: names, prefix: 'bull', nowMs: Date.now });
  const options = { connection: client, skipMetasUpdate: true, skipVersionCheck: true };
  const queues = names.map((name) => new Queue(name, options));
  const variants = {
    'round trip': () => client.ping(),
    ours: () => ours.read(new AbortController().signal),
    pipelines: () => readByPipelines(client, names),
    'API at once': () => Promise.all(queues.map(askApi)),
    'API one by one': async () => {
      for (const queue of queues) await askApi(queue);
    },
  };
  const times = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round <= scenario.rounds; round += 1) {
    await moreEvents(stage.client, busy);
    for (const [name, run] of Object.entries(variants)) {
      const startedAt = performance.now();
      await run();
      // The first round warms up.
      if (round > 0) times[name].push(performance.now() - startedAt);
    }
  }
  await Promise.all(queues.map((queue) => queue.close()));
  redis.close();
  client.disconnect();
  await proxy.terminate();
  return {
    ms: Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)])),
  };
}
