import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const calm = 'A few jobs go on being queued';
const secondsMax = 150;

/** Starts the demo as `npm run demo -- --keep` does, and answers when it has said where it is. */
export async function startDemo() {
  const child = spawn(process.execPath, ['dist/main.js', 'demo', '--keep']);
  const exited = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (output += String(text)));

  const untilSaid = async (words) => {
    for (let tenths = 0; !output.includes(words); tenths += 1) {
      if (child.exitCode !== null || tenths > secondsMax * 10)
        throw new Error(`the demo never said “${words}”:\n${output}`);
      await sleep(100);
    }
  };
  await untilSaid('/healthz');
  const variables = Object.fromEntries(
    [...output.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  return {
    url: `http://127.0.0.1:${variables.PORT}`,
    port: variables.PORT,
    printed: () => output.trimEnd(),
    /** When the bursts are over, and their summary is printed. */
    untilCalm: () => untilSaid(calm),
    /** What a command says to somebody who has exported the variables. */
    type: (line) => type(line, { PATH: process.env.PATH, TZ: 'UTC', ...variables }),
    /** As Ctrl-C; answers the exit code. */
    async stop() {
      child.kill('SIGINT');
      const [code] = await exited;
      return code;
    },
  };
}

function type(line, env) {
  return new Promise((resolve) => {
    let seen = '';
    const child = execFile(process.execPath, ['dist/main.js', ...line.split(' ')], { env });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (seen += text.replaceAll('\r\n', '\n')));
    child.once('close', (code) => {
      resolve({ said: `$ npx backlog-autoscaler ${line}\n${seen.trimEnd()}`, code });
    });
  });
}
