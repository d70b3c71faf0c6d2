import { OperationalError } from '../errors.ts';
import type { DataMaintenance } from '../targets/heroku/shapes.ts';
import type { Journal } from './journal.ts';
import type { Site } from './site.ts';

/**
 * How Heroku's maintenance of the add-on stands; null when the add-on is gone. Workers on a Redis that is being replaced
 * would lose what they do, so what serves databases is not believed that it knows none while Heroku still lists it.
 * @throws {OperationalError}
 */
export async function maintenanceOf(
  { id, name }: NonNullable<Journal['addon']>,
  { operator }: Site,
  { kind }: Journal,
  signal: AbortSignal,
): Promise<DataMaintenance | null> {
  const found = await operator.dataMaintenance(id, signal);
  // `run` began only once it was told of one; `begin` is for databases of others too, of which Heroku never tells.
  if (found !== null || kind === 'begin' || !(await operator.hasAddon(id, signal))) return found;
  throw new OperationalError(
    'TARGET_UNAVAILABLE',
    `Heroku has ${name}, but does not say how its maintenance stands`,
    {
      hint: 'The same command asks again. `backlog-autoscaler maintenance abort --force` puts everything back without asking.',
    },
  );
}

/** A maintenance that was completed before this one began is not this one. */
export function isCompleted(
  { status, completed_at }: DataMaintenance,
  { lastCompletedAt }: Journal,
): boolean {
  return status === 'completed' && completed_at !== lastCompletedAt;
}
