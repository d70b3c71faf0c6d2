import { shortest } from '../../config/kinds.ts';
import type { Config, PoolConfig } from '../../config/load.ts';
import { longInterval } from '../../config/long-interval.ts';
import { policyOf } from '../../config/policy.ts';
import { counted } from '../../decision/words.ts';
import { ok, warning, type Remark } from './finding.ts';
import type { HowToSet } from './how-to-set.ts';

/** What is probably not meant, although it is valid. HTTP and pools have remarks of their own. */
export function judgeConfiguration({ warnings }: Config): readonly Remark[] {
  return warnings
    .filter((text) => !text.startsWith('PORT ') && !text.includes(': POLL_INTERVAL='))
    .map((text) => {
      const [name = ''] = text.split(' ');
      const meant = /did you mean (\w+)\?/.exec(text)?.[1];
      const unset = `heroku config:unset ${name}`;
      return warning(
        text,
        meant === undefined
          ? `Unless it is meant so: ${unset}`
          : `If so: heroku config:set ${meant}=… && ${unset}`,
      );
    });
}

/** The values a pool is run with, so that a misread one is seen at once. */
export function judgePool(pool: PoolConfig, howToSet: HowToSet): readonly Remark[] {
  const { MIN_WORKERS: min, MAX_WORKERS: max } = pool;
  const bounds = `${min === max ? '' : `${min} to `}${counted(max, 'worker')}`;
  const aim =
    pool.TARGET_WAIT === null
      ? `one for every ${counted(pool.EVENTS_PER_WORKER, 'ready job')}`
      : `as many as start jobs within ${shortest(pool.TARGET_WAIT)}`;
  const look = `a look every ${shortest(pool.POLL_INTERVAL)}`;
  const { scaleDownStabilizationSeconds } = policyOf(pool, true);
  const patience = `scaling down waits ${shortest(scaleDownStabilizationSeconds * 1000)}`;
  const long = longInterval(pool);
  return [
    ...(long === null ? [] : [warning(long.message, howToSet('POLL_INTERVAL', long.advised))]),
    ok([bounds, aim, look, patience].join(', ')),
    ...(pool.DRY_RUN ? [ok('Dry run: it decides and says so, but changes nothing')] : []),
  ];
}

/** Whether anybody can read the metrics and the status. */
export function judgeHttp({
  PORT: port,
  METRICS_TOKEN: token,
}: Config['process']): readonly Remark[] {
  if (port === null) return [];
  if (token !== null) return [ok(`Port ${port} asks for the bearer token in METRICS_TOKEN`)];
  return [
    warning(
      'PORT is set without METRICS_TOKEN: anyone who can reach the port can read the metrics and the status',
      'heroku config:set METRICS_TOKEN=$(openssl rand -hex 32)',
    ),
  ];
}
