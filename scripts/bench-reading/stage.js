import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const waitingJobs = 20;
const runningJobs = 4;

/** A Redis of our own with as many queues as wanted, all copies of one that BullMQ itself has filled. */
export async function createStage() {
  const port = await freePort();
  const server = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    { stdio: 'ignore' },
  );
  const options = { maxRetriesPerRequest: null, retryStrategy: () => 50 };
  const client = new Redis(port, '127.0.0.1', options);
  const watcher = new Redis(port, '127.0.0.1', options);
  for (const each of [client, watcher]) each.on('error', () => undefined);
  await Promise.all([client.ping(), watcher.ping()]);
  const info = await client.info('server');
  return {
    client,
    port,
    url: `redis://127.0.0.1:${port}`,
    version: /redis_version:(\S+)/.exec(info)?.[1],
    busyQueue: `${waitingJobs} waiting jobs, 1 prioritized, 3 delayed, ${runningJobs} running`,
    async fill({ queues, busyShare }) {
      await client.flushall();
      const names = Array.from({ length: queues }, (_, index) => `queue-${index}`);
      const templates = {
        busy: await template(client, true),
        idle: await template(client, false),
      };
      for (let first = 0; first < queues; first += 500) {
        const pipeline = client.pipeline();
        names.slice(first, first + 500).forEach((name, index) => {
          const { busy, idle } = templates;
          for (const [suffix, dump] of first + index < queues * busyShare ? busy : idle)
            pipeline.restore(`bull:${name}:${suffix}`, 0, dump);
        });
        await pipeline.exec();
      }
      return names;
    },
    /** The commands that scripts run on the server during some work, and how many calls of scripts that takes. */
    async commandsOf(work) {
      const monitor = await watcher.monitor();
      const commands = [];
      let calls = 0;
      monitor.on('monitor', (_time, words, source) => {
        if (source === 'lua') commands.push(words);
        else if (words[0] === 'evalsha') calls += 1;
      });
      await work();
      await sleep(500);
      monitor.disconnect();
      return { commands, calls };
    },
    async watchSlowCalls() {
      await client.config('SET', 'slowlog-log-slower-than', '50', 'slowlog-max-len', '100000');
      await client.slowlog('RESET');
    },
    /** How long each call of our script took since: BullMQ's own scripts all name keys. */
    async callMs() {
      const entries = await client.slowlog('GET', -1);
      const own = entries.filter(([, , , [name, , keys]]) => name === 'evalsha' && keys === '0');
      await client.config('SET', 'slowlog-log-slower-than', '-1');
      return own.map(([, , microseconds]) => microseconds / 1000);
    },
    async cpuMs() {
      const cpu = await client.info('cpu');
      const seconds = (name) => Number(new RegExp(`${name}:(\\S+)`).exec(cpu)[1]);
      return 1000 * (seconds('used_cpu_user') + seconds('used_cpu_sys'));
    },
    async stop() {
      client.disconnect();
      watcher.disconnect();
      server.kill();
      await once(server, 'exit');
    },
  };
}

/** The keys of a queue that was filled by BullMQ, as [suffix, dump]. */
async function template(client, isBusy) {
  const connection = { port: client.options.port };
  const queue = new Queue('template', { connection });
  const options = { removeOnComplete: true };
  await queue.add('first', { user: 1 }, options);
  let taken = 0;
  const worker = new Worker(
    'template',
    async (job) => {
      if (job.name === 'first') return;
      taken += 1;
      await new Promise(() => undefined);
    },
    { connection, concurrency: runningJobs, name: 'worker.1' },
  );
  worker.on('error', () => undefined);
  await once(worker, 'completed');
  if (isBusy) {
    const jobs = Array.from({ length: waitingJobs + runningJobs }, (_, index) => ({
      name: ['email', 'report', 'image'][index % 3],
      data: { user: index, text: 'x'.repeat(100) },
      opts: options,
    }));
    await queue.addBulk(jobs);
    while (taken < runningJobs) await sleep(5);
    await queue.add('urgent', {}, { priority: 1 });
    for (const delay of [60_000, 600_000, 3_600_000]) await queue.add('later', {}, { delay });
  }
  const keys = await client.keys('bull:template:*');
  const dumps = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
  await worker.close(true);
  await queue.close();
  await client.flushall();
  return keys.map((key, index) => [key.slice('bull:template:'.length), dumps[index]]);
}

/** What happens in busy queues between two readings: two jobs each start and end. */
export async function moreEvents(client, names) {
  for (let first = 0; first < names.length; first += 500) {
    const pipeline = client.pipeline();
    for (const name of names.slice(first, first + 500)) {
      const key = `bull:${name}:events`;
      for (const id of ['1001', '1002']) {
        pipeline.xadd(key, 'MAXLEN', '~', 100, '*', 'event', 'active', 'jobId', id);
        pipeline.xadd(key, '*', 'event', 'completed', 'jobId', id, 'returnvalue', 'null');
      }
    }
    await pipeline.exec();
  }
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await sleep(10);
  return port;
}
