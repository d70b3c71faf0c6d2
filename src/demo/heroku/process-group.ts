import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';

/** A command and every process it starts, which get each signal together as the processes of one dyno do. */
export type ProcessGroup = {
  readonly pid: number | null;
  /** Settles when the command itself has ended; others of the group may live on. */
  readonly commandEnded: Promise<void>;
  /** Settles with the command's exit status when all the group has ended. */
  readonly ended: Promise<number>;
  signal(name: NodeJS.Signals): void;
  /** Ends the whole group at once. */
  kill(): void;
};

export function startProcessGroup(options: {
  readonly command: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}): ProcessGroup {
  const child = spawn('sh', ['-c', withoutShell(options.command)], {
    cwd: options.directory,
    env: options.env,
    // Makes the shell the leader of a new process group, whose id is its pid.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', options.onLine);
  // The shell itself could not be started, for want of memory or of the directory: a crash like any other.
  child.on('error', (error) => {
    options.onLine(error.message);
  });

  let isOver = false;
  const commandEnded = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('close', () => {
      resolve();
    });
  });
  // The group's processes inherit the pipes, so they close when the last process has ended.
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => {
      isOver = true;
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });

  function signal(name: NodeJS.Signals): void {
    // Once the group is gone, its number may be another's.
    if (isOver || child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // It has ended in this very moment.
    }
  }

  return {
    pid: child.pid ?? null,
    commandEnded,
    ended,
    signal,
    kill() {
      signal('SIGKILL');
      // A process that has left the group may hold the pipes open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}

/** A simple command takes the place of its shell, so that its pid and its exit status are those of the group's leader. */
function withoutShell(command: string): string {
  const isSimple = /^(?!exec\s)[\w./-]+(\s[^;&|<>()`\n]*)?$/.test(command);
  return isSimple ? `exec ${command}` : command;
}
