/** An app on the Heroku emulator, with real processes and a real Redis, at which commands are typed. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Queue } from 'bullmq';
import { startDemoRedis } from '../../dist/demo/redis.js';
import { startHerokuEmulator } from '../../dist/demo/heroku/emulator.js';
import { freePort } from '../../dist/demo/heroku/free-port.js';

const apiKey = 'HRKU-transcript';
const main = join(process.cwd(), 'dist/main.js');

/** Its workers are up, and nobody scales them until `startClock`. */
export async function startApp(config) {
  const redis = await startDemoRedis();
  const port = await freePort();
  const environment = {
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_API_URL: `http://127.0.0.1:${String(port)}`,
    HEROKU_API_KEY: apiKey,
    HEROKU_APP_NAME: 'my-shop',
    TZ: 'UTC',
    ...config,
  };
  const heroku = await startHerokuEmulator({
    ...{ appName: 'my-shop', apiKey, port, directory: process.cwd() },
    procfile: 'worker: node dist/demo/worker.js\nclock: node dist/main.js run',
    formation: {
      // The most expensive size, or minutes would cost nothing.
      worker: { quantity: Number(config.MIN_WORKERS), size: 'Performance-L' },
      clock: { quantity: 0, size: 'Performance-L' },
    },
    env: environment,
    log: () => undefined,
  });
  // Commands run here, so that the journal of a maintenance is not left behind.
  const directory = mkdtempSync(join(tmpdir(), 'autoscaler-transcripts-'));
  const queue = new Queue('emails', { connection: { url: redis.url } });
  return {
    heroku,
    /** Adds e-mails that take so long each. */
    add: (count, workMs) =>
      queue.addBulk(Array.from({ length: count }, () => ({ name: 'e-mail', data: { workMs } }))),
    startClock: () => startClock(environment),
    type: (line, more = {}) => type(line, { env: { ...environment, ...more }, cwd: directory }),
    async close() {
      await heroku.close();
      await queue.close();
      await redis.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

/** As `heroku ps:scale clock=1` does. */
async function startClock({ HEROKU_API_URL: url }) {
  const { ok } = await fetch(`${url}/apps/my-shop/formation`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${apiKey}`,
      accept: 'application/vnd.heroku+json; version=3',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ updates: [{ type: 'clock', quantity: 1 }] }),
  });
  if (!ok) throw new Error('the clock cannot be started');
}

/** What a person at the terminal sees, but for the names of this machine and its user. */
export function type(line, options = {}) {
  return new Promise((resolve) => {
    let seen = `$ backlog-autoscaler ${line}\n`;
    const child = execFile(process.execPath, [main, ...line.split(' ')], options);
    child.stdout.on('data', (text) => (seen += text));
    child.stderr.on('data', (text) => (seen += text));
    child.once('close', () => {
      resolve(seen.replaceAll(`${userInfo().username}@${hostname()}`, 'anna@mac'));
    });
  });
}
