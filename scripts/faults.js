/**
 * Does to the built daemon what goes wrong outside of it, `npm run faults`: to its Redis, to Heroku and to the network in
 * between. Prints for each fault what was done, how the daemon told of it, how long it took to recover once all was well
 * again, and whether it did harm; with --json as one document. Exits with 1 when it did, or did not recover.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages, obtain, run } from './setup.js';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

installPackages();
run('npm', ['run', '--silent', 'build']);
for (const program of ['redis-server', 'openssl']) {
  if (obtain(program)) continue;
  console.error(`It needs ${program}: install it so that it is on the PATH.`);
  process.exit(1);
}

const directory = mkdtempSync(join(tmpdir(), 'autoscaler-faults-'));
const summaryFile = join(directory, 'summary');
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/faults.test.ts'], {
  // What the test says of itself goes to stderr.
  stdio: ['ignore', 2, 2],
  env: { ...process.env, FAULTS_SUMMARY: summaryFile },
});
const lines = existsSync(summaryFile) ? readFileSync(summaryFile, 'utf8').split('\n') : [];
rmSync(directory, { recursive: true });
// Of one that did harm there are two lines, what became of it and why that is a failure.
const byPosition = new Map();
for (const row of lines.filter(Boolean).map((line) => JSON.parse(line)))
  byPosition.set(row.position, { ...byPosition.get(row.position), ...row });
const rows = [...byPosition.values()].sort((one, other) => one.position - other.position);
console.log(values.json ? JSON.stringify(rows) : table(rows));
process.exitCode = status ?? 1;

function table(all) {
  const heads = [
    ...['fault', 'what was done', 'the daemon says', 'recovers in'],
    ...['shrunk while blind', 'killed', 'jobs lost'],
  ];
  const cells = all.map((row) => [
    row.name,
    row.done,
    ...(row.recoveredSeconds === undefined ? unsurvived(row) : survived(row)),
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column].length)),
  );
  const line = (texts) =>
    `| ${texts.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`;
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join(
    '\n',
  );
}

function survived({ codes, recoveredSeconds, shrunk, killed, lostJobs }) {
  return [
    codes.join(', ') || 'nothing: no tick failed',
    `${recoveredSeconds.toFixed(1)} s`,
    ...[shrunk, killed].map((isSo) => (isSo ? 'YES' : 'no')),
    String(lostJobs),
  ];
}

function unsurvived({ failure }) {
  return [`FAILED: ${failure.split('\n', 1)[0]}`, 'never', '?', '?', '?'];
}
