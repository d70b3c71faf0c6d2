/**
 * Measures one reading of many queues on a real Redis: ours, BullMQ's own API one queue after another and all at once,
 * and ioredis pipelines. All variants run in turn in one process, so that the ratios hold although machines differ:
 * `npm run bench`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createBullmqQueues } from '../dist/queues/bullmq/bullmq-queues.js';
import { connectRedis } from '../dist/redis.js';

const rounds = 7;
const scenarios = [
  { queues: 10, busyShare: 1 },
  { queues: 1_000, busyShare: 1 },
  { queues: 1_000, busyShare: 0.05 },
];

const port = await freePort();
const server = spawn(
  'redis-server',
  ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
  { stdio: 'ignore' },
);
const client = new Redis(port, '127.0.0.1', {
  maxRetriesPerRequest: null,
  retryStrategy: () => 50,
});
client.on('error', () => undefined);
const connection = connectRedis(`redis://127.0.0.1:${port}`, {
  rejectUnauthorized: true,
  name: 'bench',
});
try {
  await client.ping();
  for (const scenario of scenarios) await measure(scenario);
} finally {
  connection.close();
  client.disconnect();
  server.kill();
}

async function measure({ queues: count, busyShare }) {
  await client.flushall();
  const names = Array.from({ length: count }, (_, index) => `queue-${index}`);
  await fill(names.filter((_, index) => index < count * busyShare));
  const queues = names.map(
    (name) =>
      new Queue(name, { connection: client, skipMetasUpdate: true, skipVersionCheck: true }),
  );
  const ours = createBullmqQueues({
    redis: connection,
    queues: names,
    prefix: 'bull',
    nowMs: Date.now,
  });
  const askApi = (queue) =>
    Promise.all([
      queue.getJobCounts(),
      queue.getDelayedCount(Date.now()),
      queue.getMeta(),
      queue.getWaiting(0, 0),
    ]);
  const variants = {
    ours: () => ours.read(new AbortController().signal),
    'ioredis pipeline': () => pipeline(names),
    'BullMQ, all at once': () => Promise.all(queues.map(askApi)),
    'BullMQ, one by one': async () => {
      for (const queue of queues) await askApi(queue);
    },
  };

  const times = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, read] of Object.entries(variants)) {
      const startedAt = performance.now();
      await read();
      // The first round warms up.
      if (round > 0) times[name].push(performance.now() - startedAt);
    }
  }
  await Promise.all(queues.map((queue) => queue.close()));

  const reference = median(times.ours);
  console.log(`\n${count} queues, ${busyShare * 100} % busy (median of ${rounds})`);
  for (const [name, all] of Object.entries(times)) {
    const ratio = (median(all) / reference).toFixed(1);
    console.log(
      `  ${name.padEnd(20)} ${median(all).toFixed(2).padStart(9)} ms  ${ratio.padStart(6)}×`,
    );
  }
}

/** A few jobs in every state that a busy queue has, as BullMQ lays them out. */
async function fill(names) {
  for (const name of names) {
    const queue = new Queue(name, { connection: client });
    await queue.addBulk([
      ...Array.from({ length: 5 }, () => ({ name: 'plain', data: {} })),
      { name: 'urgent', data: {}, opts: { priority: 1 } },
      { name: 'later', data: {}, opts: { delay: 3_600_000 } },
    ]);
    await queue.close();
  }
}

async function pipeline(names) {
  const commands = client.pipeline();
  for (const name of names) {
    const key = `bull:${name}`;
    commands.llen(`${key}:wait`).llen(`${key}:paused`).llen(`${key}:active`);
    commands
      .zcard(`${key}:prioritized`)
      .zcard(`${key}:delayed`)
      .zcount(`${key}:delayed`, '-inf', Date.now() * 4096);
    commands
      .hmget(`${key}:meta`, 'paused', 'concurrency')
      .pttl(`${key}:limiter`)
      .lindex(`${key}:wait`, -1);
  }
  await commands.exec();
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  await sleep(10);
  return free;
}
