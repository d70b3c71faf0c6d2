import type { Sample, Soak } from './soak.ts';

/** What a number was early and late, as the median of its time, and the most that it may be late. */
export type Row = {
  readonly what: string;
  readonly early: number;
  readonly late: number;
  readonly most: number;
};

/** More than any of them needs to settle, and less than a leak makes of it; a share, and so many. */
const allowances: Readonly<Record<string, readonly [share: number, count: number]>> = {
  heapKilobytes: [0.15, 8 * 1024],
  // What is under way at the moment of a look comes and goes: a tick of four pools has some dozen timers, and hundreds of
  // functions. One that each tick left behind would be more.
  timers: [0, 25],
  otherResources: [0, 10],
  functions: [0, 1_000],
  processListeners: [0, 0],
  warnings: [0, 0],
  files: [0, 10],
  redisKeys: [0, 5],
  redisKilobytes: [0.25, 50],
};

export function compare({ samples }: Soak): readonly Row[] {
  const { early, late } = windowsOf(samples);
  return Object.entries(allowances).flatMap(([what, [share, count]]) => {
    const [before, after] = [medianOf(early, what), medianOf(late, what)];
    if (before === null || after === null) return [];
    return [{ what, early: before, late: after, most: before * (1 + share) + count }];
  });
}

/** What came first is left out, while caches fill; where there is little, the first and the last are what there is. */
function windowsOf(samples: readonly Sample[]) {
  const settled = samples.slice(Math.floor(samples.length / 4));
  const size = Math.max(1, Math.floor(settled.length / 3));
  return { early: settled.slice(0, size), late: settled.slice(-size) };
}

function medianOf(samples: readonly Sample[], what: string): number | null {
  const values = samples.flatMap((sample) => sample[what] ?? []).toSorted((one, two) => one - two);
  return values[Math.floor(values.length / 2)] ?? null;
}
