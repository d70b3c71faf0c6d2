import type { Config, PoolConfig } from '../../config/load.ts';
import { connectionBudget } from '../../decision/budgets/connection-budget.ts';
import { counted } from '../../decision/words.ts';
import { shownAt } from '../../decision/zone.ts';
import type { Census, UnknownUse } from '../../queues/bullmq/connections.ts';
import { dollarsPerHour, hoursPerMonth } from '../../targets/heroku/prices.ts';
import type { ProcessType } from '../../targets/heroku/shapes.ts';
import { connectionUseOf } from '../connection-use.ts';
import { ok, warning, type Remark } from './finding.ts';
import type { HowToSet } from './how-to-set.ts';
import { minimumAt, momentsAhead, type ChangedPool } from './minimum-ahead.ts';

const daysAhead = 8;
const hourMs = 3_600_000;

/** Whether the pools can share as many workers as there are for them, also with what is scheduled and was `set`. */
export function judgeWorkerBudget(
  total: Config['process']['WORKER_BUDGET'],
  pools: readonly ChangedPool[],
  nowMs: number,
): readonly Remark[] {
  if (total === null) return [];
  const minimumsAt = (atMs: number) =>
    pools.map((one) => ({ name: one.pool.POOL, ...minimumAt(one, atMs) }));
  const least = (atMs: number) =>
    minimumsAt(atMs).reduce((sum, { minWorkers }) => sum + minWorkers, 0);
  const beyond = momentsAhead(pools, nowMs, daysAhead).filter(({ atMs }) => least(atMs) > total);
  const [first] = beyond;
  if (first === undefined) {
    const most = pools.reduce((sum, { pool }) => sum + pool.MAX_WORKERS, 0);
    const all = `All pools together have at most ${counted(total, 'worker')} (WORKER_BUDGET)`;
    const rest = most <= total ? ': it limits nothing' : '';
    return [ok(`${all}; their own maximums add up to ${most}${rest}`)];
  }
  const enough = Math.max(...beyond.map(({ atMs }) => least(atMs)));
  const time = `${shownAt(first.atMs, first.timeZone)} ${first.timeZone}`;
  const raised = minimumsAt(first.atMs).filter(({ origin }) => origin !== null);
  const named = raised.map(
    ({ name, minWorkers, origin }) => `${name} minWorkers=${minWorkers} (${origin ?? ''})`,
  );
  return [
    warning(
      `${first.atMs === nowMs ? 'Now' : `From ${time} on`} the minimums add up to ${counted(least(first.atMs), 'worker')}, more than WORKER_BUDGET=${total}: they count, and the budget is exceeded`,
      `heroku config:set WORKER_BUDGET=${enough}, or lower ${named.join(', ')}`,
    ),
  ];
}

/** For how many workers of a pool its share of the connections is enough, by the daemon’s own reckoning. */
export function judgeConnectionBudget(parts: {
  readonly pool: PoolConfig;
  readonly census: Census | UnknownUse;
  readonly currentWorkers: number | null;
  readonly howToSet: HowToSet;
}): readonly Remark[] {
  const { pool, census, howToSet } = parts;
  const { CONNECTION_BUDGET: sharePercent, MIN_WORKERS: min, MAX_WORKERS: max } = pool;
  if (sharePercent === null) return [];
  const use = connectionUseOf(pool, census, parts.currentWorkers);
  const { workers, why } = connectionBudget(sharePercent, use);
  if (workers === null) {
    const isForNow = !('whyUnknown' in census);
    return isForNow
      ? [ok(capital(why))]
      : [
          warning(
            capital(why),
            'Choose MAX_WORKERS so that all find their connections, and leave CONNECTION_BUDGET out',
          ),
        ];
  }
  if (workers >= max) return [ok(why)];
  const bound = workers < min ? `MIN_WORKERS=${min}, which count` : `MAX_WORKERS=${max}`;
  const lower = workers < min ? 'MIN_WORKERS' : 'MAX_WORKERS';
  const orLower = workers === 0 ? '' : `, or ${howToSet(lower, workers)}`;
  const more =
    sharePercent === 100 ? '' : `, or raise CONNECTION_BUDGET if nothing else needs the rest`;
  return [
    warning(
      `${why}, fewer than ${bound}`,
      `Take a plan with more connections (heroku addons:upgrade)${more}${orLower}`,
    ),
  ];
}

/** What a worker costs, and whether there is money enough for those that must be there. */
export function judgeCost(
  changed: ChangedPool,
  parts: {
    readonly app: string;
    readonly type: ProcessType;
    readonly howToSet: HowToSet;
    readonly nowMs: number;
  },
): readonly Remark[] {
  const { app, type } = parts;
  const { COST_BUDGET: budget, MAX_WORKERS: max } = changed.pool;
  const perHour = dollarsPerHour(type.size);
  const dynos = type.size === null ? 'dynos of an unknown size' : `${type.size} dynos`;
  if (perHour === null) {
    const unknown = `What ${dynos} cost is not known`;
    if (budget === null) return [ok(`${unknown}: their hours are counted, but no dollars`)];
    return [
      warning(
        `${unknown}: COST_BUDGET=${budget} limits nothing`,
        `Take a size with a price of its own, such as heroku ps:type ${type.type}=standard-1x -a ${app}, or leave COST_BUDGET out and choose MAX_WORKERS`,
      ),
    ];
  }
  if (budget === null) return [];
  const perMonth = perHour * hoursPerMonth;
  // Money that is just enough for a worker must not fail to be by a rounding of fractions.
  const paid = Math.floor(budget / perMonth + 1e-9);
  const price = `${dynos} cost $${Math.round(perMonth)} a month each`;
  const beyond = judgeMinimumCost(changed, budget, { ...parts, perHour, paid, price });
  if (beyond !== null) return [beyond];
  const rest = paid >= max ? 'it limits nothing' : 'for more only a part of it';
  return [
    ok(`COST_BUDGET=${budget} pays for ${counted(paid, 'worker')} all month, as ${price}; ${rest}`),
  ];
}

/** Warns when the minimum alone costs more than the budget, as configured or in the month to come; else null. */
function judgeMinimumCost(
  changed: ChangedPool,
  budget: number,
  parts: {
    readonly howToSet: HowToSet;
    readonly nowMs: number;
    readonly perHour: number;
    readonly paid: number;
    readonly price: string;
  },
): Remark | null {
  const { howToSet, nowMs, perHour, paid, price } = parts;
  const { MIN_WORKERS: min } = changed.pool;
  const dollarsFor = (hours: number) => Math.ceil(hours * perHour - 1e-9);
  const exceeded = `as ${price}: the minimum counts, and the budget is exceeded`;
  if (paid < min) {
    const orLower = paid === 0 ? '' : `, or ${howToSet('MIN_WORKERS', paid)}`;
    return warning(
      `COST_BUDGET=${budget} does not pay for MIN_WORKERS=${min} all month, ${exceeded}`,
      `${howToSet('COST_BUDGET', dollarsFor(min * hoursPerMonth))}${orLower}`,
    );
  }
  const { hours, origins } = minimumOfMonth(changed, nowMs);
  if (dollarsFor(hours) <= budget) return null;
  return warning(
    `COST_BUDGET=${budget} does not pay for the minimum of the next 30 days, ${counted(Math.round(hours), 'worker-hour')} for $${dollarsFor(hours)}, ${exceeded}`,
    `${howToSet('COST_BUDGET', dollarsFor(hours))}, or lower minWorkers (${origins.join('; ')})`,
  );
}

/** The least worker-hours of the month to come, and who asks for more than `MIN_WORKERS`. */
function minimumOfMonth(
  changed: ChangedPool,
  nowMs: number,
): { readonly hours: number; readonly origins: readonly string[] } {
  const endMs = nowMs + hoursPerMonth * hourMs;
  const moments = momentsAhead([changed], nowMs, hoursPerMonth / 24).map(({ atMs }) => atMs);
  const pieces = moments.map((atMs, index) => ({
    ...minimumAt(changed, atMs),
    hours: ((moments[index + 1] ?? endMs) - atMs) / hourMs,
  }));
  const more = pieces.filter(({ minWorkers }) => minWorkers > changed.pool.MIN_WORKERS);
  return {
    hours: pieces.reduce((sum, { minWorkers, hours }) => sum + minWorkers * hours, 0),
    origins: [...new Set(more.flatMap(({ origin }) => origin ?? []))],
  };
}

function capital(sentence: string): string {
  return `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}`;
}
