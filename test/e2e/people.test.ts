import { createServer } from 'node:http';
import { once as event } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startDaemon, type LogLine, type RunningDaemon } from '../support/daemon.ts';
import {
  apiKey,
  neverBoots,
  startTestHeroku,
  type TestHeroku,
} from '../support/heroku-emulator.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let redis: RedisServer;
let heroku: TestHeroku;
let queue: Queue;
const daemons: RunningDaemon[] = [];

beforeEach(async () => {
  redis = await startRedis();
  heroku = await startTestHeroku({
    formation: { worker: { quantity: 2 } },
    bootSeconds: neverBoots,
  });
  queue = new Queue('emails', { connection: { url: redis.url } });
  await queue.addBulk(Array.from({ length: 50 }, () => ({ name: 'send', data: {} })));
});
afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    daemon.kill('SIGKILL');
    await daemon.finished;
  }
  await queue.close();
  await redis.stop();
});

/** A daemon that wants five workers, and wanted nothing else before. */
function daemon(changes: Record<string, string> = {}): RunningDaemon {
  const started = startDaemon({
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: apiKey,
    HEROKU_API_URL: heroku.url,
    EVENTS_PER_WORKER: '10',
    POLL_INTERVAL: '1s',
    SCALE_DOWN_STABILIZATION: '0s',
    ...changes,
  });
  daemons.push(started);
  return started;
}

/** What `heroku ps:scale worker=…` does. */
const scaleByHand = (quantity: number) =>
  heroku.call('PATCH', '/apps/demo/formation', { updates: [{ type: 'worker', quantity }] });
const workers = () => heroku.quantities()['worker'];
const untilWorkers = (count: number) => expect.poll(workers, { timeout: 15_000 }).toBe(count);
const holds = (workers: number) => (line: LogLine) => line['manualHold'] === workers;
const isHeld = (line: LogLine) => line['outcome'] === 'held';

/** Ends the ten seconds for which a daemon relies on its last look at the formation. */
async function untilNoticed(running: RunningDaemon, workers: number): Promise<LogLine> {
  return running.until(holds(workers));
}

describe('a person who scales by hand', () => {
  test('is respected and told of, and demand above is met', async () => {
    const port = await freePort();
    const running = daemon({ PORT: String(port), MAX_WORKERS: '20' });
    await untilWorkers(5);
    await scaleByHand(12);
    const line = await untilNoticed(running, 12);
    expect(line['msg']).toMatch(
      /someone set 12 workers at \d\d:\d\d UTC, respected until \d\d:\d\d UTC/,
    );
    expect(line).toMatchObject({ outcome: 'held', limitedBy: 'manual-scale', desiredWorkers: 12 });
    const get = async (path: string) =>
      (await fetch(`http://127.0.0.1:${String(port)}${path}`)).text();
    expect(JSON.parse(await get('/status.json'))).toMatchObject({
      pools: [{ manualHold: { workers: 12 }, limitedBy: 'manual-scale' }],
    });
    expect(await get('/metrics')).toContain('autoscaler_manual_hold{pool="worker"} 1');
    expect(await get('/')).toContain('someone set 12 workers');

    await queue.addBulk(Array.from({ length: 90 }, () => ({ name: 'send', data: {} })));
    await untilWorkers(14);
    await queue.drain();
    await untilWorkers(12);
  }, 60_000);

  test('who takes all away pauses the pool, minimum and backlog or not, until the hold is over', async () => {
    const running = daemon({ MANUAL_SCALE_HOLD: '15s', MAX_WORKERS: '20' });
    await untilWorkers(5);
    await scaleByHand(0);
    const line = await untilNoticed(running, 0);
    expect(line['msg']).toContain('paused until');
    const since = running.log.length;
    await expect
      .poll(() => running.log.slice(since).filter(isHeld).length, { timeout: 15_000 })
      .toBeGreaterThan(5);
    expect(workers()).toBe(0);
    await untilWorkers(5);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(String(line['manualHoldUntil'])));
  }, 60_000);

  test('is overruled at once with MANUAL_SCALE_HOLD=0s', async () => {
    const running = daemon({ MANUAL_SCALE_HOLD: '0s' });
    await untilWorkers(5);
    await scaleByHand(12);
    await untilWorkers(5);
    expect(running.log.some((line) => line['manualHold'] !== undefined)).toBe(false);
  }, 60_000);

  test('is noticed also while no daemon runs', async () => {
    const first = daemon();
    await untilWorkers(5);
    await first.until(isHeld);
    first.kill('SIGTERM');
    await first.finished;
    await scaleByHand(8);
    await untilNoticed(daemon(), 8);
    expect(workers()).toBe(8);
  });
});

describe('what looks like a person and is none', () => {
  test('the first look at a pool', async () => {
    await scaleByHand(9);
    const running = daemon();
    await untilWorkers(5);
    expect(running.log.some((line) => line['manualHold'] !== undefined)).toBe(false);
  });

  test('a request that was obeyed, though its reply never came, and the daemon was killed meanwhile', async () => {
    const proxy = await startProxy();
    const first = daemon({ HEROKU_API_URL: proxy.url });
    await untilWorkers(5);
    await first.until(({ code }) => code === 'TARGET_UNAVAILABLE');
    first.kill('SIGKILL');
    await first.finished;
    const second = daemon();
    await second.until(isHeld);
    expect(workers()).toBe(5);
    expect([...first.log, ...second.log].some((line) => line['manualHold'] !== undefined)).toBe(
      false,
    );
  });

  test('a request that was never obeyed', async () => {
    const proxy = await startProxy({ isObeying: false });
    const running = daemon({ HEROKU_API_URL: proxy.url });
    await running.until(({ code }) => code === 'TARGET_UNAVAILABLE');
    proxy.mend();
    await untilWorkers(5);
    expect(running.log.some((line) => line['manualHold'] !== undefined)).toBe(false);
  });

  test('a scale-down of which only a part could go', async () => {
    await scaleByHand(8);
    const running = daemon({ SCALE_DOWN_STEP: '1' });
    await untilWorkers(5);
    expect(running.log.some((line) => line['manualHold'] !== undefined)).toBe(false);
  });
});

/** Stands before Heroku and swallows the replies to changes, or the changes themselves, until it is mended. */
async function startProxy({ isObeying = true } = {}) {
  let isMended = false;
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const { method = 'GET', url = '', headers } = request;
      const isSwallowed = method === 'PATCH' && !isMended;
      if (isSwallowed && !isObeying) return;
      const { accept = '', authorization = '' } = headers;
      const answer = await fetch(heroku.url + url, {
        ...{ method, headers: { accept, authorization, 'content-type': 'application/json' } },
        ...(body === '' ? {} : { body }),
      });
      if (isSwallowed) return;
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    })();
  });
  server.listen(0, '127.0.0.1');
  await event(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    mend: () => void (isMended = true),
  };
}
