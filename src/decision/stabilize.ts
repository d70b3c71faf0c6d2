import type { Memory, Observation, Policy } from './types.ts';

type Recommendations = Memory['recommendations'];

/**
 * Adds a recommendation to those of the window. Of the earlier ones only those that are higher than all later ones are
 * kept: no other can ever be the highest again, so the list is short however long the window.
 *
 * When nothing is remembered, or what is remembered ended too long ago, the workers found running count as recommended
 * now, so that neither a restart of the daemon nor an outage removes anyone early. (Doing so whenever the window is
 * empty would forbid scaling down for ever when the interval is longer than the window.)
 */
export function remember(
  { recommendations, lastSeenAtMs }: Memory,
  { observedAtMs, currentWorkers }: Observation,
  workers: number,
  { scaleDownStabilizationSeconds, continuitySeconds }: Policy,
): Recommendations {
  const isContinued =
    lastSeenAtMs !== null && observedAtMs - lastSeenAtMs <= continuitySeconds * 1000;
  // Without the workers that run, there is nothing to begin from.
  if (!isContinued && currentWorkers === null) return [];
  const earlier = isContinued
    ? recommendations
    : [{ madeAtMs: observedAtMs, workers: currentWorkers ?? 0, isFound: true }];
  const inWindow = earlier.filter(
    ({ madeAtMs }) => observedAtMs - madeAtMs < scaleDownStabilizationSeconds * 1000,
  );
  return [
    ...inWindow.filter((other) => other.workers > workers),
    { madeAtMs: observedAtMs, workers, isFound: false },
  ];
}

/** The highest recommendation of the window: the first, because each is higher than all that follow. */
export function highest(recommendations: Recommendations): Recommendations[number] | undefined {
  return recommendations[0];
}
