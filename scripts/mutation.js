/**
 * Changes the code in one small way after the other and asks the tests whether they notice, `npm run mutation -- src/drain`,
 * or a file of it; without words all three folders, which takes hours. Prints every change that nobody noticed, and the
 * share that was; exits with 1 when that is below 85 %. What is known from the last run is not asked again.
 *
 * Tables and other code that runs once, when a module is loaded, are left alone: each such change would need all tests.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installPackages, obtain, run } from './setup.js';

/** The tests that are about a folder. What decides about processes and servers is judged with real ones. */
const judges = {
  'src/decision': [
    ...unit('decide', 'stabilize', 'manual', 'look-again', 'budgets', 'overrides', 'schedule'),
    ...unit('zone', 'stuck-jobs', 'find-stuck', 'stalls', 'learned/*'),
  ],
  'src/drain': [
    ...unit('drain-plan', 'loop-drain', 'loop-lease', 'workers-source'),
    ...integration('drain-board'),
  ],
  'src/state': [
    ...unit('history-entry'),
    ...integration('lease', 'memory-store', 'snapshot', 'cost-store', 'override-store'),
    ...integration('history-store', 'worker-shares', 'stores-failing'),
  ],
};

const wanted = process.argv.slice(2);
const targets = wanted.length > 0 ? wanted : Object.keys(judges);
for (const target of targets) {
  if (folderOf(target) !== undefined) continue;
  console.error(`"${target}" is not in ${Object.keys(judges).join(', ')}`);
  process.exit(64);
}

installPackages();
run('npm', ['ci', '--loglevel=error'], { cwd: join('scripts', 'mutation') });
if (!obtain('redis-server')) {
  console.error('It needs a real Redis: install it so that `redis-server` is on the PATH.');
  process.exit(1);
}
for (const target of targets) {
  const folder = folderOf(target);
  const stryker = join(
    'scripts',
    'mutation',
    'node_modules',
    '@stryker-mutator',
    'core',
    'bin',
    'stryker.js',
  );
  const known = join('node_modules', '.cache', 'mutation', `${folder.replace('/', '-')}.json`);
  const { status } = spawnSync(
    process.execPath,
    [
      ...[stryker, 'run', join('scripts', 'mutation', 'stryker.config.json')],
      ...['--mutate', target.endsWith('.ts') ? target : `${target}/**/*.ts`],
      ...['--incrementalFile', known],
    ],
    { stdio: 'inherit', env: { ...process.env, MUTATION_TESTS: judges[folder].join(',') } },
  );
  if (status !== 0) process.exitCode = 1;
}

function folderOf(target) {
  return Object.keys(judges).find((folder) => `${target}/`.startsWith(`${folder}/`));
}

function unit(...names) {
  return names.map((name) => `test/unit/${name}.test.ts`);
}

function integration(...names) {
  return names.map((name) => `test/integration/${name}.test.ts`);
}
