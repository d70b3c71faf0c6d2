/**
 * Lets the built daemon live through one trouble after the other for as long as you like, `npm run soak -- --minutes 10`:
 * resets, restarts, refusals and silence of its Redis and its Heroku, the loss of its leases, and demand that comes and
 * goes, in four pools that look every second. Prints what the process and its Redis held early and late, with --json as
 * one document; exits with 1 when something grew.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages, obtain, run } from './setup.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
if (!(Number(values.minutes) > 0)) {
  console.error(`--minutes "${values.minutes}" is not a number above 0`);
  process.exit(64);
}

installPackages();
run('npm', ['run', '--silent', 'build']);
if (!obtain('redis-server')) {
  console.error('It needs a real Redis: install it so that `redis-server` is on the PATH.');
  process.exit(1);
}

const directory = mkdtempSync(join(tmpdir(), 'autoscaler-soak-'));
const summaryFile = join(directory, 'summary.json');
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/soak.test.ts'], {
  // What the test says of itself goes to stderr.
  stdio: ['ignore', 2, 2],
  env: { ...process.env, SOAK_MINUTES: values.minutes, SOAK_SUMMARY: summaryFile },
});
const summary = existsSync(summaryFile) ? readFileSync(summaryFile, 'utf8') : null;
rmSync(directory, { recursive: true });
if (summary !== null) console.log(values.json ? summary : table(JSON.parse(summary)));
process.exitCode = status ?? 1;

function table({ ticks, rounds, rows, keysThatStay, largestStreamBytes }) {
  const hours = (ticks / 60).toFixed(1);
  const line = (...texts) =>
    texts.map((text, column) => text[column === 0 ? 'padEnd' : 'padStart'](18)).join('');
  return [
    `${ticks} ticks, as many as a pool makes in ${hours} hours at 1m, and ${rounds} troubles`,
    line('', 'early', 'late', 'at most'),
    ...rows.map(({ what, early, late, most }) =>
      line(what, String(early), String(late), String(Math.floor(most))),
    ),
    `Keys of ours that never expire: ${keysThatStay.join(', ') || 'none'}`,
    `Largest stream: ${Math.round(largestStreamBytes / 1024)} kB`,
  ].join('\n');
}
