import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { runCommand, startDaemon, type LogLine, type RunningDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

const names = ['HRKU-of-one', 'HRKU-of-other', 'HRKU-of-third'] as const;

let redis: RedisServer;
let heroku: ScriptedHeroku;
let queue: Queue;
const daemons: RunningDaemon[] = [];

beforeEach(async () => {
  redis = await startRedis();
  heroku = await startScriptedHeroku();
  heroku.otherTokens.push(...names);
  queue = new Queue('emails', { connection: { url: redis.url } });
});
afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    daemon.kill('SIGKILL');
    await daemon.finished;
  }
  await queue.close();
  await heroku.stop();
  await redis.stop();
});

function environment(token: string, changes: Record<string, string> = {}): Record<string, string> {
  return {
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: token,
    HEROKU_API_URL: heroku.url,
    EVENTS_PER_WORKER: '10',
    POLL_INTERVAL: '1s',
    SCALE_DOWN_STABILIZATION: '0s',
    // Two processes share the name of their dyno at every deploy.
    DYNO: 'clock.1',
    ...changes,
  };
}

function daemon(token: string, changes: Record<string, string> = {}): RunningDaemon {
  const started = startDaemon(environment(token, changes));
  daemons.push(started);
  return started;
}

const acts = ({ outcome }: LogLine) => outcome === 'scaled' || outcome === 'held';
const standsBy = ({ outcome }: LogLine) => outcome === 'not-leader';

/** One daemon that acts and one that stands by. */
async function pair(changes: Record<string, string> = {}) {
  const leader = daemon(names[0], changes);
  await leader.until(acts);
  const other = daemon(names[1], changes);
  await other.until(standsBy);
  return { leader, other };
}

/** Who asked for a change, in order; and with each its number. */
const patches = () =>
  heroku.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ headers, body }) => ({
      by: headers.authorization?.replace('Bearer ', ''),
      workers: (JSON.parse(body) as { updates: { quantity: number }[] }).updates[0]?.quantity,
    }));
const requestsOf = (token: string) =>
  heroku.requests.filter(({ headers }) => headers.authorization === `Bearer ${token}`);

async function setBacklog(jobs: number): Promise<void> {
  await queue.drain();
  await queue.addBulk(Array.from({ length: jobs }, () => ({ name: 'send', data: {} })));
}

const untilWorkers = (count: number) =>
  expect.poll(() => heroku.formation['worker']?.quantity, { timeout: 20_000 }).toBe(count);

describe('of two daemons', () => {
  test('exactly one acts, and the other stands by in good health without a call to Heroku', async () => {
    const port = await freePort();
    const leader = daemon(names[0]);
    await leader.until(acts);
    const other = daemon(names[1], { PORT: String(port) });
    await other.until(standsBy);
    for (const jobs of [45, 70, 20]) {
      await setBacklog(jobs);
      await untilWorkers(jobs / 10 + (jobs % 10 === 0 ? 0 : 0.5));
    }
    expect(new Set(patches().map(({ by }) => by))).toEqual(new Set([names[0]]));
    expect(requestsOf(names[1])).toEqual([]);
    expect(other.log.some(acts)).toBe(false);
    expect(leader.log.some(standsBy)).toBe(false);

    expect((await fetch(`http://127.0.0.1:${String(port)}/healthz`)).status).toBe(200);
    const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    expect(metrics).toContain('autoscaler_leader{pool="worker"} 0');
    expect(metrics).toContain('autoscaler_lease_changes_total{pool="worker"} 0');
    const status = await (await fetch(`http://127.0.0.1:${String(port)}/status.json`)).json();
    expect(status).toMatchObject({
      pools: [{ outcome: 'not-leader', steps: [{ step: 'recommend', workers: null }] }],
    });
  });

  test('each says once who acts', async () => {
    const { leader, other } = await pair();
    await sleep(2_500);
    const said = (of: RunningDaemon) => of.log.filter(({ fence }) => fence !== undefined);
    expect(said(leader)).toHaveLength(1);
    expect(said(other)).toHaveLength(1);
    const [gained] = said(leader);
    expect(gained?.['holder']).toMatch(/^clock\.1:[0-9a-f]{12}$/);
    expect(said(other)[0]).toMatchObject({ holder: gained?.['holder'], fence: 1 });
  });

  test('the other takes over at once when the first is asked to end, as at a deploy', async () => {
    // A minute between ticks: waiting for the next one would show.
    const { leader, other } = await pair({ POLL_INTERVAL: '1m' });
    const asked = performance.now();
    leader.kill('SIGTERM');
    await other.until(({ fence }) => fence === 2);
    await other.until(acts);
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect((await leader.finished).exitCode).toBe(0);
  });

  test('the other takes over within the expiry when the first is killed, and remembers what it did', async () => {
    const { leader, other } = await pair();
    await setBacklog(45);
    await untilWorkers(5);
    leader.kill('SIGKILL');
    await setBacklog(70);
    await untilWorkers(7);
    expect(patches().at(-1)).toEqual({ by: names[1], workers: 7 });
    // The numbers that the first one set are not taken for a person's.
    expect(other.log.some(({ manualHold }) => manualHold !== undefined)).toBe(false);
  });

  test('the first, stopped for longer than its lease and woken, does nothing more', async () => {
    const { leader, other } = await pair();
    for (let round = 0; round < 3; round += 1) {
      const [stopped, awake] = round % 2 === 0 ? [leader, other] : [other, leader];
      const [asleepToken, awakeToken] =
        round % 2 === 0 ? [names[0], names[1]] : [names[1], names[0]];
      // Stopped at any moment of a tick, with a change to be made.
      await setBacklog(30 + 10 * round);
      await sleep(150 + 271 * round);
      process.kill(stopped.pid, 'SIGSTOP');
      const before = awake.log.length;
      await setBacklog(80 + 10 * round);
      await untilWorkers(8 + round);
      expect(patches().at(-1)?.by).toBe(awakeToken);
      const since = patches().length;
      const asked = requestsOf(asleepToken).length;
      process.kill(stopped.pid, 'SIGCONT');
      await setBacklog(20);
      await untilWorkers(2);
      await sleep(1_500);
      expect(
        patches()
          .slice(since)
          .every(({ by }) => by === awakeToken),
      ).toBe(true);
      expect(
        requestsOf(asleepToken)
          .slice(asked)
          .every(({ method }) => method === 'GET'),
      ).toBe(true);
      expect(awake.log.slice(before).some(acts)).toBe(true);
      await stopped.until((line) => standsBy(line) && stopped.log.indexOf(line) > 3);
    }
    for (const { log } of [leader, other])
      expect(log.some(({ level }) => level === 'fatal')).toBe(false);
  }, 90_000);

  test('`web` shows what the one that acts published', async () => {
    const { leader, other } = await pair();
    const port = await freePort();
    daemons.push(startDaemon({ REDIS_URL: redis.url, PORT: String(port) }, ['web']));
    const outcome = async () => {
      const response = await fetch(`http://127.0.0.1:${String(port)}/status.json`).catch(
        () => null,
      );
      const body = (await response?.json()) as { pools: { outcome: string }[] } | undefined;
      return body?.pools[0]?.outcome;
    };
    await expect.poll(outcome, { timeout: 10_000 }).toBe('held');
    for (let look = 0; look < 10; look += 1) {
      expect(await outcome()).toBe('held');
      await sleep(250);
    }
    expect([leader, other].every(({ log }) => log.length > 3)).toBe(true);
  });

  test('their pools are shared', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'autoscaler-lease-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const types = ['a', 'b', 'c', 'd'];
    for (const type of types) heroku.formation[type] = { quantity: 1, size: 'Standard-1X' };
    const file = join(folder, 'pools.yml');
    const rows = types.map(
      (type) => `  - { name: ${type}, processType: ${type}, queues: [${type}] }`,
    );
    await writeFile(file, `pools:\n${rows.join('\n')}\n`);
    const pools = { POOLS_FILE: file };
    const first = daemon(names[0], pools);
    await Promise.all(
      types.map((type) => first.until((line) => line['pool'] === type && acts(line))),
    );
    const second = daemon(names[1], pools);
    const current = ({ log }: RunningDaemon) =>
      types.filter((type) => {
        const last = log.findLast((line) => line['pool'] === type && line['outcome'] !== undefined);
        return last !== undefined && acts(last);
      });
    await expect
      .poll(() => [current(first).length, current(second).length], { timeout: 15_000 })
      .toEqual([2, 2]);
    await sleep(2_000);
    expect([...current(first), ...current(second)].toSorted()).toEqual(types);
  });
});

describe('once', () => {
  const once = async () => {
    const { stdout, exitCode } = await runCommand(['once', '--json'], environment(names[2]));
    return { exitCode, report: JSON.parse(stdout) as { pools: Record<string, unknown>[] } };
  };

  test('stands by while a daemon acts, which is fine', async () => {
    const leader = daemon(names[0]);
    await leader.until(acts);
    const { exitCode, report } = await once();
    expect(exitCode).toBe(0);
    expect(report.pools[0]).toMatchObject({
      ...{ outcome: 'not-leader', currentWorkers: null, action: 'hold', limitedBy: 'none' },
      steps: [{ step: 'recommend', workers: null }],
    });
    expect(report.pools[0]).not.toHaveProperty('error');
    expect(requestsOf(names[2])).toEqual([]);
  });

  test('gives the lease back, so that the next one acts at once, also after it failed', async () => {
    heroku.always({ kind: 'reply', status: 503, body: '{}' });
    expect((await once()).report.pools[0]).toMatchObject({ outcome: 'failed' });
    heroku.always(null);
    expect((await once()).report.pools[0]).toMatchObject({ outcome: 'scaled' });
    expect((await once()).report.pools[0]).toMatchObject({ outcome: 'held' });
  });

  test('gives the lease back also when it is asked to end in the middle', async () => {
    heroku.always({ kind: 'hang' });
    const ending = startDaemon(environment(names[0]), ['once', '--json']);
    daemons.push(ending);
    await expect.poll(() => requestsOf(names[0]).length, { timeout: 10_000 }).toBe(1);
    ending.kill('SIGTERM');
    expect((await ending.finished).exitCode).toBe(1);
    heroku.always(null);
    expect((await once()).report.pools[0]).toMatchObject({ outcome: 'scaled' });
  });
});
