import type { QueueReading, UnreadableQueue } from '../../decision/types.ts';
import type { RedisConnection } from '../../redis.ts';
import type { QueueSource } from '../queue-source.ts';
import { createQueueFinder } from './discovery.ts';
import { probeQueues, type QueueProbe } from './probe.ts';
import { readyAtMs } from './ready-at.ts';

/** Queues read in one call. Calls follow one another, so that Redis can serve others in between. */
const queuesPerCall = 100;
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
  return {
    async read(signal) {
      const names = await listQueues(signal);
      const readings: QueueReading[] = [];
      const unreadableQueues: UnreadableQueue[] = [];
      for (let first = 0; first < names.length; first += queuesPerCall) {
        const chunk = names.slice(first, first + queuesPerCall);
        const prefixes = chunk.map((name) => `${prefix}:${name}:`);
        const { probes, atMs } = await redis.run('QUEUE_UNREADABLE', signal, async (client) => {
          const sentAtMs = nowMs();
          return { probes: await probeQueues(client, prefixes, sentAtMs), atMs: sentAtMs };
        });
        chunk.forEach((queue, index) => {
          const probe = probes[index];
          if (probe === undefined) throw new Error('The probe left out a queue.');
          const reading = toReading(queue, probe, atMs);
          if ('why' in reading) unreadableQueues.push(reading);
          else readings.push(reading);
        });
      }
      return { queues: readings, unreadableQueues };
    },
  };
}

function toReading(
  queue: string,
  probe: QueueProbe,
  nowMs: number,
): QueueReading | UnreadableQueue {
  if (probe.error !== undefined) return { queue, why: explainError(probe.error) };
  const { version, isPaused = false, orphanIds = [], running = [] } = probe;
  const { waiting = 0, heldBack = 0, prioritized = 0, delayed = 0, due = 0, active = 0 } = probe;
  if (version !== undefined && !isKnown(version)) return { queue, why: explainVersion(version) };

  const startable = waiting + prioritized + due;
  const readyJobs = isPaused ? 0 : startable;
  return {
    queue,
    readyJobs,
    // Jobs that were not examined count as active: taking an orphan for active keeps a worker too many, the opposite
    // could interrupt a job.
    activeJobs: active - orphanIds.length,
    orphanedJobs: orphanIds.length,
    delayedJobs: delayed - due,
    pausedJobs: heldBack + (isPaused ? startable : 0),
    isPaused,
    oldestWaitSeconds: readyJobs === 0 ? null : oldestWaitSeconds(probe, nowMs),
    concurrencyLimit: positiveOrNull(Number(probe.concurrency)),
    rateLimitedForSeconds: positiveOrNull((probe.rateLimitedForMs ?? 0) / 1000),
    running: running.map(({ id, worker, processedOn }) => ({
      jobId: id,
      worker: worker ?? null,
      startedAtMs: positiveOrNull(Number(processedOn)),
      jobName: null,
    })),
    orphanedJobIds: orphanIds,
    addedJobs: null,
    unfinishedJobs: null,
    readyJobNames: [],
    dueSoon: [],
    finished: [],
  };
}

function oldestWaitSeconds(
  { waitingJobs = [], due = 0, firstDueAtMs }: Exclude<QueueProbe, { error: string }>,
  nowMs: number,
): number | null {
  const readyTimesMs = [...waitingJobs.map(readyAtMs), due > 0 ? firstDueAtMs : null];
  const known = readyTimesMs.filter((timeMs) => typeof timeMs === 'number');
  // A job that was promoted by hand is ready before its time; so is one of a producer whose clock is ahead.
  return known.length === 0 ? null : Math.max(0, nowMs - Math.min(...known)) / 1000;
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
