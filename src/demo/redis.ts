import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { OperationalError } from '../errors.ts';
import { freePort } from './heroku/free-port.ts';

export type DemoRedis = {
  readonly url: string;
  /** What it is, for a person. */
  readonly server: 'redis-server' | 'js-redis-server';
  /** Rejects with an OperationalError when the server ends although nobody stopped it; clients would wait for ever. */
  readonly lost: Promise<never>;
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
  // An error means that it could not even be started.
  const ended = new Promise<void>((resolve) => child.once('exit', resolve).once('error', resolve));
  const stop = async () => {
    discard();
    await ended;
    process.off('exit', discard);
  };

  const url = `redis://127.0.0.1:${port}`;
  if (await answersBefore(ended, url)) {
    const lost = ended.then(() => Promise.reject(lostRedis()));
    // Whoever stops the server knows.
    lost.catch(() => undefined);
    return { url, server: 'redis-server', lost, stop };
  }
  await stop();
  return null;
}

const firstAnswerSecondsMax = 10;

async function answersBefore(ended: Promise<void>, url: string): Promise<boolean> {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  // Refused until the server listens.
  client.on('error', () => undefined);
  const ping = client.ping().catch(() => null);
  const tooLate = sleep(firstAnswerSecondsMax * 1000, null, { ref: false });
  const answer = await Promise.race([ping, ended, tooLate]);
  client.disconnect();
  return answer === 'PONG';
}

function lostRedis(): OperationalError {
  return new OperationalError('QUEUE_UNREADABLE', 'the Redis of the demo has ended', {
    hint: 'Somebody or something ended it, perhaps for want of memory: start the demo again.',
  });
}

async function startEmbeddedRedis(): Promise<DemoRedis> {
  const { createRedisMock } = await import('js-redis-server');
  const server = await createRedisMock();
  return {
    url: server.url,
    server: 'js-redis-server',
    // It lives in this very process.
    lost: new Promise(() => undefined),
    stop: () => server.close(),
  };
}
