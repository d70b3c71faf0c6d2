import { randomBytes } from 'node:crypto';
import type { Environment, PoolConfig } from '../../config/load.ts';
import { withDeadline } from '../../deadline.ts';
import { OperationalError } from '../../errors.ts';
import type { Journal } from '../../maintenance/journal.ts';
import type { Site } from '../../maintenance/site.ts';
import type { Surroundings } from '../command.ts';
import { isWayBack, type Choices } from './choices.ts';
import type { ScaledPool } from './open-site.ts';
import { preflight } from './preflight.ts';

const lookMsMax = 15_000;

/** The pools of a maintenance that was left, or those that were chosen, or what is wrong with the choice. */
export function poolsFor(
  { pools: chosen }: Choices,
  left: Journal | null,
  configured: readonly PoolConfig[],
): readonly [ScaledPool, ...ScaledPool[]] | { readonly problems: readonly string[] } {
  const isUnfinished = left !== null && left.phase !== 'over';
  const names = isUnfinished
    ? left.pools.map(({ pool }) => pool)
    : (chosen ?? configured.map(({ POOL }) => POOL));
  const pools = configured.filter(({ POOL }) => names.includes(POOL));
  const unknown = names.filter((name) => !configured.some(({ POOL }) => POOL === name));
  const scaled = pools.filter(isScaled);
  const [first, ...others] = scaled;
  const isAlike = others.every(
    (pool) => pool.REDIS_URL === first?.REDIS_URL && pool.HEROKU_API_KEY === first.HEROKU_API_KEY,
  );
  const problems = [
    ...unknown.map((name) => `there is no pool ${name} in this configuration`),
    ...(scaled.length < pools.length
      ? ['DRY_RUN=true forbids every change: set it to false for this command']
      : []),
    ...(isAlike ? [] : ['these pools do not share one Redis and one token: name some with --pool']),
  ];
  return first === undefined || problems.length > 0 ? { problems } : [first, ...others];
}

function isScaled(pool: PoolConfig): pool is ScaledPool {
  return !pool.DRY_RUN && pool.HEROKU_APP_NAME !== null && pool.HEROKU_API_KEY !== null;
}

/**
 * Heroku restarts every dyno of a formation when the address of the Redis changes, and would end this process half way.
 * One-off dynos, such as `run.4711`, are left alone.
 */
export function isOfFormation({ DYNO: dyno }: Environment): boolean {
  return dyno !== undefined && !/^(run|scheduler)[.-]/.test(dyno);
}

/** What makes the choice impossible beside what was left, or where nothing was. */
export function contradiction(
  { verb, mustResume, redis }: Choices,
  left: Journal | null,
): string | null {
  const isNew = verb === 'run' || verb === 'begin';
  if (left === null) {
    if (!isNew || mustResume) return 'no maintenance is under way that could be taken up';
    return verb === 'run' && redis === null
      ? 'run needs --redis, with the name of the add-on or of its attachment, such as --redis REDIS'
      : null;
  }
  if (isNew && verb !== left.kind)
    return `a maintenance that \`${left.kind}\` began is under way: go on with it, or end it with \`maintenance ${left.kind === 'begin' ? 'end' : 'abort'}\``;
  if (verb === 'end' && left.kind === 'run')
    return '`end` ends what `begin` began: here `run` goes on, and `abort` puts everything back';
  return null;
}

/** The address that the journal's add-on has now, as the one in the environment may be out of date. */
export async function followRedis(
  site: Site,
  { addon }: Journal,
  shutdown: AbortSignal,
): Promise<void> {
  if (addon === null) return;
  const url = await withDeadline(shutdown, lookMsMax, (signal) =>
    site.operator.configVar(addon.app, addon.configVar, signal),
  );
  if (url !== null) site.move(url);
}

/** A journal to begin with, or everything that speaks against it, which is told. */
export async function prepare(
  site: Site,
  redisUrl: string,
  choices: Choices,
  { complain, nowMs, shutdown }: Surroundings,
): Promise<Journal | { readonly problems: readonly string[] }> {
  const { facts, problems, found } = await preflight(site, choices, redisUrl, { nowMs, shutdown });
  for (const fact of facts) complain(`  ok       ${fact}\n`);
  for (const problem of problems) complain(`  problem  ${problem}\n`);
  if (problems.length > 0) return { problems };
  const startedAtMs = nowMs();
  return {
    ...{ version: 1, id: randomBytes(3).toString('hex'), entries: 0, writer: '' },
    ...{
      kind: choices.verb === 'run' ? 'run' : 'begin',
      phase: 'down',
      step: 'pause',
      isMaintained: false,
    },
    ...{ ...found, startedAtMs, pausedAtMs: null, pausedUntilMs: null, zeroSinceMs: null },
    pauseForMs: choices.pauseForMs,
  };
}

/** Whether it may begin: it was said beforehand, or somebody is there and says so. */
export async function isConfirmed(
  { verb, isConfirmed: isSaid }: Choices,
  { ask, complain }: Surroundings,
): Promise<boolean> {
  if (isSaid) return true;
  if (ask !== null) return ask(`${isWayBack(verb) ? 'Put everything back' : 'Begin'}? [y/N] `);
  complain('Nobody is there to be asked: --yes goes ahead without a question.\n');
  return false;
}

export function wouldBeEnded({ DYNO: dyno = '' }: Environment): OperationalError {
  return new OperationalError(
    'CONFIG_INVALID',
    `this runs in ${dyno}, which Heroku restarts half way`,
    {
      hint: 'Run it on your own machine, in CI, or with `heroku run`: one-off dynos are left alone.',
    },
  );
}
