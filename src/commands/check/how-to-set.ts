import { fileKey } from '../../config/pools-file.ts';
import type { Config, PoolConfig } from '../../config/load.ts';
import type { PoolVariable } from '../../config/variables.ts';

/** Says how to give a variable of a pool another value: what to type, or what to write into the pools file. */
export type HowToSet = (name: PoolVariable, value: string | number) => string;

export function howToSetFor({ process }: Config, { POOL }: PoolConfig): HowToSet {
  if (process.POOLS_FILE === null) return (name, value) => `heroku config:set ${name}=${value}`;
  return (name, value) => `write \`${fileKey(name)}: ${value}\` into pool ${POOL} of POOLS_FILE`;
}
