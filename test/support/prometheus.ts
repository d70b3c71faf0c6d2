import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/demo/heroku/free-port.ts';

export type Prometheus = {
  /** The `data` of what an endpoint of the HTTP API answers; throws what Prometheus says when it refuses. */
  get(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
};

/** Starts a real Prometheus of the test's own, on the loopback interface. */
export async function startPrometheus(configFile: string): Promise<Prometheus> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'autoscaler-prometheus-'));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${directory}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = `http://127.0.0.1:${String(port)}`;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`Prometheus ended: ${log}`);
    await sleep(50);
  }
  return {
    async get(path, parameters = {}) {
      const query = new URLSearchParams(parameters).toString();
      const response = await fetch(`${url}/api/v1/${path}?${query}`);
      const body = (await response.json()) as { status: string; error?: string; data: unknown };
      if (body.status !== 'success') throw new Error(body.error);
      return body.data;
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}
