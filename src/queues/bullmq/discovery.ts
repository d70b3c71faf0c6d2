import type { RedisConnection } from '../../redis.ts';
import { primariesOf } from '../../redis-topology.ts';

const rediscoverAfterMs = 30_000;
/** Keys looked at in one call: few round trips, yet each keeps the server for only some milliseconds. */
const keysPerScan = 10_000;

/**
 * The names, sorted, of all queues under a key prefix to which a job was ever added or for which a `Queue` or `Worker`
 * was opened. They are known by their `meta` key or, where BullMQ 3 was fed by flows alone, by their job counter.
 * @throws {OperationalError} `QUEUE_UNREADABLE`
 */
export async function findQueues(
  redis: RedisConnection,
  prefix: string,
  signal: AbortSignal,
): Promise<string[]> {
  const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}:*:[mi][ed]*`;
  const names = new Set<string>();
  const nodes = await redis.run('QUEUE_UNREADABLE', signal, (client) =>
    Promise.resolve(primariesOf(client)),
  );
  for (const node of nodes) {
    let cursor = '0';
    do {
      const [next, keys] = await redis.run('QUEUE_UNREADABLE', signal, () =>
        node.scan(cursor, 'MATCH', pattern, 'COUNT', keysPerScan),
      );
      for (const key of keys) {
        // Names cannot hold a colon: what looks like one belongs to a job, or to a longer prefix.
        const [name, suffix, ...rest] = key.slice(prefix.length + 1).split(':');
        if (name && (suffix === 'meta' || suffix === 'id') && rest.length === 0) names.add(name);
      }
      cursor = next;
    } while (cursor !== '0');
  }
  return [...names].sort();
}

/** `findQueues` that looks anew at most every 30 s, since it goes through all keys of the server. */
export function createQueueFinder(
  redis: RedisConnection,
  prefix: string,
  nowMs: () => number,
): (signal: AbortSignal) => Promise<readonly string[]> {
  let found: { readonly names: readonly string[]; readonly atMs: number } | undefined;
  return async (signal) => {
    const atMs = nowMs();
    // A clock that was set back must not stop the search.
    const isFresh = found && Math.abs(atMs - found.atMs) < rediscoverAfterMs;
    if (!found || !isFresh) found = { names: await findQueues(redis, prefix, signal), atMs };
    return found.names;
  };
}
