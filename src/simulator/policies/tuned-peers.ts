import type { PolicyKind } from '../policy.ts';
import { awsLike } from './peers/aws-like.ts';
import { ds2Like } from './peers/ds2-like.ts';
import { flinkLike } from './peers/flink-like.ts';
import { hirefireLike } from './peers/hirefire-like.ts';
import { judoscaleLike } from './peers/judoscale-like.ts';
import { kedaLike } from './peers/keda-like.ts';
import { knativeLike } from './peers/knative-like.ts';
import { queueAutoscaleLike } from './peers/queue-autoscale-like.ts';
import { recipeWith } from './recipe.ts';

/** Every combination of these values. */
function grid<T>(values: { readonly [K in keyof T]: readonly T[K][] }): T[] {
  const keys = Object.keys(values) as (keyof T)[];
  return keys.reduce<T[]>(
    (tunings, key) =>
      tunings.flatMap((tuning) => values[key].map((value) => ({ ...tuning, [key]: value }))),
    [{} as T],
  );
}

type Family<T> = (name: string, source: string, tuning: T) => PolicyKind;

/** Named after its settings, `keda-like(listLength=20 downStabilizationSeconds=60)`. */
function tuned<T extends object>(
  family: string,
  make: Family<T>,
  tunings: readonly T[],
): PolicyKind[] {
  return tunings.map((tuning) => {
    const words = Object.entries(tuning).map(([key, value]) => `${key}=${shortly(value)}`);
    const settings = words.join(' ');
    return make(`${family}(${settings})`, `${family} with ${settings}`, tuning);
  });
}

function shortly(value: unknown): string {
  return typeof value === 'number' ? String(Math.round(100 * value) / 100) : String(value);
}

/**
 * The peers in many settings. For one trace, the one that happens to suit it best is the hardest opponent there is: to
 * choose it one must know the trace in advance.
 */
export const tunedPeers: readonly PolicyKind[] = [
  ...tuned(
    'recipe',
    recipeWith,
    grid({ minWorkers: [null], eventsPerWorker: [5, 25, 100, 200, 400], pollSeconds: [10, 60] }),
  ),
  ...tuned(
    'keda-like',
    kedaLike,
    grid({ listLength: [2, 5, 10, 50, 100, 200, 400], downStabilizationSeconds: [0, 60, 300] }),
  ),
  ...tuned(
    'judoscale-like',
    judoscaleLike,
    grid({
      upAbove: [1 / 12, 1 / 3],
      downBelow: [1 / 12],
      upBy: [1, 5, 10],
      betweenUpsSeconds: [60, 180],
      downDelaySeconds: [300, 600],
    }),
  ),
  ...tuned(
    'hirefire-like',
    hirefireLike,
    grid({ ratio: [5, 25, 100, 400], checkupSeconds: [15, 60], isDecrementable: [false, true] }),
  ),
  ...tuned(
    'aws-like',
    awsLike,
    grid({ latency: [1 / 24, 1 / 3, 2 / 3, 1], outDatapoints: [1, 3], inDatapoints: [3, 15] }),
  ),
  ...tuned(
    'knative-like',
    knativeLike,
    grid({ stableSeconds: [20, 60, 120], targetUtilization: [0.7, 1] }),
  ),
  ...tuned(
    'flink-like',
    flinkLike,
    grid({
      utilization: [0.7, 0.9],
      catchUpSeconds: [60, 300, 1_800],
      stabilizationSeconds: [60, 300],
    }),
  ),
  ...tuned('ds2-like', ds2Like, grid({ drain: [1 / 4, 1 / 2, 1], holdSeconds: [0, 60, 300] })),
  ...tuned(
    'queue-autoscale-like',
    queueAutoscaleLike,
    grid({ sla: [1 / 2, 1], reversalCooldownSeconds: [0, 60] }),
  ),
];
