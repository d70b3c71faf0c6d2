import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './pool.ts';

/** What `worker-process.js` does. */
export type Scenario = {
  readonly library: string;
  readonly workers: readonly {
    readonly queue: string;
    readonly concurrency: number;
    readonly useWorkerThreads?: boolean;
    /** For how long an idle worker looks for jobs only when it is woken. */
    readonly drainDelay?: number;
  }[];
  /** Where the companion connects, if not where the workers do. */
  readonly redisUrl?: string;
  readonly graceSeconds?: number;
  /** Path of a sandboxed processor to use. */
  readonly sandbox?: string;
  /** Whether the application listens to SIGTERM itself, and whether it then lets the process live on. */
  readonly listens?: boolean;
  readonly stays?: boolean;
};

export type WorkerEvent = {
  readonly pid: number;
  readonly event: 'started' | 'aborted' | 'finished' | 'error' | 'heard' | 'closed';
  readonly job?: string;
  readonly attemptsMade?: number;
  readonly message?: string;
};

export type WorkerProcess = {
  readonly pid: number;
  readonly events: readonly WorkerEvent[];
  /** The names of the jobs to which this happened, in its order. */
  jobs(event: WorkerEvent['event']): readonly string[];
  /** Waits until this has happened so many times. */
  until(event: WorkerEvent['event'], times?: number): Promise<void>;
  terminate(): void;
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
};

/** Starts a worker process of its own, as a dyno would run it. */
export function startWorkerProcess(url: string, dyno: string, scenario: Scenario): WorkerProcess {
  const script = fileURLToPath(new URL('worker-process.js', import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: {
      PATH: process.env['PATH'] ?? '',
      REDIS_URL: url,
      DYNO: dyno,
      SCENARIO: JSON.stringify(scenario),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: WorkerEvent[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line) as WorkerEvent);
  });
  const exited = once(child, 'close').then(() => child.exitCode);
  const of = (event: WorkerEvent['event']) => events.filter((each) => each.event === event);
  return {
    pid: child.pid ?? 0,
    events,
    jobs: (event) => of(event).map(({ job = '' }) => job),
    until: (event, times = 1) => until(() => of(event).length >= times),
    terminate: () => child.kill('SIGTERM'),
    exited,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
