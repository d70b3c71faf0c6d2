import {
  companionsKey,
  handedBackScript,
  heartbeatGoneMs,
  heartbeatScript,
  marksKey,
  workersKey,
  type Heartbeat,
  type SpokenHeartbeat,
  type WorkerState,
} from '../drain/protocol.ts';
import type { BullmqWorker, WorkerClient } from './bullmq-worker.ts';
import type { Identity } from './identity.ts';
import type { ServerAddress } from './server-address.ts';

/** The one connection that a process has to its pool. Everything on it fails fast, and fails by rejecting. */
export type PoolConnection = {
  /** Resolves when commands can be sent for the first time. */
  readonly ready: Promise<void>;
  /** Says how the process is, and resolves to whether its dyno is asked to drain. */
  beat(state: WorkerState, load: Load): Promise<boolean>;
  /** Wakes a worker of the queue if jobs wait there. */
  wake(worker: BullmqWorker): Promise<void>;
  /** Adds one to the jobs that the pool's companions handed back. */
  countHandedBack(): Promise<void>;
  /** Takes back what was said, as far as Redis can be reached, and disconnects. */
  leave(): Promise<void>;
};

/** Who speaks; the id tells apart the processes of a dyno, and two dynos that share a name for a while. */
export type PoolMember = Identity & { readonly processId: string };

export type Load = Pick<Heartbeat, 'activeJobs' | 'concurrency' | 'queues'>;

/** The part of ioredis that is used; BullMQ's adapters of other clients have it too. */
type Client = {
  once(event: 'ready', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  defineCommand(name: string, definition: { numberOfKeys: number; lua: string }): unknown;
  hdel(key: string, field: string): Promise<unknown>;
  disconnect(): void;
  backlogAutoscalerBeat(...keysAndArguments: string[]): Promise<unknown>;
  backlogAutoscalerHandedBack(key: string): Promise<unknown>;
  backlogAutoscalerWake(...keys: string[]): Promise<unknown>;
};

/**
 * A worker that stops waiting for jobs may take a wake-up with it that was meant for all workers of the queue: the job
 * then waits until the next look, up to 10 s later. KEYS: wait, prioritized, meta, marker.
 */
const wakeScript = `
if redis.call('HEXISTS', KEYS[3], 'paused') == 0 and redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then
  redis.call('ZADD', KEYS[4], 0, '0')
end
`;

/**
 * Opens the connection with the settings of a worker's, so that TLS, passwords and the rest need not be said twice.
 * @param address of the server, if it need not be the worker's
 */
export function connectToPool(
  model: WorkerClient,
  { processId, pool, dyno }: PoolMember,
  address: ServerAddress | undefined,
): PoolConnection {
  const client = model.duplicate({
    ...(address && connectionOptions(address, model)),
    ...failFast,
    connectionName: `backlog-autoscaler:worker:${dyno}`,
  }) as Client;
  // Why a connection fails is told to this listener alone; without one it would be printed, or end the process.
  let lastError: Error | undefined;
  client.on('error', (error) => (lastError = error));
  client.defineCommand('backlogAutoscalerBeat', { numberOfKeys: 3, lua: heartbeatScript });
  client.defineCommand('backlogAutoscalerHandedBack', { numberOfKeys: 1, lua: handedBackScript });
  client.defineCommand('backlogAutoscalerWake', { numberOfKeys: 4, lua: wakeScript });
  return {
    ready: new Promise((resolve) => void client.once('ready', resolve)),
    async beat(state, load) {
      const heartbeat: SpokenHeartbeat = { dyno, state, ...load };
      const reply = await client
        .backlogAutoscalerBeat(
          workersKey(pool),
          marksKey(pool),
          companionsKey(pool),
          processId,
          JSON.stringify(heartbeat),
          dyno,
          String(heartbeatGoneMs),
          String(Math.round(process.uptime() * 1000)),
        )
        .catch((error: unknown) => {
          throw lastError ?? error;
        });
      lastError = undefined;
      const [nowMs, markedUntilMs] = (reply as string[]).map(Number);
      return (markedUntilMs ?? 0) > (nowMs ?? 0);
    },
    async wake(worker) {
      const keys = ['wait', 'prioritized', 'meta', 'marker'].map((type) => worker.toKey(type));
      await client.backlogAutoscalerWake(...keys);
    },
    async countHandedBack() {
      await client.backlogAutoscalerHandedBack(companionsKey(pool));
    },
    async leave() {
      // What cannot be taken back now is forgotten by the others when it is old.
      await client.hdel(workersKey(pool), processId).catch(() => undefined);
      client.disconnect();
    },
  };
}

/**
 * A command that cannot be sent now is refused now, and none is sent a second time: a heartbeat that arrives late would
 * say of a worker that has long been running again that it is drained.
 */
const failFast = {
  lazyConnect: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 2_000,
  // A server that went away without a word is noticed by its silence, and connected to anew.
  socketTimeout: 5_000,
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 500),
};

function connectionOptions(address: ServerAddress, model: WorkerClient): Record<string, unknown> {
  const { isTls, ...server } = address;
  // What workers learn from sentinels or from the nodes of a cluster, a single address does not tell.
  if (model.isCluster === true || Array.isArray(model.options['sentinels'])) return {};
  const tls = isTls ? (model.options['tls'] ?? {}) : undefined;
  return { ...server, tls, path: undefined };
}
