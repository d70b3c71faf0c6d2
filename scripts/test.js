/**
 * Runs the tests, `npm test` or `npm test -- test/unit`. Obtains the real servers they need, and names at the end what
 * had to be left out because it could not be obtained; with CI=true leaving anything out is a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages, obtain, run } from './setup.js';

installPackages();
run('npm', ['run', '--silent', 'build']);

const hasRedis = obtain('redis-server');
obtain('promtool', 'prometheus');
obtain('prometheus-pushgateway');
const chosen = process.argv.slice(2);
const all = hasRedis
  ? ['test/unit', 'test/contract', 'test/integration', 'test/e2e', 'test/repository']
  : ['test/unit', 'test/repository'];
const missing = hasRedis
  ? []
  : [
      'redis-server: the contract, integration and end-to-end tests. Install Redis so that `redis-server` is on the PATH.',
    ];

const notes = mkdtempSync(join(tmpdir(), 'autoscaler-test-'));
const leftOutFile = join(notes, 'left-out');
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', ...(chosen.length > 0 ? chosen : all)],
  {
    stdio: 'inherit',
    env: { ...process.env, AUTOSCALER_TEST_LEFT_OUT: leftOutFile },
  },
);

const skipped = existsSync(leftOutFile)
  ? readFileSync(leftOutFile, 'utf8').split('\n').filter(Boolean)
  : [];
rmSync(notes, { recursive: true });
const leftOut = [...missing, ...new Set(skipped)];
if (leftOut.length === 0) {
  console.log('Nothing was left out.');
} else {
  console.log(
    `Left out, because it could not be obtained:\n${leftOut.map((what) => `  ${what}`).join('\n')}`,
  );
}
const failsForThat = process.env.CI === 'true' && leftOut.length > 0;
process.exitCode = status === 0 && failsForThat ? 1 : (status ?? 1);
