import { z } from 'zod';
import type { RedisConnection } from '../redis.ts';
import {
  companionsKey,
  handedBackField,
  heartbeatGoneMs,
  markMs,
  marksKey,
  workersKey,
  workerStates,
} from './protocol.ts';
import type { WorkerProcess } from './verdict.ts';

/** The worker processes of a pool. */
export type PoolProcesses = {
  readonly processes: readonly WorkerProcess[];
  /** Whether the pool has companions, though perhaps none can be heard: right after a deploy all are new. */
  readonly isJoined: boolean;
  /** Jobs that companions handed back since the pool first had one; null when it has had none for a day. */
  readonly handedBackJobs: number | null;
};

/** Where the daemon and the companions in the workers leave messages for one another. */
export type DrainBoard = {
  /**
   * The worker processes that were heard of lately.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  read(signal: AbortSignal): Promise<PoolProcesses>;
  /**
   * Asks some dynos to drain, for 30 s unless it is said again, and lets others go on.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  mark(marked: readonly string[], lifted: readonly string[], signal: AbortSignal): Promise<void>;
};

/** A later version may say other things: whoever says which dyno it is, and when, is there, and nobody calls it idle. */
const heartbeat = z.object({
  dyno: z.string(),
  state: z.enum(workerStates).catch('working'),
  activeJobs: z.number().int().nonnegative().nullable().catch(null),
  concurrency: z.number().int().nonnegative().catch(0),
  queues: z.number().int().positive().nullable().catch(null),
  startedAtMs: z.number().catch(0),
  atMs: z.number(),
});

const handedBackCount = z.coerce.number().int().nonnegative().nullable().catch(null);

/**
 * KEYS: marks. ARGV: how many dynos are marked, those, and then those that are lifted.
 * The server's clock decides how long a mark holds, so that the clocks of dynos do not matter.
 */
const markScript = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local mark = string.format('%.0f %.0f', nowMs, nowMs + ${String(markMs)})
local count = tonumber(ARGV[1])
for index = 2, #ARGV do
  if index <= count + 1 then redis.call('HSET', KEYS[1], ARGV[index], mark)
  else redis.call('HDEL', KEYS[1], ARGV[index]) end
end
redis.call('PEXPIRE', KEYS[1], ${String(2 * markMs)})
return 1
`;

export function createDrainBoard(redis: RedisConnection, pool: string): DrainBoard {
  return {
    async read(signal) {
      const [[seconds, microseconds], fields, handedBack] = await redis.run(
        'STATE_UNAVAILABLE',
        signal,
        (client) =>
          Promise.all([
            client.time(),
            client.hgetall(workersKey(pool)),
            client.hget(companionsKey(pool), handedBackField),
          ]),
      );
      const nowMs = Number(seconds) * 1000 + Number(microseconds) / 1000;
      const entries = Object.entries(fields).map(([id, text]) => ({
        id,
        process: parse(text, nowMs),
      }));
      const gone = entries.filter(
        ({ process }) => process === null || process.ageMs >= heartbeatGoneMs,
      );
      // A process that was killed could not take its leave.
      if (gone.length > 0) {
        const ids = gone.map(({ id }) => id);
        await redis.run('STATE_UNAVAILABLE', signal, (client) =>
          client.hdel(workersKey(pool), ...ids),
        );
      }
      const processes = entries.flatMap(({ process }) =>
        process !== null && process.ageMs < heartbeatGoneMs ? [process] : [],
      );
      return {
        processes,
        isJoined: handedBack !== null || processes.length > 0,
        handedBackJobs: handedBackCount.parse(handedBack),
      };
    },
    async mark(marked, lifted, signal) {
      if (marked.length === 0 && lifted.length === 0) return;
      const words = [String(marked.length), ...marked, ...lifted];
      await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        client.eval(markScript, 1, marksKey(pool), ...words),
      );
    },
  };
}

/** Null for what does not even name a dyno: it tells nothing of any. */
function parse(text: string, nowMs: number): WorkerProcess | null {
  try {
    const process = heartbeat.parse(JSON.parse(text));
    // One from the future was said before the server's clock was set back, and grows younger instead of older.
    return { ...process, ageMs: Math.abs(nowMs - process.atMs) };
  } catch {
    return null;
  }
}
