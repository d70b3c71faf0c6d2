import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  descendantsOf,
  listeningAddresses,
  loopback,
  stillRunning,
  type RunningProcess,
} from '../support/processes.ts';

const isLinux = existsSync('/proc/net/tcp');

test(
  'the demo does every job without interrupting one, says so in one JSON document, listens on loopback only, and leaves nothing behind',
  { timeout: 150_000 },
  async () => {
    const demo = startDemo(['--json']);
    const addresses = new Set<string>();
    const seen = new Map<number, RunningProcess>();
    while (demo.isRunning()) {
      const processes = descendantsOf(demo.pid);
      for (const each of processes) seen.set(each.pid, each);
      if (isLinux) {
        const pids = [demo.pid, ...processes.map(({ pid }) => pid)];
        for (const address of listeningAddresses(pids)) addresses.add(address);
      }
      await sleep(300);
    }

    expect(await demo.exitCode).toBe(0);
    const summary = JSON.parse(demo.stdout()) as Record<string, number>;
    expect(summary).toMatchObject({
      jobsInterrupted: 0,
      // How many depends on where the long jobs happen to run.
      jobsInterruptedUnprotected: expect.any(Number) as number,
      longestWaitSeconds: expect.any(Number) as number,
      p95WaitSeconds: expect.any(Number) as number,
      dynoSeconds: expect.any(Number) as number,
      fixedFleetDynoSeconds: expect.any(Number) as number,
      seconds: expect.any(Number) as number,
      redisServer: 'redis-server',
      daemonCrashed: false,
    });
    expect(summary['jobsIn']).toBeGreaterThan(600);
    expect(summary['jobsDone']).toBe(summary['jobsIn']);
    expect(summary['formationPatches']).toBeGreaterThan(1);

    const workers = [...seen.values()].filter(({ command }) => command.includes('worker.js'));
    expect(workers.length).toBeGreaterThan(1);
    if (isLinux) expect([...addresses]).toEqual([loopback]);
    expect(stillRunning([...seen.values()])).toEqual([]);
    expect(readdirSync(demo.temporary)).toEqual([]);
  },
);

test(
  'with --keep it first says what to export, works without a redis-server, and ends whole at SIGTERM',
  { timeout: 60_000 },
  async () => {
    const demo = startDemo(['--keep'], 'without redis-server');
    const lines: string[] = [];
    for await (const line of createInterface({ input: demo.output })) {
      lines.push(line);
      if (line === '') break;
    }
    demo.output.resume();
    const exported = lines.slice(
      0,
      lines.findIndex((line) => !line.startsWith('export ')),
    );
    const variables = Object.fromEntries(
      exported.map((line) => /^export (\w+)=([\w:/.,-]+)$/.exec(line)?.slice(1) ?? [line, '']),
    ) as Record<string, string>;
    expect(variables).toMatchObject({
      HEROKU_APP: 'demo',
      HEROKU_APP_NAME: 'demo',
      MAX_WORKERS: '8',
    });
    expect(variables['HEROKU_HOST']).toBe(variables['HEROKU_API_URL']);
    expect(variables['REDIS_URL']).toMatch(/^redis:\/\/127\.0\.0\.1:\d+/);

    // The first tick may be the second one, on a machine that was too busy to give it the lease in time.
    await vi.waitFor(
      async () => {
        const health = await fetch(`http://127.0.0.1:${variables['PORT'] ?? ''}/healthz`);
        expect(health.status).toBe(200);
      },
      { timeout: 10_000, interval: 200 },
    );
    const formation = await fetch(`${variables['HEROKU_API_URL'] ?? ''}/apps/demo/formation`, {
      headers: {
        Accept: 'application/vnd.heroku+json; version=3',
        Authorization: `Bearer ${variables['HEROKU_API_KEY'] ?? ''}`,
      },
    });
    expect(await formation.json()).toHaveLength(2);

    const processes = descendantsOf(demo.pid);
    const commands = processes.map(({ command }) => command).join('\n');
    expect(commands).toContain('clock.js');
    expect(commands).not.toContain('redis-server');
    demo.terminate();
    expect(await demo.exitCode).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
  },
);

/** Starts the built demo with nothing of the developer's environment but the way to its programs. */
function startDemo(words: readonly string[], path: 'as here' | 'without redis-server' = 'as here') {
  const directory = mkdtempSync(join(tmpdir(), 'autoscaler-demo-test-'));
  const temporary = join(directory, 'tmp');
  const programs = join(directory, 'bin');
  mkdirSync(temporary);
  mkdirSync(programs);
  symlinkSync('/bin/sh', join(programs, 'sh'));
  const child = spawn(process.execPath, ['dist/main.js', 'demo', ...words], {
    env: {
      PATH: path === 'as here' ? (process.env['PATH'] ?? '') : programs,
      TMPDIR: temporary,
      // Nobody answers there: the demo must not even try.
      REDIS_URL: 'redis://127.0.0.1:1',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exitCode = once(child, 'close').then(() => child.exitCode);
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  onTestFinished(async () => {
    // Gives the demo the time to end what it has started.
    child.kill('SIGTERM');
    await exitCode;
    rmSync(directory, { recursive: true });
  });
  return {
    pid: child.pid ?? 0,
    temporary,
    output: child.stdout,
    exitCode,
    stdout: () => stdout,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    terminate: () => child.kill('SIGTERM'),
  };
}
