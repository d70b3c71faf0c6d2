import { duration } from '../config/kinds.ts';
import { exitCodes, type Command } from './command.ts';
import { entriesMax, lookBack, nothingRecorded, skippedSentence } from './history-reader.ts';
import { readOption } from './read-options.ts';
import { csvOf } from './history/csv.ts';

const dayMs = 86_400_000;
const since = duration({ minMs: 1_000, maxMs: 366 * dayMs });
const sinceDefault = '24h';

export const history: Command = {
  name: 'history',
  summary: 'Every tick that is recorded, as CSV or JSON',
  help: `Writes what the daemon recorded in Redis of each pool, oldest first: a line of CSV for each tick (RFC 4180), or with
--json the ticks as /status.json has them. Of the last hours that is every tick, further back one of every five minutes
and then of every hour, and always those that changed something; a week is there at least. Times are in UTC. A text
that a spreadsheet would take for a formula begins with an apostrophe. For example:
  backlog-autoscaler history --csv --since 7d > history.csv
  backlog-autoscaler history --json --pool mail`,
  options: {
    csv: { type: 'boolean', help: 'Write CSV, which is what it does unless told otherwise' },
    pool: { type: 'string', help: 'Only this pool' },
    since: { type: 'string', help: `How far back, as 30m, 24h or 7d (${sinceDefault})` },
  },
  async execute({ json, csv, pool, since: text = sinceDefault }, surroundings) {
    const { complain, print } = surroundings;
    const nowMs = surroundings.nowMs();
    const problems =
      json === true && csv === true ? ['--csv and --json are two forms: choose one'] : [];
    const askedMs = readOption('since', since, text, problems);
    if (problems.length > 0 || askedMs === null) {
      complain(`history: ${problems.join('; ')}\n`);
      return exitCodes.usage;
    }
    const name = typeof pool === 'string' ? pool : null;
    return lookBack('history', { pool: name }, surroundings, async (lookback) => {
      const range = { sinceMs: nowMs - askedMs, untilMs: nowMs, entriesMax };
      const pools = await Promise.all(
        lookback.pools.map(async (pool) => ({
          pool,
          ...(await lookback.history.read(pool, range, lookback.signal)),
        })),
      );
      if (json === true)
        print(`${JSON.stringify({ pools: pools.map(({ pool, ticks }) => ({ pool, ticks })) })}\n`);
      else print(csvOf(pools.flatMap(({ ticks }) => ticks)));
      if (pools.length === 0) complain(nothingRecorded);
      complain(
        pools.map(({ pool, skipped }) => skippedSentence('history', pool, skipped)).join(''),
      );
      return exitCodes.fine;
    });
  },
};
