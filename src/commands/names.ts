import { hostname } from 'node:os';
import type { Config, Environment, PoolConfig } from '../config/load.ts';

/** What people call this process, to tell which daemon acts. */
export function nameOf(environment: Environment): string {
  return environment['DYNO'] ?? hostname();
}

/**
 * The `instance` of the metrics that this process pushes: its name, and the first thing that it scales, which tells
 * daemons of several apps apart that all have the same name. Stays as it is over restarts.
 */
export function instanceOf(config: Config, environment: Environment): string {
  const [first] = config.pools;
  const parts = [first?.HEROKU_APP_NAME, first?.PROCESS_TYPE, nameOf(environment)];
  return parts.filter((part) => part != null).join('.');
}

/**
 * What tells a pool's state from that of every other that may share this Redis: two apps on one add-on, staging beside
 * production. A dry run remembers apart, so that trying something out changes nothing for the daemon that acts.
 */
export function identityOf({
  HEROKU_APP_NAME: app,
  PROCESS_TYPE: processType,
  POOL: pool,
  DRY_RUN: isDryRun,
}: PoolConfig): string {
  return [app ?? '-', processType, pool, ...(isDryRun ? ['dry-run'] : [])].join(':');
}
