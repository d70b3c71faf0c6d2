import type { QueueReading, RunningJob } from '../types.ts';
import type { Flow } from './history.ts';
import type { ServiceMemory } from './memory.ts';

/** Completions after which the weight of older ones has fallen to 1/e, and the seconds after which it has. */
const memoryCompletions = 200;
const memorySeconds = 3600;
const recentJobsMax = 32;
/** Names of all queues together, and queues as a whole. */
const rememberedServicesMax = 200;
/** The prior weighs as much as this many jobs at first, and ever less the more are seen. */
const priorJobs = 8;
const priorFadesWithin = 40;
/** What is only guessed is guessed higher: too many workers for a minute cost less than jobs that wait too long. */
const cautionOfPrior = 0.6;

/** How long the jobs of one queue take, in seconds on a slot. */
export type ServiceTimes = {
  /** Of the queue's jobs as they come. */
  readonly meanSeconds: number;
  of(jobName: string | null): KindOfJob;
};

/** Jobs of one name, which are taken to be alike. */
export type KindOfJob = {
  readonly meanSeconds: number;
  /** Of those that ended last, oldest first. */
  readonly recentSeconds: readonly number[];
  readonly longestSeconds: number;
};

/**
 * Learns from the jobs of one queue that ended. The queue as a whole learns from its counts alone (slot-seconds ÷
 * completions, the true processing rate of DS2, Kalavri et al. 2018) unless it is told of jobs one by one.
 */
export function learnServiceTimes(
  known: readonly ServiceMemory[],
  reading: QueueReading,
  flow: Flow,
  nowMs: number,
): readonly ServiceMemory[] {
  const { queue, finished } = reading;
  const byName = new Map(known.map((service) => [service.jobName, service]));
  const learn = (jobName: string | null, ended: Ended) => {
    const before = byName.get(jobName) ?? unknownService(queue, jobName, nowMs);
    byName.set(jobName, after(before, ended, nowMs));
  };
  if (finished.length === 0) {
    const isToldOfJobs = known.some(({ jobName }) => jobName !== null);
    if (isToldOfJobs || flow.busySeconds + flow.completions === 0) return known;
    learn(null, { ...flow, seen: flow.completions, secondsOfEach: [] });
    return [...byName.values()];
  }
  // What ended is told of in part only, but all of it was seen to end.
  const seenOfEach = Math.max(1, flow.completions / finished.length);
  const durations = new Map<string | null, number[]>([[null, []]]);
  for (const { jobName, durationSeconds } of finished) {
    const seconds = Math.max(0, durationSeconds);
    durations.get(null)?.push(seconds);
    const ofName = durations.get(jobName ?? '');
    if (ofName === undefined) durations.set(jobName ?? '', [seconds]);
    else ofName.push(seconds);
  }
  for (const [jobName, secondsOfEach] of durations) {
    const completions = secondsOfEach.length;
    const busySeconds = secondsOfEach.reduce((sum, seconds) => sum + seconds, 0);
    learn(jobName, { busySeconds, completions, seen: completions * seenOfEach, secondsOfEach });
  }
  return [...byName.values()];
}

/** Those used last, if there are more than may be remembered. */
export function boundedServices(services: readonly ServiceMemory[]): readonly ServiceMemory[] {
  return services.length <= rememberedServicesMax
    ? services
    : services
        .toSorted((one, other) => other.usedAtMs - one.usedAtMs)
        .slice(0, rememberedServicesMax);
}

/**
 * The estimate of each kind of job: (slot-seconds of ended jobs + what running ones have taken beyond the mean + prior)
 * ÷ (ended jobs + weight of the prior): total time on test, the maximum-likelihood estimate for lifetimes of which some
 * have not ended, so that it grows while slow jobs run on. Only the time beyond the mean is added, because the window of
 * remembered jobs is short against the number of slots, and the ages of jobs that run as always would be counted twice.
 */
export function serviceTimes(
  known: readonly ServiceMemory[],
  running: readonly RunningJob[],
  priorSeconds: number,
  nowMs: number,
): ServiceTimes {
  const byName = new Map(known.map((service) => [service.jobName, service]));
  const ages = new Map<string, number[]>();
  const allAges: number[] = [];
  for (const { jobName, startedAtMs } of running) {
    if (startedAtMs === null) continue;
    const age = Math.max(0, nowMs - startedAtMs) / 1000;
    allAges.push(age);
    const ofName = ages.get(jobName ?? '');
    if (ofName === undefined) ages.set(jobName ?? '', [age]);
    else ofName.push(age);
  }
  const whole = byName.get(null);
  const meanSeconds = estimate(whole, allAges, priorSeconds);
  const kinds = new Map<string, KindOfJob>();
  return {
    meanSeconds,
    of(name) {
      const jobName = name ?? '';
      const known = kinds.get(jobName);
      if (known !== undefined) return known;
      const service = byName.get(jobName);
      const { recentSeconds } = service ?? whole ?? { recentSeconds: [] };
      const kind = {
        meanSeconds: estimate(service, ages.get(jobName) ?? [], meanSeconds),
        recentSeconds,
        longestSeconds: Math.max(0, ...recentSeconds),
      };
      kinds.set(jobName, kind);
      return kind;
    },
  };
}

function estimate(
  service: ServiceMemory | undefined,
  agesOfRunning: readonly number[],
  priorSeconds: number,
): number {
  const { busySeconds = 0, completions = 0, seen = 0 } = service ?? {};
  const weight = priorJobs * Math.exp(-seen / priorFadesWithin);
  const time = busySeconds + weight * priorSeconds;
  const count = completions + weight;
  if (count === 0) return priorSeconds;
  const mean = time / count;
  let beyond = 0;
  for (const age of agesOfRunning) beyond += Math.max(0, age - mean);
  const caution = 1 + cautionOfPrior * (weight / count);
  return Math.max(0.001, (caution * (time + beyond)) / Math.max(1, count));
}

type Ended = {
  readonly busySeconds: number;
  readonly completions: number;
  readonly seen: number;
  readonly secondsOfEach: readonly number[];
};

function after(before: ServiceMemory, ended: Ended, nowMs: number): ServiceMemory {
  const idleSeconds = Math.max(0, nowMs - before.usedAtMs) / 1000;
  // Time alone makes nothing less certain: what is old merely yields to what is new.
  const kept =
    ended.completions === 0
      ? 1
      : Math.exp(-ended.completions / memoryCompletions - idleSeconds / memorySeconds);
  const recent = ended.secondsOfEach.map(rounded);
  return {
    ...before,
    busySeconds: before.busySeconds * kept + ended.busySeconds,
    completions: before.completions * kept + ended.completions,
    seen: Math.min(before.seen + ended.seen, 1e6),
    recentSeconds: [...before.recentSeconds, ...recent].slice(-recentJobsMax),
    usedAtMs: nowMs,
  };
}

function unknownService(queue: string, jobName: string | null, usedAtMs: number): ServiceMemory {
  return { queue, jobName, busySeconds: 0, completions: 0, seen: 0, recentSeconds: [], usedAtMs };
}

/** Milliseconds, because memory is stored as text. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
