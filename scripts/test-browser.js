/** Runs the suite that needs a real browser, `npm run test:browser`, and obtains Chromium for it when it may. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installPackages, obtain, run } from './setup.js';

installPackages();
run('npm', ['run', '--silent', 'build']);
if (obtain('chromium')) {
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', 'test/browser', ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  );
  process.exitCode = status ?? 1;
} else {
  console.log('Left out, because it could not be obtained:\n  chromium: the browser tests');
  process.exitCode = process.env.CI === 'true' ? 1 : 0;
}
