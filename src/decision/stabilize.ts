import type { Memory, Observation } from './types.ts';

type Recommendations = Memory['recommendations'];

/**
 * Adds a recommendation to those of the window. Of the earlier ones only those that are higher than all later ones are
 * kept: no other can ever be the highest again, so the list is short however long the window.
 *
 * When nothing is remembered at all, the workers found running count as recommended now, so that a restart of the
 * daemon removes no one early. (Seeding whenever the window is empty would forbid scaling down for ever when the
 * interval is longer than the window.)
 */
export function remember(
  earlier: Recommendations,
  { observedAtMs, currentWorkers }: Observation,
  workers: number,
  windowSeconds: number,
): Recommendations {
  const seeded =
    earlier.length === 0 && currentWorkers !== null
      ? [{ madeAtMs: observedAtMs, workers: currentWorkers }]
      : earlier;
  const inWindow = seeded.filter(({ madeAtMs }) => observedAtMs - madeAtMs < windowSeconds * 1000);
  return [
    ...inWindow.filter((other) => other.workers > workers),
    { madeAtMs: observedAtMs, workers },
  ];
}

/** The highest recommendation of the window: the first, because each is higher than all that follow. */
export function highest(recommendations: Recommendations): Recommendations[number] | undefined {
  return recommendations[0];
}
