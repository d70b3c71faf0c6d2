import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

const path = '/services/T0000/B0000/xxXXxxXXsecret';
let redis: RedisServer;
let heroku: ScriptedHeroku;
let hook: Server;
let daemon: RunningDaemon;
/** The status that the hook answers with; what it was sent before that was accepted. */
let status: number;
const texts: string[] = [];

beforeEach(async () => {
  redis = await startRedis();
  heroku = await startScriptedHeroku();
  status = 200;
  texts.length = 0;
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const isOurs = request.method === 'POST' && request.url === path;
      if (isOurs && status === 200) texts.push((JSON.parse(body) as { text: string }).text);
      response.writeHead(isOurs ? status : 404).end(`seen ${path}`);
    });
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  daemon = startDaemon({
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: heroku.token,
    HEROKU_API_URL: heroku.url,
    MIN_WORKERS: '2',
    POLL_INTERVAL: '1s',
    SCALE_DOWN_STABILIZATION: '0s',
    MANUAL_SCALE_HOLD: '5s',
    LOG_LEVEL: 'debug',
    WEBHOOK_URL: `http://127.0.0.1:${String((hook.address() as AddressInfo).port)}${path}`,
  });
});
afterEach(async () => {
  daemon.kill('SIGKILL');
  await daemon.finished;
  hook.closeAllConnections();
  hook.close();
  await Promise.all([redis.stop(), heroku.stop()]);
});

test('people are told that somebody scaled, and a hook that refuses is said once', async () => {
  await daemon.until(({ outcome }) => outcome === 'held');
  heroku.formation['worker'] = { quantity: 6, size: 'Standard-1X' };
  await expect.poll(() => texts, { timeout: 60_000 }).toHaveLength(1);
  expect(texts[0]).toMatch(
    /^worker: someone set 6 workers at .*\nhttps:\/\/dashboard\.heroku\.com\/apps\/demo\/resources$/,
  );
  status = 410;
  const refused = await daemon.until(({ to, level }) => to === 'webhook' && level === 'warn');
  expect(refused['msg']).toMatch(/^webhook: what is sent does not arrive: .*\(HTTP 410\)$/);

  daemon.kill('SIGTERM');
  const { exitCode, stdout, stderr } = await daemon.finished;
  expect(exitCode).toBe(0);
  expect(stdout + stderr).not.toContain('xxXXxxXXsecret');
}, 90_000);
