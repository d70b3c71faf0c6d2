/**
 * Makes a fresh clone ready, and does nothing when it already is: installs the packages of the lock file. Runs before
 * any package is there, so it uses Node alone.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const installedMark = join(root, 'node_modules', '.installed-lock');

/** Installs what the lock file says, unless exactly that was installed before. */
export function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(installedMark) && readFileSync(installedMark, 'utf8') === lock) return;
  console.error('Installing packages (once)…');
  // The development packages are part of demo and tests, whatever NODE_ENV says.
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    // What is printed may be a document, so what npm says goes to stderr.
    stdio: ['inherit', 2, 2],
  });
  writeFileSync(installedMark, lock);
}

/** Runs a command and ends this process with its exit code when it fails. */
export function run(command, words, options = {}) {
  const { status, error } = spawnSync(command, words, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    ...options,
  });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Whether a program of this name is on the PATH. */
export function isOnPath(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, program)));
}

/** How each package manager installs; the first one that is there and may be used is taken. */
const managers = [
  {
    program: 'apt-get',
    needsRoot: true,
    before: [['update', '-qq']],
    install: ['install', '-y', '-qq', '--no-install-recommends'],
  },
  { program: 'dnf', needsRoot: true, before: [], install: ['install', '-y', '-q'] },
  { program: 'apk', needsRoot: true, before: [], install: ['add', '--quiet'] },
  { program: 'brew', needsRoot: false, before: [], install: ['install', '--quiet'] },
];

/**
 * Makes sure that a program is there, from the system's package manager when the user may install.
 * Returns whether it is there now; never fails.
 */
export function obtain(program, packageName = program) {
  if (isOnPath(program)) return true;
  const isRoot = process.getuid?.() === 0;
  const manager = managers.find(
    ({ program: name, needsRoot }) => isOnPath(name) && (isRoot || !needsRoot),
  );
  if (manager === undefined) return false;
  console.error(`Installing ${packageName} with ${manager.program} (once)…`);
  for (const words of [...manager.before, [...manager.install, packageName]]) {
    spawnSync(manager.program, words, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  return isOnPath(program);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installPackages();
