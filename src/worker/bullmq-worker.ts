/**
 * What is used of BullMQ, described by its shape: no code of it is imported, so that the application's own copy, of
 * whichever major, is the only one.
 */

/** A job that is running; `token` proves to BullMQ that it is this process that runs it. */
export type RunningJob = {
  readonly id?: string | undefined;
  readonly token?: string | undefined;
  readonly priority: number;
  moveToWait(token?: string): Promise<unknown>;
  moveToDelayed(timestamp: number, token?: string): Promise<unknown>;
};

type JobEvent = 'active' | 'completed' | 'failed';

/** A `Worker` of BullMQ 5 (5.64.0 or later) or 6, on Redis. */
export type BullmqWorker = {
  readonly name: string;
  readonly concurrency: number;
  readonly closing: Promise<void> | undefined;
  toKey(type: string): string;
  on(event: JobEvent, listener: (job: RunningJob | undefined) => void): unknown;
  off(event: JobEvent, listener: (job: RunningJob | undefined) => void): unknown;
  pause(): Promise<void>;
  resume(): unknown;
  isPaused(): boolean;
  isRunning(): boolean;
  close(): Promise<void>;
  cancelAllJobs(reason?: string): void;
  waitUntilReady(): Promise<unknown>;
  /** Only in BullMQ 5. */
  readonly client?: Promise<unknown>;
  /** Only in BullMQ 6. */
  getBackend?(): {
    readonly client?: Promise<unknown>;
    readonly blockingClient?: Promise<unknown> | undefined;
  };
};

/** A Redis client of BullMQ: an ioredis client, or BullMQ's adapter of one or of another. */
export type WorkerClient = {
  readonly status: string;
  readonly isCluster?: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  duplicate(options: Readonly<Record<string, unknown>>): unknown;
};

/**
 * The connections of a worker: the one for commands, and the one on which it waits for jobs. Resolves when the worker
 * has reached Redis for the first time; after that the same objects reconnect by themselves.
 */
export async function connectionsOf(
  worker: BullmqWorker,
): Promise<{ commands: WorkerClient; waiting: WorkerClient }> {
  const backend = worker.getBackend?.();
  const commands = await (backend ?? worker).client;
  // In BullMQ 5 this promise is the public way to the connection on which the worker waits.
  const waiting = await (backend ? backend.blockingClient : worker.waitUntilReady());
  return { commands: commands as WorkerClient, waiting: waiting as WorkerClient };
}

/**
 * Refuses what could not be protected, when the process starts rather than when it ends.
 * @throws {TypeError}
 */
export function assertUsable(worker: BullmqWorker): void {
  // A JavaScript application may pass anything, and the oldest versions lack what the type promises.
  const shape: Partial<BullmqWorker> = worker;
  if (typeof shape.cancelAllJobs !== 'function')
    throw new TypeError('joinPool takes Workers of BullMQ 5.64.0 or later: please update bullmq.');
  if (shape.client === undefined && shape.getBackend?.().client === undefined)
    throw new TypeError(`joinPool needs a Worker on Redis: that of queue ${worker.name} is not.`);
  if (insides(worker).processFn === undefined)
    throw new TypeError(
      `joinPool cannot drain the Worker of queue ${worker.name}: it has no processor, and BullMQ's pause does not stop jobs that are fetched with getNextJob().`,
    );
}

/** The ids of the jobs that a worker runs now; null when this version of BullMQ does not tell. */
export function jobIdsRunBy(worker: BullmqWorker): readonly string[] | null {
  return insides(worker).lockManager?.getTrackedJobIds?.() ?? null;
}

/** Ends the child processes in which sandboxed processors run: they would outlive this process and finish the job. */
export function killSandboxes(worker: BullmqWorker): void {
  const pool = insides(worker).childPool;
  const children = [...Object.values(pool?.retained ?? {}), ...(pool?.getAllFree?.() ?? [])];
  for (const child of children) child.kill('SIGKILL').catch(() => undefined);
}

/** What BullMQ offers no public way to; the same in 5.64.0 and 6.7.0, and treated as if it could be missing. */
type Insides = {
  readonly processFn?: unknown;
  readonly lockManager?: { getTrackedJobIds?(): string[] };
  readonly childPool?: {
    readonly retained?: Record<string, SandboxProcess>;
    getAllFree?(): SandboxProcess[];
  };
};
type SandboxProcess = { kill(signal: 'SIGKILL'): Promise<unknown> };

const insides = (worker: BullmqWorker): Insides => worker as unknown as Insides;
