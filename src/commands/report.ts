import { duration } from '../config/kinds.ts';
import { loadStateConfig } from '../config/load.ts';
import { addUsage, dayOf, keptDays, noUsage } from '../cost/usage.ts';
import { connectRedis } from '../redis.ts';
import { readAccounts } from '../state/cost-store.ts';
import { usageReport } from '../telemetry/cost-report.ts';
import { exitCodes, type Command } from './command.ts';
import { near, readOption } from './read-options.ts';
import { costTable, type PoolCosts } from './report/cost-table.ts';

const dayMs = 86_400_000;
const sinceDefault = '30d';
const since = duration({ minMs: 1_000, maxMs: keptDays * dayMs });
const readMsMax = 10_000;

export const report: Command = {
  name: 'report',
  summary: 'What the workers of each pool have cost, and what they would have cost otherwise',
  help: `Adds up, for each pool, the workers that the daemon found at its ticks, beside what the same time would have cost with
the most workers it was allowed all along and with the bare ratio. Dollars are Heroku's list prices. Days are whole days of UTC, kept for
${String(keptDays)} of them. Needs only REDIS_URL (or STATE_REDIS_URL), and changes nothing. For example:
  backlog-autoscaler report --pool worker --since 7d`,
  options: {
    pool: { type: 'string', help: 'Only the pool of this name' },
    since: { type: 'string', help: `How far back, as in 7d (${sinceDefault} unless you say)` },
  },
  async execute({ json, pool, since: given = sinceDefault }, surroundings) {
    const { environment, nowMs, complain, print, hide } = surroundings;
    const problems: string[] = [];
    const sinceMs = readOption('since', since, given, problems);
    if (sinceMs === null) {
      complain(`report: ${problems.join('; ')}\n`);
      return exitCodes.usage;
    }
    const { stateRedis } = loadStateConfig(environment);
    hide([stateRedis.url]);
    const redis = connectRedis(stateRedis.url, {
      ...stateRedis,
      name: 'backlog-autoscaler-report',
    });
    try {
      const accounts = await readAccounts(redis, AbortSignal.timeout(readMsMax));
      const sinceDay = dayOf(nowMs() - Math.max(0, sinceMs - dayMs));
      const all = accounts.map((account) => poolCosts(account, sinceDay));
      const pools = all.filter((each) => pool === undefined || each.pool === pool);
      const isUnknown = pools.length === 0 && all.length > 0;
      if (json === true) print(`${JSON.stringify({ pools })}\n`);
      else if (!isUnknown) print(costTable(pools));
      if (pools.length > 0 || pool === undefined) return exitCodes.fine;
      const names = all.map((each) => each.pool);
      if (isUnknown)
        complain(
          `report: nothing was counted of a pool "${String(pool)}"${near(String(pool), names)}\nPools: ${names.join(', ')}\n`,
        );
      return exitCodes.failed;
    } finally {
      redis.close();
    }
  },
};

/** An identity is `app:process type:pool`, and says at its end when a dry run counted. */
function poolCosts(
  { identity, days }: Awaited<ReturnType<typeof readAccounts>>[number],
  since: string,
): PoolCosts {
  const [app = '-', processType = '', pool = '', dryRun] = identity.split(':');
  const counted = days.filter(({ day }) => day >= since);
  const total = counted.reduce((sum, { usage }) => addUsage(sum, usage), noUsage);
  return {
    pool,
    app: app === '-' ? null : app,
    ...{ processType, isDryRun: dryRun !== undefined, since },
    ...usageReport(total),
    days: counted.map(({ day, usage }) => ({ day, ...usageReport(usage) })),
  };
}
