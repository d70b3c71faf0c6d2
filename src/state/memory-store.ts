import { z } from 'zod';
import { emptyMemory } from '../decision/decide.ts';
import type { Memory } from '../decision/types.ts';
import type { RedisConnection } from '../redis.ts';
import { learnedSchema } from './learned-schema.ts';
import type { Lease } from './lease.ts';
import { momentMs } from './moment.ts';
import { storedValue } from './stored.ts';

/** Keeps what a pool's decisions must remember, so that a restart or a single `once` continues where the last one left off. */
export type MemoryStore = {
  /**
   * What cannot be used of it is left out: then the workers found running count as recommended and as wanted, which
   * is the cautious start.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  load(signal: AbortSignal): Promise<Memory>;
  /**
   * @throws {LeaseLost} when another daemon may act for the pool
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  save(memory: Memory, signal: AbortSignal): Promise<void>;
};

/** Why what was remembered cannot be used, or not all of it. */
export type Oblivion = 'missing' | 'older' | 'newer' | 'damaged';

/** Raised whenever a memory that this version writes would mislead the one before, or lacks what it needs. */
const version = 7;
const count = z.number().int().nonnegative();
const fields = {
  lastSeenAtMs: momentMs.nullable(),
  recommendations: z.array(z.object({ madeAtMs: momentMs, workers: count, isFound: z.boolean() })),
  orphans: z.array(z.object({ job: z.string(), seenAtMs: momentMs })),
  stalls: z.array(
    z.object({
      ...{ job: z.string(), stalls: count, sinceMs: momentMs, stalledAtMs: momentMs },
      ...{ seenAtMs: momentMs, endedJobs: z.number().nullable() },
    }),
  ),
  platformLimit: z.object({ workers: count, learnedAtMs: momentMs }).nullable(),
  drains: z.array(z.object({ dyno: z.string(), sinceMs: momentMs, isAsked: z.boolean() })),
  removal: z.object({ workers: count, madeAtMs: momentMs }).nullable(),
  tailUnknownSinceMs: momentMs.nullable(),
  learned: learnedSchema,
  intent: z
    .object({ workers: count, formerWorkers: count.nullable(), madeAtMs: momentMs })
    .nullable(),
  manual: z.object({ workers: count, setAtMs: momentMs, untilMs: momentMs }).nullable(),
};
const envelope = z.object({ version: z.number(), memory: z.record(z.string(), z.unknown()) });
const stored: z.ZodType<Memory> = z.object(fields);

/** One key for each pool, apart from all queues. `onOblivion` is told once of each way in which memory was lost. */
export function createMemoryStore(parts: {
  readonly redis: RedisConnection;
  readonly lease: Pick<Lease, 'write'>;
  readonly identity: string;
  readonly expiryMs: number;
  readonly onOblivion: (why: Oblivion) => void;
}): MemoryStore {
  const { redis, lease, expiryMs } = parts;
  // The braces keep it on one node of a Redis Cluster with the lease.
  const key = `backlog-autoscaler:memory:{${parts.identity}}`;
  let told: Oblivion | null = null;
  return {
    async load(signal) {
      const text = await redis.run('STATE_UNAVAILABLE', signal, (client) => client.get(key));
      const { memory, oblivion } = parse(text);
      if (oblivion !== null && oblivion !== told) parts.onOblivion(oblivion);
      told = oblivion;
      return memory;
    },
    save: (memory, signal) =>
      lease.write(key, JSON.stringify({ version, memory }), expiryMs, signal),
  };
}

type Parsed = { readonly memory: Memory; readonly oblivion: Oblivion | null };

function parse(text: string | null): Parsed {
  if (text === null) return { memory: emptyMemory, oblivion: 'missing' };
  const found = envelope.safeParse(storedValue(text)).data;
  if (found === undefined) return { memory: emptyMemory, oblivion: 'damaged' };
  if (found.version > version) return { memory: emptyMemory, oblivion: 'newer' };
  const whole = stored.safeParse(found.memory);
  if (whole.success) return { memory: whole.data, oblivion: null };
  if (found.version === version) return { memory: emptyMemory, oblivion: 'damaged' };
  return { memory: salvage(found.memory), oblivion: 'older' };
}

/** What an older version remembered is true still; what it did not know, or wrote otherwise, begins anew. */
function salvage(found: Readonly<Record<string, unknown>>): Memory {
  const known = Object.entries(fields).flatMap(([name, shape]) => {
    const field = shape.safeParse(found[name]);
    return field.success ? [[name, field.data] as const] : [];
  });
  return { ...emptyMemory, ...(Object.fromEntries(known) as Partial<Memory>) };
}
