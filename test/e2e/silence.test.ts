import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

let redis: RedisServer;
let heroku: ScriptedHeroku;
let running: RunningDaemon | undefined;

beforeEach(async () => {
  redis = await startRedis();
  heroku = await startScriptedHeroku();
});
afterEach(async () => {
  running?.kill('SIGKILL');
  await running?.finished;
  await heroku.stop();
  await redis.stop();
});

const preloaded = (script: string) => `--import=data:text/javascript,${encodeURIComponent(script)}`;

/**
 * Makes every wait of the daemon endless from a signal on, although its deadlines pass: each of them is a race of the
 * work against its signal. It stands for any bug by which a tick would never end.
 */
const endlessOnSignal = preloaded(`
  const race = Promise.race;
  process.once('SIGUSR2', () => {
    Promise.race = (all) => {
      if (!/deadline\\.js/.test(new Error().stack)) return race.call(Promise, all);
      for (const each of all) each.catch(() => undefined);
      return new Promise(() => undefined);
    };
  });`);

function daemon(changes: Record<string, string>): RunningDaemon {
  running = startDaemon({
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: heroku.token,
    HEROKU_API_URL: heroku.url,
    POLL_INTERVAL: '1s',
    ...changes,
  });
  return running;
}

describe('a daemon whose tick never ends', () => {
  test('says so and exits with 1, so that the platform starts it anew', async () => {
    const port = await freePort();
    const stuck = daemon({ PORT: String(port), NODE_OPTIONS: endlessOnSignal });
    await stuck.until(({ outcome }) => outcome === 'held');
    stuck.kill('SIGUSR2');
    const { exitCode } = await stuck.finished;
    expect(exitCode).toBe(1);
    const fatal = stuck.log.find(({ level }) => level === 'fatal');
    expect(fatal).toMatchObject({ pool: 'worker' });
    expect(fatal?.['msg']).toContain('a tick has not ended for three intervals');
  }, 60_000);

  test('can still be asked to end', async () => {
    const stuck = daemon({ NODE_OPTIONS: endlessOnSignal, POLL_INTERVAL: '2s' });
    await stuck.until(({ outcome }) => outcome === 'held');
    stuck.kill('SIGUSR2');
    await stuck.until(({ msg }) => String(msg).includes('left out'));
    const asked = performance.now();
    stuck.kill('SIGTERM');
    expect((await stuck.finished).exitCode).toBe(0);
    expect(performance.now() - asked).toBeLessThan(15_000);
  }, 60_000);
});

test('a daemon whose ticks all fail goes on', async () => {
  heroku.always({ kind: 'reply', status: 503, body: '{}' });
  const failing = daemon({});
  const failures = () => failing.log.filter(({ outcome }) => outcome === 'failed').length;
  await expect.poll(failures, { timeout: 20_000 }).toBeGreaterThan(6);
  heroku.always(null);
  await failing.until(({ outcome }) => outcome === 'scaled' || outcome === 'held');
  expect(failing.log.some(({ level }) => level === 'fatal')).toBe(false);
});

test('the lag of the event loop is measured, and a daemon whose loop stands still for long is killed', async () => {
  const port = await freePort();
  const lagging = daemon({
    PORT: String(port),
    NODE_OPTIONS: preloaded(`
      setInterval(() => {
        const until = Date.now() + 700;
        while (Date.now() < until);
      }, 4000);
      process.on('SIGUSR2', () => { for (;;); });`),
  });
  await lagging.until(({ outcome }) => outcome !== undefined);
  const lagSeconds = async () => {
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    expect(text).toContain('# TYPE autoscaler_event_loop_lag_seconds gauge');
    return Number(/^autoscaler_event_loop_lag_seconds (\S+)$/m.exec(text)?.[1] ?? NaN);
  };
  await expect.poll(lagSeconds, { timeout: 20_000, interval: 500 }).toBeGreaterThan(0.6);

  // Stopped and woken, as by an operator, it goes on.
  lagging.kill('SIGSTOP');
  await sleep(12_000);
  lagging.kill('SIGCONT');
  const ticks = () => lagging.log.filter(({ outcome }) => outcome === 'held').length;
  const ticksBefore = ticks();
  await expect.poll(ticks, { timeout: 20_000 }).toBeGreaterThan(ticksBefore + 2);

  lagging.kill('SIGUSR2');
  const { exitCode, stdout } = await lagging.finished;
  // By a signal: nothing within the process could end it.
  expect(exitCode).toBeNull();
  expect(stdout).toContain('the event loop has stood still for 10 s');
}, 120_000);
