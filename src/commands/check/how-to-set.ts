import { fileKey } from '../../config/pools-file.ts';
import type { Config, PoolConfig } from '../../config/load.ts';
import type { PoolVariable } from '../../config/variables.ts';

/** Says how to give a variable of a pool another value: what to type, or what to write into the pools file. */
export type HowToSet = (name: PoolVariable, value: string | number) => string;

/** Says how to let a pool have at most so many workers; its minimum must not be above that. */
export function howToLimit(
  { MIN_WORKERS: min }: PoolConfig,
  workers: number,
  howToSet: HowToSet,
): string {
  const limit = howToSet('MAX_WORKERS', workers);
  return workers < min ? `${howToSet('MIN_WORKERS', workers)}, then ${limit}` : limit;
}

export function howToSetFor({ process }: Config, { POOL }: PoolConfig): HowToSet {
  if (process.POOLS_FILE === null) return (name, value) => `heroku config:set ${name}=${value}`;
  return (name, value) => `write \`${fileKey(name)}: ${value}\` into pool ${POOL} of POOLS_FILE`;
}
