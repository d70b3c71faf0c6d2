/** A BullMQ `Worker` as its blocking connection shows it in CLIENT LIST. One that is closing is no longer seen. */
export type BullmqWorker = {
  readonly prefix: string;
  readonly queue: string;
  /** From its `WorkerOptions`; null when it has none. */
  readonly name: string | null;
};

/** A `Worker` opens two connections, whatever its concurrency: one waits for jobs, the other does everything else. */
export const connectionsPerWorkerObject = 2;

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
