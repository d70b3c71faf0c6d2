/**
 * Plays chaos for as long as you like, `npm run chaos -- --seed 7 --minutes 10`: the same random load, deploys and
 * deaths of the daemon on two apps at once, one with its jobs protected and one without. Prints what became of the jobs
 * side by side, with --json as one document; exits with 1 when a protected job came to harm.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages, obtain, run } from './setup.js';

const rows = {
  jobsAdded: 'Jobs added',
  jobsCompleted: 'completed',
  jobsFailed: 'given up after their worker was gone twice',
  jobsLost: 'lost',
  jobsCompletedTwice: 'completed twice',
  interruptedByScaleDown: 'Interrupted by a scale-down',
  killedByDeploy: 'killed by a deploy',
  handedBackByDeploy: 'handed back at a deploy',
  handedBackCounted: 'as the companions counted',
  interruptedOtherwise: 'interrupted by anything else',
  longestHandBackMs: 'Longest until started again, ms',
  scaleUps: 'Scale-ups',
  scaleDowns: 'Scale-downs',
  dynosRemoved: 'Dynos removed',
  dynosRestarted: 'restarted by deploys',
  deploys: 'Deploys',
  daemonKills: 'Daemon killed',
  daemonKillsWhileDraining: 'while it drained',
  daemonBugs: 'ended by a bug',
};

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    minutes: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
for (const option of ['seed', 'minutes']) {
  if (Number(values[option]) > 0) continue;
  console.error(`--${option} "${values[option]}" is not a number above 0`);
  process.exit(64);
}

installPackages();
run('npm', ['run', '--silent', 'build']);
if (!obtain('redis-server')) {
  console.error('It needs a real Redis: install it so that `redis-server` is on the PATH.');
  process.exit(1);
}
console.error(
  `Chaos with seed ${values.seed} for ${values.minutes} min, and a while for the rest…`,
);

const directory = mkdtempSync(join(tmpdir(), 'autoscaler-chaos-'));
const summaryFile = join(directory, 'summary.json');
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/chaos.test.ts'], {
  // What the test says of itself goes to stderr.
  stdio: ['ignore', 2, 2],
  env: {
    ...process.env,
    CHAOS_SEED: values.seed,
    CHAOS_MINUTES: values.minutes,
    CHAOS_SUMMARY: summaryFile,
  },
});
const summary = existsSync(summaryFile) ? readFileSync(summaryFile, 'utf8') : null;
rmSync(directory, { recursive: true });
if (summary !== null) console.log(values.json ? summary : table(JSON.parse(summary)));
process.exitCode = status ?? 1;

function table({ seed, protected: half, unprotected: other }) {
  const line = (name, one, two) =>
    `${name.padEnd(44)} ${one.padStart(10)} ${two.padStart(12)}`.trimEnd();
  const shown = (value) => (value === null ? '–' : String(value));
  return [
    line(`Seed ${seed}`, 'protected', 'unprotected'),
    ...Object.entries(rows).map(([key, name]) => {
      const isPart = name.charAt(0) === name.charAt(0).toLowerCase();
      return line(isPart ? `  ${name}` : name, shown(half[key]), shown(other[key]));
    }),
  ].join('\n');
}
