import type { Watcher } from './engine.ts';
import { createHistogram, type Histogram } from './histogram.ts';

/** One stretch of time of a run. */
export type Moment = {
  readonly fromSeconds: number;
  /** Mean of the workers asked for. */
  readonly workers: number;
  /** Most jobs that were ready at once. */
  readonly readyJobs: number;
  /** 95 % of the jobs that were due then waited no longer; null when none was due, or none of them succeeded. */
  readonly p95WaitSeconds: number | null;
};

/** How a run went over time, in a size that does not depend on its length. */
export type Timeline = { readonly watcher: Watcher; readonly moments: () => readonly Moment[] };

type Stretch = { workers: number; samples: number; readyJobs: number; waits: Histogram | null };

const stretchesMax = 600;
/** A run may last a little beyond its horizon before its stretches have to become longer. */
const stretchesOfHorizon = 480;
const samplesOfStretch = 5;
/** A pixel of a chart. */
const precision = 0.02;
const waitSecondsMax = 1e7;

export function createTimeline(horizonSeconds: number): Timeline {
  let seconds = Math.max(1, horizonSeconds / stretchesOfHorizon);
  let stretches: Stretch[] = [];

  return {
    watcher: {
      sampleSeconds: seconds / samplesOfStretch,
      onSample(nowSeconds, readyJobs, workers) {
        const stretch = stretchAt(nowSeconds);
        stretch.samples += 1;
        stretch.workers += workers;
        stretch.readyJobs = Math.max(stretch.readyJobs, readyJobs);
      },
      onDone(dueAtSeconds, waitSeconds) {
        const stretch = stretchAt(dueAtSeconds);
        stretch.waits ??= createHistogram(precision, waitSecondsMax);
        stretch.waits.add(waitSeconds);
      },
    },
    moments: () =>
      // Only the last stretch can have ended before its first sample.
      stretches
        .filter(({ samples }) => samples > 0)
        .map(({ workers, samples, readyJobs, waits }, place) => ({
          fromSeconds: place * seconds,
          workers: workers / samples,
          readyJobs,
          p95WaitSeconds: waits?.quantile(0.95) ?? null,
        })),
  };

  function stretchAt(timeSeconds: number): Stretch {
    while (timeSeconds >= stretchesMax * seconds) {
      seconds *= 2;
      stretches = stretches.flatMap((one, place) =>
        place % 2 === 0 ? [together(one, stretches[place + 1])] : [],
      );
    }
    const place = Math.floor(timeSeconds / seconds);
    while (stretches.length <= place)
      stretches.push({ workers: 0, samples: 0, readyJobs: 0, waits: null });
    const stretch = stretches[place];
    if (stretch === undefined) throw new Error(`no time: ${timeSeconds}`);
    return stretch;
  }
}

function together(one: Stretch, other: Stretch | undefined): Stretch {
  if (other === undefined) return one;
  if (other.waits !== null) one.waits?.addAll(other.waits);
  return {
    workers: one.workers + other.workers,
    samples: one.samples + other.samples,
    readyJobs: Math.max(one.readyJobs, other.readyJobs),
    waits: one.waits ?? other.waits,
  };
}
