import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/demo/heroku/free-port.ts';

export type Prometheus = {
  readonly url: string;
  /** The `data` of what an endpoint of the HTTP API answers; throws what Prometheus says when it refuses. */
  get(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
};

/** Who may talk to a server that asks for a password, which is one that URLs must encode. */
export const monitoringUser = { name: '123456', password: 's3cret/with @ signs' };
const passwordHash = '$2b$04$CA0ICPPOg4mCXlh414uEou7hnXnBhgAHnOPrF5IYLJE59nftY2QHW';
const { name: user, password } = monitoringUser;
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** The address of a server with these credentials in it. */
export function withCredentials(url: string, secret: string = password): string {
  return url.replace('://', `://${user}:${encodeURIComponent(secret)}@`);
}

/** Starts a real Prometheus of the test's own, on the loopback interface. */
export async function startPrometheus(
  configFile: string,
  { flags = [], isLocked = false }: { flags?: readonly string[]; isLocked?: boolean } = {},
): Promise<Prometheus> {
  const server = await start('prometheus', (directory) => [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${directory}`,
    ...(isLocked ? [passwordFlag(directory)] : []),
    ...flags,
  ]);
  return {
    ...server,
    async get(path, parameters = {}) {
      const query = new URLSearchParams(parameters).toString();
      const response = await fetch(`${server.url}/api/v1/${path}?${query}`, {
        headers: { authorization },
      });
      const body = (await response.json()) as { status: string; error?: string; data: unknown };
      if (body.status !== 'success') throw new Error(body.error);
      return body.data;
    },
  };
}

/** A real Prometheus that is written to, by {@link monitoringUser} alone, and scrapes nothing. */
export async function startRemoteWriteReceiver(): Promise<Prometheus> {
  return startPrometheus('/dev/null', {
    flags: ['--web.enable-remote-write-receiver'],
    isLocked: true,
  });
}

export type Pushgateway = {
  readonly url: string;
  /** What a Prometheus would scrape there. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
};

/** A real Pushgateway for {@link monitoringUser} alone. */
export async function startPushgateway(): Promise<Pushgateway> {
  const server = await start('prometheus-pushgateway', (directory) => [passwordFlag(directory)]);
  return {
    ...server,
    async metrics() {
      return (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text();
    },
  };
}

function passwordFlag(directory: string): string {
  const file = join(directory, 'web.yml');
  writeFileSync(file, `basic_auth_users: { "${user}": "${passwordHash}" }\n`);
  return `--web.config.file=${file}`;
}

async function start(
  program: string,
  flagsFor: (directory: string) => readonly string[],
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'autoscaler-monitoring-'));
  const flags = [`--web.listen-address=127.0.0.1:${String(port)}`, ...flagsFor(directory)];
  const child = spawn(program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = `http://127.0.0.1:${String(port)}`;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`);
    await sleep(50);
  }
  return {
    url,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const { ok, status } = await fetch(`${url}/-/ready`);
    // One that asks for a password is there, too.
    return ok || status === 401;
  } catch {
    return false;
  }
}
