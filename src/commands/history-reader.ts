import { loadStateConfig } from '../config/load.ts';
import { counted } from '../decision/words.ts';
import { withDeadline } from '../deadline.ts';
import { connectRedis } from '../redis.ts';
import { createHistoryStore, type HistoryStore } from '../state/history-store.ts';
import { exitCodes, type ExitCode, type Surroundings } from './command.ts';
import { near } from './read-options.ts';

/** A person waits. */
const readMsMax = 20_000;

/** All that is kept of a pool, which is bounded. */
export const entriesMax = 20_000;

/** What a command that looks back works with. */
export type Lookback = {
  readonly history: HistoryStore;
  /** In the order of their names; the one that was asked for, or all. */
  readonly pools: readonly string[];
  readonly signal: AbortSignal;
};

/**
 * Reads the history from Redis, without a daemon, and says what is wrong with the pool that was asked for.
 * @throws {ConfigError} without a Redis
 * @throws {OperationalError} `STATE_UNAVAILABLE`
 */
export async function lookBack(
  command: string,
  { pool }: { readonly pool: string | null },
  { environment, complain, shutdown }: Pick<Surroundings, 'environment' | 'complain' | 'shutdown'>,
  tell: (lookback: Lookback) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { stateRedis } = loadStateConfig(environment);
  const redis = connectRedis(stateRedis.url, {
    ...stateRedis,
    name: `backlog-autoscaler-${command}`,
  });
  try {
    return await withDeadline(shutdown, readMsMax, async (signal) => {
      const history = createHistoryStore(redis);
      const known = await history.pools(signal);
      if (pool === null || known.includes(pool))
        return tell({ history, pools: pool === null ? known : [pool], signal });
      const list = known.length === 0 ? 'nothing is recorded of any' : known.join(', ');
      complain(
        `${command}: nothing is recorded of a pool ${JSON.stringify(pool)}${near(pool, known)}\nPools: ${list}\n`,
      );
      return exitCodes.usage;
    });
  } finally {
    redis.close();
  }
}

/** For a command that finds nothing at all to tell. */
export const nothingRecorded =
  'nothing is recorded yet: a daemon (`run`) or `once` records each tick in this Redis for a week\n';

/** What cannot be told is said, not hidden; nothing when there is nothing to say. */
export function skippedSentence(command: string, pool: string, skipped: number): string {
  if (skipped === 0) return '';
  return `${command}: of ${pool}, ${counted(skipped, 'recorded tick')} cannot be read: damaged, or of another version\n`;
}
