import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './heroku/free-port.ts';

export type DemoRedis = {
  readonly url: string;
  /** What it is, for a person. */
  readonly server: 'redis-server' | 'js-redis-server';
  /** Ends the server and forgets its data. */
  stop(): Promise<void>;
};

/**
 * Starts a Redis of the demo's own, on a free port of the loopback interface and without persistence: the
 * `redis-server` of this machine, or else one in JavaScript, which is slower. Whatever REDIS_URL names is never touched.
 * @throws {Error} when the package `js-redis-server` is needed and not installed
 */
export async function startDemoRedis(): Promise<DemoRedis> {
  return (await startInstalledRedis()) ?? startEmbeddedRedis();
}

/** Answers null when there is no `redis-server`, or none that starts. */
async function startInstalledRedis(): Promise<DemoRedis | null> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'backlog-autoscaler-demo-'));
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: directory };
  const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // In a group of its own, Ctrl-C does not reach it before those who use it have ended.
  const child = spawn('redis-server', words, { stdio: 'ignore', detached: true });
  const discard = () => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', discard);
  const stop = async () => {
    const ended = isRunning(child) ? once(child, 'exit') : null;
    discard();
    await ended;
    process.off('exit', discard);
  };

  const url = `redis://127.0.0.1:${port}`;
  if (await answers(url, child)) return { url, server: 'redis-server', stop };
  await stop();
  return null;
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Whether the server of this process answers at last, or the process ends, or never was, before that. */
async function answers(url: string, child: ChildProcess): Promise<boolean> {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  // Refused until the server listens.
  client.on('error', () => undefined);
  const ended = new Promise<false>((resolve) => {
    for (const event of ['exit', 'error']) {
      child.once(event, () => {
        resolve(false);
      });
    }
  });
  const ping = client.ping().then(
    () => true,
    () => false,
  );
  const isAnswering = await Promise.race([ping, ended]);
  client.disconnect();
  return isAnswering;
}

async function startEmbeddedRedis(): Promise<DemoRedis> {
  const { createRedisMock } = await import('js-redis-server');
  const server = await createRedisMock();
  return { url: server.url, server: 'js-redis-server', stop: () => server.close() };
}
