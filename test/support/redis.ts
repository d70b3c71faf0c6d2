import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../src/demo/heroku/free-port.ts';

export type RedisServer = {
  readonly url: string;
  readonly pid: number;
  /** Ends the server at once; a test may call it itself to take Redis away. */
  stop(): Promise<void>;
};

/** Starts a real redis-server of the test's own, without persistence, on the loopback interface. */
export async function startRedis(
  options: { port?: number; extra?: readonly string[] } = {},
): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const directory = await mkdtemp(join(tmpdir(), 'autoscaler-redis-'));
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    directory,
  ];
  const child = spawn('redis-server', [...settings, ...(options.extra ?? [])], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  if (child.pid === undefined)
    throw new Error('redis-server could not be started: is it installed?');
  const url = `redis://127.0.0.1:${String(port)}`;
  await untilAnswering(url);
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function untilAnswering(url: string): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  await client.ping().catch((error: unknown) => {
    // One that asks for a password answers, too.
    if (!(error instanceof Error && error.name === 'ReplyError')) throw error;
  });
  client.disconnect();
}
