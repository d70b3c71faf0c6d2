import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

test('a process that stands still because nobody takes what it prints is killed, although that cannot be told either', async () => {
  const module = pathToFileURL('dist/watchdog.js').href;
  const script = `
    import { startWatchdog } from '${module}';
    import { destination } from 'pino';
    startWatchdog(2);
    const log = destination({ fd: 1, sync: true });
    setTimeout(() => { for (;;) log.write('as much as fits, and then more\\n'.repeat(1_000)); }, 500);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect({ exitCode, signal }).toEqual({ exitCode: null, signal: 'SIGKILL' });
}, 60_000);
