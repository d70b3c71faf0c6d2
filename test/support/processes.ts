import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export type RunningProcess = {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
};

/** All processes that this one started, and those that these started. */
export function descendantsOf(pid: number): readonly RunningProcess[] {
  const all = runningProcesses();
  const childrenOf = (parent: number): RunningProcess[] =>
    all
      .filter((each) => each.parent === parent)
      .flatMap((child) => [child, ...childrenOf(child.pid)]);
  return childrenOf(pid);
}

/** Those of the processes that run still, rather than another with the same number. */
export function stillRunning(processes: readonly RunningProcess[]): readonly RunningProcess[] {
  const commands = new Map(runningProcesses().map(({ pid, command }) => [pid, command]));
  return processes.filter(({ pid, command }) => commands.get(pid) === command);
}

function runningProcesses(): readonly RunningProcess[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, command = '']) => ({
      pid: Number(pid),
      parent: Number(parent),
      command,
    }));
}

/** The addresses, as the kernel writes them, on which these processes listen; Linux only. */
export function listeningAddresses(pids: readonly number[]): readonly string[] {
  const sockets = new Set(pids.flatMap(socketsOf));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/))
      .filter(
        ([, , , state, , , , , , inode]) =>
          state === listening && sockets.has(`socket:[${inode ?? ''}]`),
      )
      .map(([, local = '']) => local.slice(0, local.indexOf(':'))),
  );
}

const listening = '0A';
/** 127.0.0.1 as `/proc/net/tcp` has it. */
export const loopback = '0100007F';

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${String(pid)}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${String(pid)}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    // The process, or the file, was closed while we looked.
    return [];
  }
}
