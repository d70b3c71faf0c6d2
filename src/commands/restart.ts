import { loadConfig, type PoolConfig } from '../config/load.ts';
import { readPoolsText } from '../config/pools-text.ts';
import { createDrainBoard } from '../drain/board.ts';
import { OperationalError } from '../errors.ts';
import { connectRedis } from '../redis.ts';
import { createHerokuAccount } from '../targets/heroku/account.ts';
import { createHerokuOperator } from '../targets/heroku/operator.ts';
import { version } from '../version.ts';
import { secretsOf } from './secrets.ts';
import { exitCodes, type Command, type OptionValues, type Surroundings } from './command.ts';
import { createProgress } from './progress.ts';
import { queueSystems } from './queue-systems.ts';
import { near } from './read-options.ts';
import { createPoolView } from '../maintenance/pool-view.ts';
import { restartAll, sentenceOf, type Fate, type RollingParts } from './restart/rolling.ts';

export const restart: Command = {
  name: 'restart',
  summary: 'Replace the dynos of a pool one by one, without interrupting a job',
  help: `Asks a dyno to take no more jobs, waits until those it runs have ended, restarts it, waits until the new one is up, and goes
on to the next; for dynos that leak memory or hang. The autoscaler may run meanwhile. A dyno that has not drained after
DRAIN_TIMEOUT is left alone and told of. Stopped with Ctrl-C, it lets the dynos it asked go on. For example:
  backlog-autoscaler restart --pool worker --at-once 2`,
  options: {
    pool: { type: 'string', help: 'The pool, if there are several' },
    'at-once': { type: 'string', help: 'How many dynos to replace at a time (1)' },
    force: {
      type: 'boolean',
      help: 'Restart also a dyno that has not drained after DRAIN_TIMEOUT, or of which nobody can tell',
    },
  },
  jsonList: 'dynos',
  async execute(options, surroundings) {
    const { environment, complain, print, hide } = surroundings;
    const config = loadConfig(environment, readPoolsText);
    hide(secretsOf(config));
    const pool = poolNamed(options['pool'], config.pools);
    const atOnce = Number(options['at-once'] ?? 1);
    const problems = [
      ...(typeof pool === 'string' ? [pool] : []),
      ...(Number.isInteger(atOnce) && atOnce >= 1
        ? []
        : [
            `--at-once ${JSON.stringify(options['at-once'])} must be a whole number from 1 on, as in --at-once 2`,
          ]),
    ];
    if (typeof pool === 'string' || problems.length > 0) {
      complain(problems.map((problem) => `restart: ${problem}\n`).join(''));
      return exitCodes.usage;
    }
    const fates = await restartPool(
      pool,
      { atOnce, isForced: options['force'] === true },
      surroundings,
    );
    print(
      options['json'] === true
        ? `${JSON.stringify({ pool: pool.POOL, dynos: fates })}\n`
        : readable(pool.POOL, fates),
    );
    const isDone = fates.every(({ outcome }) => ['restarted', 'replaced'].includes(outcome));
    return isDone ? exitCodes.fine : exitCodes.failed;
  },
};

/** The pool that was meant, or what is wrong with its name. */
function poolNamed(name: OptionValues[string], pools: readonly PoolConfig[]): PoolConfig | string {
  const names = pools.map(({ POOL }) => POOL);
  const found =
    name === undefined && pools.length === 1 ? pools[0] : pools.find(({ POOL }) => POOL === name);
  if (found !== undefined) return found;
  if (name === undefined) return `--pool says which: ${names.join(', ')}`;
  return `there is no pool ${String(name)}${near(String(name), names) || `; there are ${names.join(', ')}`}`;
}

async function restartPool(
  pool: PoolConfig,
  choices: Pick<RollingParts, 'atOnce' | 'isForced'>,
  { nowMs, shutdown, complain }: Surroundings,
): Promise<readonly Fate[]> {
  const { HEROKU_APP_NAME: app, HEROKU_API_KEY: apiKey, HEROKU_API_URL: apiUrl } = pool;
  if (pool.DRY_RUN || app === null || apiKey === null) throw dryRun(pool);
  const redis = connectRedis(pool.REDIS_URL, {
    rejectUnauthorized: pool.REDIS_TLS_REJECT_UNAUTHORIZED,
    name: 'backlog-autoscaler-restart',
  });
  const caller = { apiUrl, apiKey, nowMs, userAgent: `backlog-autoscaler/${version}` };
  const account = createHerokuAccount(caller);
  const operator = createHerokuOperator(caller);
  const board = createDrainBoard(redis, pool.POOL);
  const queues = queueSystems[pool.QUEUE_SYSTEM].createQueues({
    ...{ redis, nowMs, queues: pool.QUEUES, prefix: pool.QUEUE_PREFIX },
  });
  try {
    return await restartAll({
      ...{ ...choices, board, shutdown, drainTimeoutMs: pool.DRAIN_TIMEOUT },
      view: createPoolView({
        ...{ account, app, processType: pool.PROCESS_TYPE, board, queues, nowMs },
      }),
      restartDyno: (dyno, signal) => operator.restartDyno(app, dyno, signal),
      tell: createProgress(complain),
    });
  } finally {
    redis.close();
    await Promise.all([account.close(), operator.close()]);
  }
}

function dryRun({ POOL: pool }: PoolConfig): OperationalError {
  return new OperationalError('CONFIG_INVALID', `pool ${pool} is set to DRY_RUN=true`, {
    hint: 'A dry run changes nothing: set DRY_RUN=false for this command.',
  });
}

function readable(pool: string, fates: readonly Fate[]): string {
  const done = fates.filter(({ outcome }) => outcome === 'restarted').length;
  const lines = fates.map((fate) => `  ${sentenceOf(fate)}`);
  const head = `${pool}: ${String(done)} of ${String(fates.length)} dynos restarted`;
  return [head, ...lines, ''].join('\n');
}
