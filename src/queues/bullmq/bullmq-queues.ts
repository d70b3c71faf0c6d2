import type { DueJobs, QueueReading, StalledJob, UnreadableQueue } from '../../decision/types.ts';
import type { RedisConnection } from '../../redis.ts';
import type { QueueSource } from '../queue-source.ts';
import { createQueueFinder } from './discovery.ts';
import { createFinishedJobs, type Following } from './finished-jobs.ts';
import type { BusyProbe, QueueProbe } from './probe-reply.ts';
import { dueStepMs } from './probe-script.ts';
import { probeQueues, type ProbeBudget } from './probe.ts';
import { readyAtMs } from './ready-at.ts';
import { createRememberedSettings, type RememberedSettings } from './remembered-settings.ts';

/** Queues asked about in one call at first; then as many as it was found to have time for, up to the most. */
const queuesPerCall = 100;
const queuesPerCallMax = 1_000;
/** Looked at in one reading, over all queues: each takes a microsecond or two of the server's time. */
const activeJobsPerReading = 10_000;
const activeNamesPerReading = 480;
const namesPerReading = 480;
/** The newest major version of BullMQ of which the layout in Redis is known; where older ones differ, the probe knows both. */
const knownMajorMax = 6;

/**
 * Reads BullMQ queues straight from Redis: those named, or with `*` all that exist under the key prefix. No `Queue` of
 * the library is ever opened, because its constructor writes.
 */
export function createBullmqQueues(parts: {
  redis: RedisConnection;
  queues: readonly string[];
  prefix: string;
  nowMs: () => number;
}): QueueSource {
  const { redis, queues, prefix, nowMs } = parts;
  const listQueues = queues.includes('*')
    ? createQueueFinder(redis, prefix, nowMs)
    : () => Promise.resolve(queues);
  const finishedJobs = createFinishedJobs();
  const settings = createRememberedSettings();
  let busyQueues: readonly string[] | null = null;
  return {
    async read(signal) {
      const names = await listQueues(signal);
      const following = finishedJobs.begin(busyQueues ?? names);
      settings.begin(names);
      const found = { queues: [] as QueueReading[], unreadableQueues: [] as UnreadableQueue[] };
      const busy: string[] = [];
      let budget: ProbeBudget = {
        activeJobs: activeJobsPerReading,
        activeNames: activeNamesPerReading,
        names: namesPerReading,
        busyQueues: busyQueues?.length ?? names.length,
        entries: following.entries,
        nextInLine: following.nextInLine,
      };
      let callSize = queuesPerCall;
      const call = async (first: number) => {
        const asked = names.slice(first, first + callSize);
        const questions = asked.map((name) => ({
          prefix: `${prefix}:${name}:`,
          areSettingsWanted: settings.areWanted(name),
          since: following.since(name),
          isToBeFollowed: following.isToBeFollowed(name),
        }));
        return redis.run('QUEUE_UNREADABLE', signal, async (client) => {
          const atMs = nowMs();
          return { first, asked, atMs, probes: await probeQueues(client, questions, budget, atMs) };
        });
      };
      // Calls follow one another, so that Redis can serve others in between.
      let calling = names.length > 0 ? call(0) : null;
      while (calling !== null) {
        const { first, asked, atMs, probes } = await calling;
        budget = probes.reduce(afterSpending, budget);
        callSize = probes.length < asked.length ? probes.length : 2 * callSize;
        callSize = Math.min(callSize, queuesPerCallMax);
        const next = first + probes.length;
        calling = next < names.length ? call(next) : null;
        // While Redis is at work on the next call.
        probes.forEach((probe, index) => {
          const queue = asked[index] ?? '';
          const reading = toReading(queue, probe, atMs, { following, settings });
          if ('why' in reading) found.unreadableQueues.push(reading);
          else found.queues.push(reading);
          if (probe.error === null && probe.busy !== null) busy.push(queue);
        });
      }
      following.end();
      busyQueues = busy;
      return found;
    },
  };
}

function afterSpending(budget: ProbeBudget, probe: QueueProbe): ProbeBudget {
  if (probe.error !== null || probe.busy === null) return budget;
  const { running, orphanIds, readyJobNames } = probe.busy;
  return {
    ...budget,
    activeJobs: budget.activeJobs - running.length - orphanIds.length,
    activeNames: budget.activeNames - running.filter(({ name }) => name !== null).length,
    names: budget.names - readyJobNames.length,
    busyQueues: budget.busyQueues - 1,
  };
}

function toReading(
  queue: string,
  probe: QueueProbe,
  nowMs: number,
  { following, settings }: { following: Following; settings: RememberedSettings },
): QueueReading | UnreadableQueue {
  if (probe.error !== null) {
    settings.forget(queue);
    return { queue, why: explainError(probe.error) };
  }
  if (probe.settings !== null) {
    const { version } = probe.settings;
    if (version !== null && !isKnown(version)) {
      settings.forget(queue);
      return { queue, why: explainVersion(version) };
    }
    settings.remember(queue, probe.settings);
  }
  const { isPaused, concurrency } = settings.of(queue) ?? noSettings;
  const busy = probe.busy ?? idle;
  const startable = busy.waiting + busy.prioritized + busy.due;
  const readyJobs = isPaused ? 0 : startable;
  const started = busy.active + busy.parents;
  return {
    queue,
    readyJobs,
    // Jobs that were not examined count as active: taking an orphan for active keeps a worker too many, the opposite
    // could interrupt a job.
    activeJobs: busy.active - busy.orphanIds.length,
    orphanedJobs: busy.orphanIds.length,
    delayedJobs: busy.delayed - busy.due,
    pausedJobs: busy.heldBack + (isPaused ? startable : 0),
    isPaused,
    oldestWaitSeconds: readyJobs === 0 ? null : oldestWaitSeconds(busy, nowMs),
    concurrencyLimit: concurrency,
    rateLimitedForSeconds: positiveOrNull(busy.rateLimitedForMs / 1000),
    running: busy.running.map(({ id, worker, processedOn, name }) => ({
      jobId: id,
      worker,
      startedAtMs: processedOn,
      jobName: name,
    })),
    orphanedJobIds: busy.orphanIds,
    // A queue that has jobs but no counter was not filled by BullMQ alone.
    addedJobs: probe.added ?? (probe.busy === null ? 0 : null),
    unfinishedJobs: busy.waiting + busy.heldBack + busy.prioritized + busy.delayed + started,
    readyJobNames: busy.readyJobNames,
    dueSoon: dueSoon(busy, nowMs),
    finished: following.finished(queue, busy),
    stalledJobs: stalledJobs(busy),
  };
}

const noSettings = { isPaused: false, concurrency: null };

const idle: BusyProbe = {
  waiting: 0,
  heldBack: 0,
  prioritized: 0,
  delayed: 0,
  due: 0,
  dueAtMs: [],
  dueSoonCounts: null,
  active: 0,
  parents: 0,
  rateLimitedForMs: 0,
  waitingJobs: [],
  running: [],
  orphanIds: [],
  readyJobNames: [],
  finished: [],
  lastEntry: null,
  nextInLine: [],
  stalled: [],
};

/** Those that were put back since the last reading, and those that run again. */
function stalledJobs({ stalled, running }: BusyProbe): StalledJob[] {
  const stallsOf = new Map<string, number>();
  for (const { id, stalls } of stalled) stallsOf.set(id, stalls ?? 1);
  for (const { id, stalls } of running) if (stalls !== null) stallsOf.set(id, stalls);
  return Array.from(stallsOf, ([jobId, stalls]) => ({ jobId, stalls }));
}

function oldestWaitSeconds({ waitingJobs, due, dueAtMs }: BusyProbe, nowMs: number): number | null {
  const readyTimesMs = [...waitingJobs.map(readyAtMs), (due > 0 ? dueAtMs[0] : null) ?? null];
  const known = readyTimesMs.filter((timeMs) => timeMs !== null);
  // A job that was promoted by hand is ready before its time; so is one of a producer whose clock is ahead.
  return known.length === 0 ? null : Math.max(0, nowMs - Math.min(...known)) / 1000;
}

/** Times of jobs that become ready soon are told to a step, so that any number of them is a short list. */
function dueSoon({ dueAtMs, dueSoonCounts }: BusyProbe, nowMs: number): DueJobs[] {
  const counts = [...(dueSoonCounts ?? [])];
  for (const atMs of dueSoonCounts === null ? dueAtMs : []) {
    const step = Math.floor((atMs - nowMs) / dueStepMs);
    if (atMs > nowMs) counts[step] = (counts[step] ?? 0) + 1;
  }
  const due: DueJobs[] = [];
  // What is not in a sparse list is passed over.
  counts.forEach((jobs, step) => {
    if (jobs > 0) due.push({ dueAtMs: nowMs + step * dueStepMs, jobs });
  });
  return due;
}

function positiveOrNull(value: number): number | null {
  return value > 0 ? value : null;
}

function isKnown(version: string): boolean {
  const major = /^bullmq:(\d+)(\.|$)/.exec(version)?.[1];
  return major !== undefined && Number(major) <= knownMajorMax;
}

function explainVersion(version: string): string {
  return (
    `it was opened by “${version}”, and how that keeps its jobs is not known here ` +
    `(only BullMQ up to ${knownMajorMax} is): upgrade the autoscaler, or take the queue off its list`
  );
}

function explainError(error: string): string {
  const advice = error.includes('WRONGTYPE')
    ? 'something other than BullMQ wrote this key: rename or delete it, or use another QUEUE_PREFIX'
    : /NOPERM|user executing the script/.test(error)
      ? 'the Redis user must be allowed to read this key'
      : error.includes('CROSSSLOT')
        ? 'set QUEUE_PREFIX to one with a hash tag, as {bull}, here and in the workers'
        : 'look at this key with redis-cli';
  return `${error}: ${advice}`;
}
