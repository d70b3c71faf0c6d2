import { OperationalError } from '../../errors.ts';
import type { RedisConnection } from '../../redis.ts';

/** A BullMQ `Worker` as its blocking connection shows it in CLIENT LIST. One that is closing is no longer seen. */
export type BullmqWorker = {
  readonly prefix: string;
  readonly queue: string;
  /** From its `WorkerOptions`; null when it has none. */
  readonly name: string | null;
};

/** A `Worker` opens two connections, whatever its concurrency: one waits for jobs, the other does everything else. */
export const connectionsPerWorkerObject = 2;
/** The list holds every client of the server, so it is not asked for more often, however many pools there are. */
const listAgeMsMax = 10_000;
/** Who may not ask is not asked to by every tick. */
const refusedForMs = 600_000;

/** Lists the workers that are connected to a server; null when it does not say. Never rejects for trouble. */
export function createConnectedWorkers(
  redis: RedisConnection,
  nowMs: () => number,
): (signal: AbortSignal) => Promise<readonly BullmqWorker[] | null> {
  let last:
    | { readonly list: Promise<readonly BullmqWorker[] | null>; readonly untilMs: number }
    | undefined;
  return (signal) => {
    const atMs = nowMs();
    // A clock that was set back must not stop the questions.
    if (last && last.untilMs > atMs && last.untilMs - refusedForMs <= atMs) return last.list;
    const list = askFor(redis, signal).catch((error: unknown) => {
      if (!(error instanceof OperationalError)) throw error;
      const isRefused = /NOPERM|unknown|unsupported/i.test(error.message);
      last = { list: Promise.resolve(null), untilMs: atMs + (isRefused ? refusedForMs : 0) };
      return null;
    });
    last = { list, untilMs: atMs + listAgeMsMax };
    return list;
  };
}

async function askFor(
  redis: RedisConnection,
  signal: AbortSignal,
): Promise<readonly BullmqWorker[]> {
  const ask = redis.run('QUEUE_UNREADABLE', signal, (client) => client.client('LIST'));
  return bullmqWorkersIn(String(await ask));
}

/**
 * Finds BullMQ's workers in the reply of CLIENT LIST. Their blocking connections are named `bull:<queue in base64>`, or
 * `bull:<queue in base64>:w:<name>` if the worker has a name; a prefix other than `bull` may itself hold colons.
 */
export function bullmqWorkersIn(clientList: string): readonly BullmqWorker[] {
  return clientList.split('\n').flatMap((client) => {
    const connection = /(?:^| )name=(\S+)/.exec(client)?.[1] ?? '';
    const [, prefix, queue, name = null] =
      /^(.+?):([A-Za-z0-9+/]+={0,2})(?::w:(.+))?$/.exec(connection) ?? [];
    if (prefix === undefined || queue === undefined) return [];
    return [{ prefix, queue: Buffer.from(queue, 'base64').toString(), name }];
  });
}
