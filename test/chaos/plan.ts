import type { JobsOptions } from 'bullmq';
import type { Work } from '../../src/demo/jobs.ts';

export const queueNames = ['emails', 'reports'] as const;
type QueueName = (typeof queueNames)[number];

type NewJob = { readonly name: string; readonly data: Work; readonly opts: JobsOptions };

/** What happens at one moment. Everything that was left to chance is in here, so that two runs can get the same. */
export type Incident = { readonly atMs: number } & (
  | { readonly kind: 'jobs'; readonly queue: QueueName; readonly jobs: readonly NewJob[] }
  | { readonly kind: 'deploy' }
  /** Kills the daemon, if it can be while it drains. */
  | { readonly kind: 'kill' }
);

/** The platform kills a process this long after SIGTERM; many jobs take longer. */
export const killGraceSeconds = 3;
/** Of the jobs that run then, those that end this soon are not handed back. */
export const graceSeconds = 1;

const longJobMs = [4_000, 8_000] as const;
const shortJobMs = [50, 800] as const;

/**
 * Bursts that need many workers for a moment, each with some long jobs that still run when the others are done: that is
 * when workers are removed. Now and then a deploy restarts every dyno, or the daemon is killed.
 */
export function planChaos(seed: number, durationMs: number): readonly Incident[] {
  const random = seededRandom(seed);
  const between = (least: number, most: number) => Math.round(least + random() * (most - least));
  const pick = <T>(choices: readonly [T, ...T[]]): T =>
    choices[Math.floor(random() * choices.length)] ?? choices[0];

  const job = (lengthMs: readonly [number, number]): NewJob => {
    const opts = pick([{}, {}, { priority: between(1, 5) }, { delay: between(100, 2_000) }]);
    return { name: 'job', data: { workMs: between(...lengthMs) }, opts };
  };
  const jobs = (count: number, lengthMs: readonly [number, number]) =>
    Array.from({ length: count }, () => job(lengthMs));
  const burst = (): readonly NewJob[] => {
    const short = jobs(pick([between(2, 8), between(15, 30), between(30, 60)]), shortJobMs);
    // Late in the burst, they are run by the workers that were added for it and go first.
    const place = between(short.length / 2, short.length);
    return short.toSpliced(place, 0, ...jobs(pick([0, 0, between(4, 8)]), longJobMs));
  };

  const bursts = times(durationMs, 0, () => between(1_500, 4_500)).map((atMs): Incident => {
    return { atMs, kind: 'jobs', queue: pick(queueNames), jobs: burst() };
  });
  const deploys = times(durationMs, between(10_000, 14_000), () => between(14_000, 24_000));
  const kills = times(durationMs, between(5_000, 9_000), () => between(8_000, 16_000));
  return [
    ...bursts,
    ...deploys.map((atMs): Incident => ({ atMs, kind: 'deploy' })),
    ...kills.map((atMs): Incident => ({ atMs, kind: 'kill' })),
  ].sort((a, b) => a.atMs - b.atMs);
}

function times(endMs: number, firstMs: number, nextInMs: () => number): readonly number[] {
  const found: number[] = [];
  for (let atMs = firstMs; atMs < endMs; atMs += nextInMs()) found.push(atMs);
  return found;
}

/** @see https://github.com/cprosche/mulberry32, in the public domain */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
