import { OperationalError } from '../errors.ts';
import type { PolicySettings } from './policy.ts';
import type { Trace } from './trace.ts';
import type { Platform } from './world.ts';

/**
 * The fewest dyno-seconds with which somebody who knew the future could keep the target.
 * @throws {OperationalError} `CONFIG_INVALID` where it cannot be computed
 */
export function clairvoyantDynoSeconds(
  { name }: Trace,
  { seed }: PolicySettings & Platform,
): Promise<number> {
  const message = `no bound is known for ${name} with seed ${seed}`;
  return Promise.reject(
    new OperationalError('CONFIG_INVALID', message, { hint: 'Leave --oracle out.' }),
  );
}
