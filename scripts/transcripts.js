/**
 * Runs the commands that take care of workers by hand on an app of the Heroku emulator, with real processes, a real Redis
 * and jobs that keep coming, and writes what they said into the README. Run it when their words have changed:
 * `npm run build && node scripts/transcripts.js`
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { startDemoRedis } from '../dist/demo/redis.js';
import { startHerokuEmulator } from '../dist/demo/heroku/emulator.js';
import { freePort } from '../dist/demo/heroku/free-port.js';

const redis = await startDemoRedis();
const port = await freePort();
const environment = {
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  ...{
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    MIN_WORKERS: '3',
    POLL_INTERVAL: '5s',
    GRACE_SECONDS: '20',
  },
  ...{ HEROKU_APP_NAME: 'my-shop', HEROKU_API_KEY: 'HRKU-transcript' },
  HEROKU_API_URL: `http://127.0.0.1:${String(port)}`,
};
const heroku = await startHerokuEmulator({
  ...{ appName: 'my-shop', apiKey: environment.HEROKU_API_KEY, port, directory: process.cwd() },
  procfile: 'worker: node dist/demo/worker.js\nclock: node dist/main.js run',
  formation: { worker: { quantity: 3 }, clock: { quantity: 1 } },
  env: environment,
  log: () => undefined,
});
const directory = mkdtempSync(join(tmpdir(), 'autoscaler-transcripts-'));
const queue = new Queue('emails', { connection: { url: redis.url } });
const producer = setInterval(() => void queue.add('e-mail', { workMs: 3_000 }), 500);

/** What a person at the terminal would see. */
function run(line) {
  const words = ['dist/main.js', ...line.split(' '), '--journal', join(directory, 'journal.json')];
  const given = line.startsWith('restart') ? words.slice(0, -2) : words;
  return new Promise((resolve) => {
    let seen = `$ backlog-autoscaler ${line}\n`;
    const child = execFile(process.execPath, given, { env: environment });
    child.stdout.on('data', (text) => (seen += text));
    child.stderr.on('data', (text) => (seen += text));
    child.once('close', () => resolve(seen));
  });
}

try {
  await sleep(10_000);
  const restart = await run('restart --pool worker');
  const maintenance = await run('maintenance run --redis REDIS --app-maintenance --yes');
  const readme = Object.entries({ restart, maintenance }).reduce(
    (text, [name, seen]) =>
      text.replace(
        new RegExp(`(<!-- transcript-${name}:begin -->)[^]*(<!-- transcript-${name}:end -->)`),
        (_, begin, end) => `${begin}\n\n\`\`\`\n${seen.trimEnd()}\n\`\`\`\n\n${end}`,
      ),
    readFileSync('README.md', 'utf8'),
  );
  writeFileSync('README.md', readme);
} finally {
  clearInterval(producer);
  await heroku.close();
  await queue.close();
  await redis.stop();
  rmSync(directory, { recursive: true });
}
