import type { Bin, CapMemory, QueueMemory } from './memory.ts';

const idleAfterSeconds = 15;
const busyShare = 0.7;
/** Headroom above what was seen to be of use. */
const headroom = 1.15;
const comparedSeconds = 90;
const comparedSecondsMin = 25;
const jobsOfManyMin = 100;
const jobsOfFewMin = 50;
/** Share of the capacity added that must show in the throughput: what would be a cap, and what a probe must reach. */
const gainMin = 0.3;
const gainOfProbe = 0.5;
const probeAfterSecondsMin = 60;
const probeAfterSecondsMax = 3600;
const probeFactor = 1.5;
const winsToDrop = 2;
const capMemoryMs = 2 * 60 * 60_000;
const measuredSeconds = 30;
/** No queue is faster; two looks at almost the same time may say so. */
const perSecondMax = 1e6;

export type Capacity = {
  readonly nowMs: number;
  readonly readyWorkers: number;
  readonly slotsPerWorker: number;
  /** Seconds that a worker takes from its order until it is ready. */
  readonly bootSeconds: number;
  /** Workers the queue would ask for without a cap. */
  readonly wanted: number;
};

/**
 * Follows whether more workers help a queue. Two things show that they do not: slots that stay idle although jobs wait
 * (a rate limit, a global concurrency), and a throughput that did not grow with the workers (a saturated service behind
 * them; the ineffective-scaling test of the Flink autoscaler). A cap may be mistaken, or outlive its reason, so it is
 * tried from time to time with half as many workers again, ever more seldom while it holds.
 */
export function followCap(queue: QueueMemory, capacity: Capacity): CapMemory | null {
  const { cap } = queue;
  const found = idleSlotsCap(queue, capacity) ?? noGainCap(queue, capacity);
  if (cap === null || capacity.nowMs - cap.madeAtMs > capMemoryMs) return found;
  if (cap.probe !== null) return judge(cap, cap.probe, queue, capacity);
  if (found !== null && found.workers < cap.workers)
    return { ...found, probeAfterSeconds: cap.probeAfterSeconds };

  const { nowMs, wanted } = capacity;
  if (wanted <= cap.workers)
    return cap.heldBackSinceMs === null ? cap : { ...cap, heldBackSinceMs: null };
  const heldBackSinceMs = cap.heldBackSinceMs ?? nowMs;
  if (nowMs - heldBackSinceMs < cap.probeAfterSeconds * 1000) return { ...cap, heldBackSinceMs };
  return {
    ...cap,
    heldBackSinceMs,
    workers: Math.ceil(cap.workers * probeFactor),
    probe: {
      startedAtMs: nowMs,
      fromWorkers: cap.workers,
      completionsPerSecond: throughput(queue.bins, isCompared(nowMs), always).perSecond,
    },
  };
}

/** Jobs wait and slots are idle for 15 s: as many workers as the most running jobs of a minute keep busy. */
function idleSlotsCap(queue: QueueMemory, { nowMs, slotsPerWorker }: Capacity): CapMemory | null {
  const { idleSlotsSinceMs } = queue;
  if (idleSlotsSinceMs === null || nowMs - idleSlotsSinceMs < idleAfterSeconds * 1000) return null;
  const workers = Math.ceil((headroom * peakActive(queue.bins, nowMs)) / slotsPerWorker);
  return newCap(Math.max(1, workers), 'idle-slots', nowMs);
}

/** Whether more jobs wait than there are slots, and most slots have been idle for a minute all the same. */
export function hasIdleSlots(
  bins: readonly Bin[],
  readyJobs: number,
  {
    nowMs,
    readyWorkers,
    slotsPerWorker,
  }: Pick<Capacity, 'nowMs' | 'readyWorkers' | 'slotsPerWorker'>,
): boolean {
  const slots = slotsPerWorker * readyWorkers;
  return readyWorkers > 1 && readyJobs > slots && peakActive(bins, nowMs) < busyShare * slots;
}

function peakActive(bins: readonly Bin[], nowMs: number): number {
  let most = 0;
  for (const bin of bins)
    if (nowMs - bin.untilMs < 60_000 && bin.peakActive > most) most = bin.peakActive;
  return most;
}

/**
 * The throughput with all slots busy now against that with half the workers or fewer a few minutes ago. Counts of
 * completions scatter like Poisson numbers, so the gain is taken 2.3 standard deviations above what was measured.
 */
function noGainCap({ bins }: QueueMemory, { nowMs, readyWorkers }: Capacity): CapMemory | null {
  if (readyWorkers < 2 || bins.at(-1)?.isFull !== true) return null;
  const many = throughput(
    bins,
    isCompared(nowMs),
    (bin) => bin.isFull && bin.readyWorkers === readyWorkers,
  );
  if (many.seconds < comparedSecondsMin || many.jobs < jobsOfManyMin) return null;
  const few = throughput(
    bins,
    always,
    (bin) => bin.isFull && bin.readyWorkers > 0 && bin.readyWorkers <= readyWorkers / 2,
  );
  if (few.jobs < jobsOfFewMin || few.seconds <= 0) return null;
  const ratio = many.perSecond / few.perSecond;
  const atMost = ratio * (1 + 2.3 * Math.sqrt(1 / many.jobs + 1 / few.jobs));
  const gain = (atMost - 1) / (readyWorkers / few.workers - 1);
  if (gain >= gainMin) return null;
  return newCap(Math.max(1, Math.ceil(few.workers * ratio * headroom)), 'no-gain', nowMs);
}

function newCap(workers: number, why: CapMemory['why'], madeAtMs: number): CapMemory {
  return {
    ...{ workers, why, madeAtMs },
    probeAfterSeconds: probeAfterSecondsMin,
    heldBackSinceMs: null,
    wins: 0,
    probe: null,
  };
}

/** Ends a probe once the added workers have run for a while, or are not wanted any more. */
function judge(
  cap: CapMemory,
  probe: NonNullable<CapMemory['probe']>,
  { bins }: QueueMemory,
  { nowMs, wanted, readyWorkers, bootSeconds }: Capacity,
): CapMemory | null {
  const ended = { ...cap, probe: null, heldBackSinceMs: nowMs };
  if (wanted <= probe.fromWorkers)
    return { ...ended, workers: probe.fromWorkers, heldBackSinceMs: null };
  const after = throughput(
    bins,
    ({ untilMs, seconds }) => untilMs - seconds * 1000 >= probe.startedAtMs,
    (bin) => bin.readyWorkers >= Math.min(cap.workers, wanted),
  );
  const waitedSeconds = (nowMs - probe.startedAtMs) / 1000;
  const isMeasured = after.seconds >= measuredSeconds;
  if (!isMeasured && waitedSeconds < 3 * bootSeconds + measuredSeconds) return cap;
  const added =
    Math.min(cap.workers, Math.max(readyWorkers, probe.fromWorkers + 1)) / probe.fromWorkers - 1;
  const gain =
    isMeasured && probe.completionsPerSecond > 0
      ? (after.perSecond / probe.completionsPerSecond - 1) / added
      : 0;
  if (gain < gainOfProbe) {
    const probeAfterSeconds = Math.min(probeAfterSecondsMax, 2 * cap.probeAfterSeconds);
    return { ...ended, workers: probe.fromWorkers, probeAfterSeconds, wins: 0 };
  }
  return cap.wins + 1 >= winsToDrop
    ? null
    : { ...ended, wins: cap.wins + 1, probeAfterSeconds: probeAfterSecondsMin };
}

function isCompared(nowMs: number): (bin: Bin) => boolean {
  return ({ untilMs }) => nowMs - untilMs < comparedSeconds * 1000;
}

function always(): boolean {
  return true;
}

/**
 * What the bins that count got done. A bin tells of its end only, so the one before must count as well: else the workers
 * that became ready during a long gap between two looks would seem to have got nothing done.
 */
function throughput(
  bins: readonly Bin[],
  isInTime: (bin: Bin) => boolean,
  counts: (bin: Bin) => boolean,
): { jobs: number; seconds: number; perSecond: number; workers: number } {
  let jobs = 0;
  let seconds = 0;
  let workerSeconds = 0;
  let before: Bin | null = null;
  for (const bin of bins) {
    if (isInTime(bin) && before !== null && counts(before) && counts(bin)) {
      jobs += bin.completions;
      seconds += bin.seconds;
      workerSeconds += bin.readyWorkers * bin.seconds;
    }
    before = bin;
  }
  return {
    jobs,
    seconds,
    perSecond: seconds > 0 ? Math.min(perSecondMax, jobs / seconds) : 0,
    workers: seconds > 0 ? workerSeconds / seconds : 0,
  };
}
