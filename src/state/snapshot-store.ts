import { z } from 'zod';
import type { RedisConnection } from '../redis.ts';
import { momentMs } from './moment.ts';
import { reportSchema } from './report-schema.ts';
import { executeAll } from './stored.ts';

const metricName = z.string().regex(/^[a-z_]+$/);

const snapshot = z.object({
  version: z.literal(1),
  pool: z.string(),
  publishedAtMs: momentMs,
  intervalMs: z.number().positive(),
  /** Null before the first good tick. */
  lastGoodTickAtMs: momentMs.nullable(),
  report: reportSchema,
  metrics: z
    .array(
      z.object({
        name: metricName,
        values: z
          .array(
            z.object({
              metricName: metricName.optional(),
              labels: z.record(metricName, z.union([z.string(), z.number()])).readonly(),
              value: z.number(),
            }),
          )
          .readonly(),
      }),
    )
    .readonly(),
});

/** All that another process needs to serve the HTTP paths for a pool. */
export type Snapshot = Readonly<z.infer<typeof snapshot>>;

export type SnapshotStore = {
  /**
   * Replaces what was published of this pool. A daemon that stands by has nothing to publish: it would hide what the
   * one that acts says. Where none acts, what was published grows old, and `web` says that the pool is not healthy.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  publish(snapshot: Snapshot, signal: AbortSignal): Promise<void>;
  /**
   * What was published within a day or four intervals, newest first; entries that cannot be understood are skipped, with the reason.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  readAll(signal: AbortSignal): Promise<{
    readonly snapshots: readonly Snapshot[];
    readonly skipped: readonly { readonly pool: string; readonly why: string }[];
  }>;
};

const dayMs = 24 * 60 * 60_000;
/** A snapshot outlives the three intervals after which its pool counts as unhealthy, or nobody would see that it is. */
const expiryMsOf = ({ intervalMs }: Snapshot) => Math.ceil(Math.max(dayMs, 4 * intervalMs));
const indexExpiryMs = 4 * dayMs;
/**
 * A sorted set of the pools' names by the time of their snapshot, so that nobody has to search all keys for them. The
 * braces keep it and the snapshots together on one node of a Redis Cluster.
 */
const index = 'backlog-autoscaler:{snapshots}';
const keyOf = (pool: string) => `backlog-autoscaler:{snapshots}:${pool}`;

/** One key for each pool, apart from all queues. Pools that are no longer published are forgotten after a day. */
export function createSnapshotStore(redis: RedisConnection): SnapshotStore {
  return {
    async publish(snapshot, signal) {
      const { pool, publishedAtMs } = snapshot;
      await redis.run('STATE_UNAVAILABLE', signal, async (client) => {
        await executeAll(
          client
            .multi()
            .set(keyOf(pool), JSON.stringify(snapshot), 'PX', expiryMsOf(snapshot))
            .zadd(index, publishedAtMs, pool)
            .zremrangebyscore(index, '-inf', publishedAtMs - indexExpiryMs)
            .pexpire(index, indexExpiryMs),
        );
      });
    },
    async readAll(signal) {
      const entries = await redis.run('STATE_UNAVAILABLE', signal, async (client) => {
        const pools = await client.zrevrange(index, 0, -1);
        const texts = pools.length === 0 ? [] : await client.mget(pools.map(keyOf));
        return pools.map((pool, position) => ({ pool, text: texts[position] ?? null }));
      });
      const published = entries.flatMap(({ pool, text }) =>
        text === null ? [] : [{ pool, ...parse(text) }],
      );
      return {
        snapshots: published.flatMap((entry) => ('snapshot' in entry ? [entry.snapshot] : [])),
        skipped: published.flatMap((entry) =>
          'why' in entry ? [{ pool: entry.pool, why: entry.why }] : [],
        ),
      };
    },
  };
}

function parse(text: string): { readonly snapshot: Snapshot } | { readonly why: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: 'it is not JSON' };
  }
  const parsed = snapshot.safeParse(value);
  if (parsed.success) return { snapshot: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue?.path[0] === 'version')
    return { why: 'another version of the autoscaler published it' };
  return { why: `${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? 'not understood'}` };
}
