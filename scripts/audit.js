/**
 * Asks the registry whether anything in the lock file has a known vulnerability, `npm run audit`: first of the packages
 * that run on the dyno, then of all. Says so when the registry cannot be asked, and fails only for what is known.
 */
import { spawnSync } from 'node:child_process';

const scopes = [
  { name: 'the packages that run on the dyno', words: ['--omit=dev'] },
  { name: 'all packages, with those of development', words: [] },
];

for (const { name, words } of scopes) {
  const { stdout } = spawnSync('npm', ['audit', '--json', ...words], { encoding: 'utf8' });
  const found = countsIn(stdout ?? '');
  if (found === null) {
    console.log(`Audit of ${name}: the registry could not be asked, so nothing is known.`);
    continue;
  }
  const severe = found.high + found.critical;
  console.log(`Audit of ${name}: ${found.total} vulnerabilities known, ${severe} of them severe.`);
  if (severe > 0) process.exitCode = 1;
}

function countsIn(text) {
  try {
    return JSON.parse(text).metadata?.vulnerabilities ?? null;
  } catch {
    return null;
  }
}
