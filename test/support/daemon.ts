import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export type Finished = {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export type RunningDaemon = {
  readonly pid: number;
  readonly log: readonly LogLine[];
  /** Waits for a line of the log, also one written before. */
  until(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Waits until stderr says so. */
  said(words: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly finished: Promise<Finished>;
};

type Environment = Readonly<Record<string, string>>;

/** Runs a command of the built program to its end. */
export async function runCommand(
  words: readonly string[],
  environment: Environment,
): Promise<Finished> {
  return start(words, environment).finished;
}

/** Starts the built program's `run`, or another command that writes a log and stays up. */
export function startDaemon(
  environment: Environment,
  words: readonly string[] = ['run'],
): RunningDaemon {
  return start(words, environment);
}

function start(words: readonly string[], environment: Environment): RunningDaemon {
  // Nothing of the developer's own environment reaches the program but the way to Node.
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  const child = spawn(process.execPath, ['dist/main.js', ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    stdout += `${line}\n`;
    if (line.startsWith('{"level"')) log.push(JSON.parse(line) as LogLine);
  });
  const finished = Promise.all([once(child, 'close'), once(lines, 'close')]).then(() => ({
    exitCode: child.exitCode,
    stdout,
    stderr,
  }));
  return {
    pid: child.pid ?? 0,
    log,
    async until(matches) {
      for (;;) {
        const found = log.find(matches);
        if (found) return found;
        if (child.exitCode !== null) throw new Error(`the daemon ended: ${stdout}${stderr}`);
        await sleep(20);
      }
    },
    async said(words) {
      while (!words.test(stderr)) {
        if (child.exitCode !== null) throw new Error(`it ended: ${stdout}${stderr}`);
        await sleep(10);
      }
    },
    kill: (signal) => child.kill(signal),
    finished,
  };
}
