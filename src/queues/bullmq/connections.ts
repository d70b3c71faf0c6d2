import {
  bullmqWorkersIn,
  connectionsPerWorkerObject,
  type BullmqWorker,
} from './connected-workers.ts';

/** A connection as CLIENT LIST shows it. */
export type Client = {
  /** Where it comes from, without the port. */
  readonly address: string;
  /** The `Worker` that waits for jobs on it; null for any other connection. */
  readonly worker: BullmqWorker | null;
  /** Whether it belongs to this program’s daemon, which runs beside whatever else is at that address. */
  readonly isDaemons: boolean;
};

/** How the connections of a server are used. */
export type Census = {
  readonly connections: number;
  readonly maxConnections: number;
  /** Null where they are not listed. */
  readonly clients: readonly Client[] | null;
};
export type UnknownUse = { readonly whyUnknown: string };

/** Reads it from the replies of INFO and of CLIENT LIST, which may be missing. */
export function censusOf(info: string, clientList: string | null): Census | UnknownUse {
  const connections = numberIn(info, 'connected_clients');
  const maxConnections = numberIn(info, 'maxclients');
  if (connections === null || maxConnections === null)
    return {
      whyUnknown: 'Redis does not say how many connections it allows (from version 7 on it does)',
    };
  const clients = clientList === null ? null : clientsIn(clientList);
  return { connections, maxConnections, clients };
}

function numberIn(info: string, field: string): number | null {
  const digits = new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1];
  return digits === undefined ? null : Number(digits);
}

export function clientsIn(clientList: string): readonly Client[] {
  return clientList
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const name = /(?:^| )name=(\S*)/.exec(line)?.[1] ?? '';
      return {
        address: /(?:^| )addr=(\S*):\d+/.exec(line)?.[1] ?? '',
        worker: bullmqWorkersIn(line)[0] ?? null,
        isDaemons: /^backlog-autoscaler(-\w+)?$/.test(name),
      };
    });
}

/**
 * Connections of the workers that are connected, and how many workers these are. All that comes from the address of a
 * worker is its own, unless somebody else is at that address too: a daemon, or workers of another pool (a proxy, or
 * everything on one machine). Then two connections are counted for each of its `Worker` objects.
 */
export function connectionsOfWorkers(
  clients: readonly Client[],
  isOwn: (worker: BullmqWorker) => boolean,
): { readonly connections: number; readonly workers: number } {
  const byAddress = new Map<string, Client[]>();
  for (const client of clients) {
    const those = byAddress.get(client.address);
    if (those === undefined) byAddress.set(client.address, [client]);
    else those.push(client);
  }
  let connections = 0;
  let workers = 0;
  for (const those of byAddress.values()) {
    const own = those.flatMap(({ worker }) => (worker !== null && isOwn(worker) ? [worker] : []));
    if (own.length === 0) continue;
    const isShared = those.some(
      ({ worker, isDaemons }) => isDaemons || (worker !== null && !isOwn(worker)),
    );
    connections += isShared ? connectionsPerWorkerObject * own.length : those.length;
    workers += workersAmong(own);
  }
  return { connections, workers };
}

/** A name tells workers apart; those without one are taken to have one `Worker` for each queue. */
function workersAmong(objects: readonly BullmqWorker[]): number {
  const names = new Set<string>();
  const unnamed = new Map<string, number>();
  for (const { name, queue } of objects)
    if (name === null) unnamed.set(queue, (unnamed.get(queue) ?? 0) + 1);
    else names.add(name);
  return names.size + Math.max(0, ...unnamed.values());
}

/** Connections that a worker needs before one was seen: if it serves these queues with one `Worker` each. */
export function connectionsFor(queues: readonly string[]): number | null {
  return queues.includes('*') ? null : connectionsPerWorkerObject * queues.length;
}
