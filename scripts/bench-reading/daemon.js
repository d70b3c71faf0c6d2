import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './stage.js';

const warmUpMs = 15_000;
const measuredMs = 30_000;

/** Runs the daemon on these queues and takes what it costs from its own metrics. */
export async function measureDaemon(url, names) {
  const port = await freePort();
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const daemon = spawn(process.execPath, [main, 'run'], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      REDIS_URL: url,
      QUEUES: names.join(','),
      DRY_RUN: 'true',
      POLL_INTERVAL: '10s',
      PORT: String(port),
    },
  });
  try {
    await sleep(warmUpMs);
    const before = await metricsOf(port);
    await sleep(measuredMs);
    const after = await metricsOf(port);
    const ticks = after.ticks - before.ticks;
    return {
      residentMegabytes: after.residentBytes / 2 ** 20,
      cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / (measuredMs / 1000)) * 100,
      tickMs: ((after.tickSeconds - before.tickSeconds) / ticks) * 1000,
    };
  } finally {
    daemon.kill();
    await once(daemon, 'exit');
  }
}

async function metricsOf(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)[1]);
  return {
    residentBytes: value('process_resident_memory_bytes'),
    cpuSeconds: value('process_cpu_seconds_total'),
    ticks: value('autoscaler_tick_duration_seconds_count'),
    tickSeconds: value('autoscaler_tick_duration_seconds_sum'),
  };
}
