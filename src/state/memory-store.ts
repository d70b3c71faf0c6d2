import { z } from 'zod';
import { emptyMemory } from '../decision/decide.ts';
import type { Memory } from '../decision/types.ts';
import type { RedisConnection } from '../redis.ts';
import { learnedSchema } from './learned-schema.ts';

/** Keeps what a pool's decisions must remember, so that a restart or a single `once` continues where the last one left off. */
export type MemoryStore = {
  /**
   * An empty memory when there is none, or none that this version understands: then the workers found running count
   * as recommended, which is the cautious start.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  load(signal: AbortSignal): Promise<Memory>;
  /** @throws {OperationalError} `STATE_UNAVAILABLE` */
  save(memory: Memory, signal: AbortSignal): Promise<void>;
};

const count = z.number().int().nonnegative();
const stored = z.object({
  version: z.literal(5),
  memory: z.object({
    lastSeenAtMs: z.number().nullable(),
    recommendations: z.array(
      z.object({ madeAtMs: z.number(), workers: count, isFound: z.boolean() }),
    ),
    orphans: z.array(z.object({ job: z.string(), seenAtMs: z.number() })),
    platformLimit: z.object({ workers: count, learnedAtMs: z.number() }).nullable(),
    drains: z.array(z.object({ dyno: z.string(), sinceMs: z.number(), isAsked: z.boolean() })),
    removal: z.object({ workers: count, madeAtMs: z.number() }).nullable(),
    tailUnknownSinceMs: z.number().nullable(),
    learned: learnedSchema,
  }),
});

/** One key for each pool, apart from all queues. */
export function createMemoryStore(
  redis: RedisConnection,
  identity: string,
  expiryMs: number,
): MemoryStore {
  const key = `backlog-autoscaler:memory:${identity}`;
  return {
    async load(signal) {
      const text = await redis.run('STATE_UNAVAILABLE', signal, (client) => client.get(key));
      return text === null ? emptyMemory : parse(text);
    },
    async save(memory, signal) {
      const text = JSON.stringify({ version: 5, memory });
      await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        client.set(key, text, 'PX', expiryMs),
      );
    },
  };
}

function parse(text: string): Memory {
  try {
    return stored.parse(JSON.parse(text)).memory;
  } catch {
    return emptyMemory;
  }
}
