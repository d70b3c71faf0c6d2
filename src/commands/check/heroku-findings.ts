import { distance } from 'fastest-levenshtein';
import { shortest } from '../../config/kinds.ts';
import type { PoolConfig } from '../../config/load.ts';
import { usualIntervalsMs } from '../../config/long-interval.ts';
import { counted } from '../../decision/words.ts';
import type { ProcessType } from '../../targets/heroku/shapes.ts';
import { callsPerHour, ownCallsPerHour } from '../../targets/heroku/call-budget.ts';
import { defaultLimits } from './dyno-limits.ts';
import { ok, problem, problemFrom, warning, type Remark } from './finding.ts';
import type { AppFacts, HerokuFacts } from './heroku-facts.ts';
import { howToLimit, type HowToSet } from './how-to-set.ts';
import { listed } from './listed.ts';

const scarceCalls = callsPerHour * 0.1;
const ownShareMax = 0.2;
/** However short the interval, the daemon reads the formation at most this often for each pool. */
const formationAgeSeconds = 10;
const wholeNumber = new Intl.NumberFormat('en');

/** Whether the token is accepted, may do what is needed, and has calls left. */
export function judgeToken(facts: HerokuFacts, pools: readonly PoolConfig[]): readonly Remark[] {
  const { statuses, scope, remainingCalls: remaining, apps } = facts;
  if (statuses.includes(401)) {
    const errors = apps.flatMap(
      ({ details, formation }) => details.error ?? formation?.error ?? [],
    );
    return errors.slice(0, 1).map(problemFrom);
  }
  if (!statuses.some((status) => status < 500 && status !== 429)) return [];
  const remarks: Remark[] = [];
  if (scope !== null && !scope.split(/[\s,]+/).some((word) => scopesThatScale.has(word)))
    remarks.push(
      problem(
        `The token may not scale: its scope is ${scope}`,
        'heroku authorizations:create -s write, and set HEROKU_API_KEY to its token',
      ),
    );
  else remarks.push(ok(`Heroku accepts the token${scope === null ? '' : ` (scope ${scope})`}`));
  if (remaining !== null && remaining < scarceCalls)
    remarks.push(
      warning(
        `The account has only ${counted(remaining, 'API call')} left of ${wholeNumber.format(callsPerHour)} an hour`,
        'All that uses this account shares them: find what else calls the API, or give the autoscaler an account of its own',
      ),
    );
  return [...remarks, ...judgeCalls(pools)];
}

const scopesThatScale = new Set(['global', 'write', 'write-protected']);

function judgeCalls(pools: readonly PoolConfig[]): readonly Remark[] {
  const calls = pools.reduce((sum, { POLL_INTERVAL: intervalMs }) => {
    return sum + 3_600 / Math.max(intervalMs / 1_000, formationAgeSeconds);
  }, 0);
  const used = Math.min(calls, ownCallsPerHour);
  const share = `${Math.round((100 * used) / callsPerHour)} %`;
  const use = `About ${counted(Math.round(used), 'API call')} an hour will be used, ${share} of the account’s ${wholeNumber.format(callsPerHour)}`;
  if (calls <= callsPerHour * ownShareMax) return [ok(use)];
  const enoughMs = (pools.length * 3_600_000) / (callsPerHour * ownShareMax);
  const longEnoughMs = usualIntervalsMs.find((usualMs) => usualMs >= enoughMs) ?? 3_600_000;
  const thrift =
    calls > ownCallsPerHour
      ? `; looking at the workers whenever it is time would take ${wholeNumber.format(Math.round(calls))}, so it will be done less often`
      : '';
  return [
    warning(
      `${use}, which are shared by all that uses it${thrift}`,
      `Look less often in these ${counted(pools.length, 'pool')}: heroku config:set POLL_INTERVAL=${shortest(longEnoughMs)}`,
    ),
  ];
}

/** Whether the app is there and in service. */
export function judgeApp({ app, details }: AppFacts): readonly Remark[] {
  if (details.error !== null) return [problemFrom(details.error)];
  if (!details.value.maintenance) return [ok(`The app ${details.value.name} is there`)];
  return [
    warning(
      `The app ${app} is in maintenance mode: its web dynos get no requests, but its workers go on and are scaled`,
      `heroku maintenance:off -a ${app}`,
    ),
  ];
}

/** Whether the process type exists and may have as many dynos as MAX_WORKERS says. */
export function judgeProcessType(parts: {
  readonly app: string;
  readonly pool: PoolConfig;
  readonly formation: readonly ProcessType[];
  /** Of the same app. */
  readonly otherPools: readonly PoolConfig[];
  readonly howToSet: HowToSet;
}): readonly Remark[] {
  const { app, pool, formation } = parts;
  const found = formation.find(({ type }) => type === pool.PROCESS_TYPE);
  if (found === undefined) return [missing(parts)];
  const size = found.size === null ? 'dyno' : `${found.size} dyno`;
  return [
    ok(`${pool.PROCESS_TYPE} of ${app} has ${counted(found.quantity, size)} now`),
    ...judgeLimit(parts, found),
  ];
}

function missing({
  app,
  pool,
  formation,
  howToSet,
}: Parameters<typeof judgeProcessType>[0]): Remark {
  const wanted = pool.PROCESS_TYPE;
  const types = formation
    .map(({ type }) => type)
    .toSorted((one, other) => distance(wanted, one) - distance(wanted, other));
  const [nearest] = types;
  if (nearest === undefined)
    return problem(
      `The app ${app} has no process type ${wanted}, nor any other: nothing was deployed to it`,
      `Deploy a release whose Procfile has a line that begins with ${wanted}:`,
    );
  return problem(
    `The app ${app} has no process type ${wanted}; it has ${listed(types)}`,
    `${howToSet('PROCESS_TYPE', nearest)}, or deploy a release whose Procfile has a line that begins with ${wanted}:`,
  );
}

function judgeLimit(
  { app, pool, formation, otherPools, howToSet }: Parameters<typeof judgeProcessType>[0],
  { size }: ProcessType,
): readonly Remark[] {
  const { MAX_WORKERS: max, PROCESS_TYPE: type } = pool;
  const { perType, perApp } = defaultLimits(size);
  const others = formation
    .filter((other) => other.type !== type)
    .reduce((sum, { type: other, quantity }) => {
      const scaled =
        otherPools.find(({ PROCESS_TYPE }) => PROCESS_TYPE === other)?.MAX_WORKERS ?? 0;
      return sum + Math.max(quantity, scaled);
    }, 0);
  const left = Math.max(0, perApp - others);
  const allowed = Math.min(perType, left);
  if (max <= allowed) return [];
  const why =
    perType < left
      ? `Heroku allows ${counted(perType, `${size ?? ''} dyno`)} for each process type`
      : `Heroku allows ${perApp} dynos for the app, and its other process types may take ${others} of them`;
  const isSmall = /^(eco|basic)$/i.test(size ?? '');
  const lower =
    allowed === 0
      ? 'Leave fewer dynos to the other process types'
      : howToLimit(pool, allowed, howToSet);
  const larger = isSmall
    ? `take a size without this limit: heroku ps:type standard-1x -a ${app}`
    : 'ask for more: https://help.heroku.com';
  return [
    warning(
      `MAX_WORKERS=${max} of ${type} cannot be reached: by default ${why}`,
      `${lower}, or ${larger}`,
    ),
  ];
}
