import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, startDaemon } from '../support/daemon.ts';
import { leaveOutUnless } from '../support/left-out.ts';
import {
  monitoringUser,
  startPushgateway,
  startRemoteWriteReceiver,
  withCredentials,
  type Prometheus,
  type Pushgateway,
} from '../support/prometheus.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

const missing = [leaveOutUnless('prometheus'), leaveOutUnless('prometheus-pushgateway')];

describe.skipIf(missing.includes(true))('a daemon that nobody can ask', () => {
  let redis: RedisServer;
  let heroku: ScriptedHeroku;
  let gateway: Pushgateway;
  let prometheus: Prometheus;
  beforeAll(async () => {
    redis = await startRedis();
    heroku = await startScriptedHeroku();
    gateway = await startPushgateway();
    prometheus = await startRemoteWriteReceiver();
  });
  afterAll(() =>
    Promise.all([redis.stop(), heroku.stop(), gateway.stop(), prometheus.stop()] as const),
  );

  const environment = (changes: Record<string, string> = {}) => ({
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: heroku.token,
    HEROKU_API_URL: heroku.url,
    POLL_INTERVAL: '1s',
    DYNO: 'clock.1',
    PUSHGATEWAY_URL: withCredentials(gateway.url),
    REMOTE_WRITE_URL: withCredentials(`${prometheus.url}/api/v1/write`),
    PUSH_INTERVAL: '1s',
    ...changes,
  });
  const series = 'autoscaler_workers_current{instance="demo.worker.clock.1",';

  test('tells on its own what it sees, and takes it back when it ends', async () => {
    const daemon = startDaemon(environment());
    const ofDaemon = async (query: string) => {
      const { result } = (await prometheus.get('query', { query })) as { result: unknown[] };
      return result;
    };
    await expect.poll(() => gateway.metrics(), { timeout: 30_000 }).toContain(series);
    const remote =
      'autoscaler_deliveries_total{instance="demo.worker.clock.1",result="delivered"} > 0';
    await expect.poll(() => ofDaemon(remote), { timeout: 30_000 }).toHaveLength(2);

    daemon.kill('SIGTERM');
    const { exitCode, stdout, stderr } = await daemon.finished;
    expect(exitCode).toBe(0);
    expect(stdout).toContain('as demo.worker.clock.1');
    expect(stdout + stderr).not.toContain(monitoringUser.password);
    expect(await gateway.metrics()).not.toContain('autoscaler_');
    const ended = { timeout: 10_000 };
    await expect.poll(() => ofDaemon('{job="backlog-autoscaler"}'), ended).toEqual([]);
  });

  test('is examined by check, which pushes nothing', async () => {
    const fine = await runCommand(['check'], environment());
    expect(fine.stdout).toMatch(/ok +The Pushgateway at \S+ answers and lets us in/);
    expect(fine.stdout).toMatch(/ok +The server for remote write at \S+ answers and lets us in/);
    const wrong = await runCommand(
      ['check'],
      environment({ PUSHGATEWAY_URL: withCredentials(gateway.url, 'wrong-password') }),
    );
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stdout).toMatch(/problem +The Pushgateway does not take the metrics: .*HTTP 401/);
    expect(wrong.stdout).not.toContain('wrong-password');
    expect(await gateway.metrics()).not.toContain('autoscaler_');
  });
});
