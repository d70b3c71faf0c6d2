import { movedAt, stuckSeconds, suspectedAfterSeconds } from '../stuck-jobs.ts';
import type { Observation, Policy, QueueReading } from '../types.ts';
import { followCap, hasIdleSlots } from './cap.ts';
import { demandOf, type Demand } from './demand.ts';
import { addToHistory, flowSince, historySeconds } from './history.ts';
import type { CapMemory, LearnedMemory, QueueMemory, ServiceMemory } from './memory.ts';
import { timesOf } from './boots.ts';
import type { Pool } from './pool.ts';
import {
  boundedServices,
  learnServiceTimes,
  serviceTimes,
  type ServiceTimes,
} from './service-times.ts';

/** Of more queues in use than this, only the busiest have a history. */
const rememberedQueuesMax = 32;
/** Share of the slots that is busy when a worker between two jobs is not counted as idle. */
const fullShare = 0.9;

/** A queue that is in use, with what it asks for and what stands in the way. */
export type QueueState = {
  readonly reading: QueueReading;
  readonly demand: Demand;
  readonly cap: CapMemory | null;
  readonly isStuck: boolean;
  /** Whether its jobs stall, and hardly any end. */
  readonly isStalling: boolean;
  readonly movedAtMs: number;
  readonly times: ServiceTimes;
};

/** Learns from every queue that could be read; of those that could not, what was known stays as it is. */
export function followQueues(
  { queues: readings, unreadableQueues }: Observation,
  policy: Policy,
  memory: LearnedMemory,
  pool: Pool,
  stallingQueues: ReadonlySet<string>,
): { readonly states: readonly QueueState[] } & Pick<LearnedMemory, 'queues' | 'services'> {
  const known = new Map(memory.queues.map((queue) => [queue.queue, queue]));
  const services = byQueue(memory.services);
  const inUse = readings.filter((reading) => isInUse(reading, known.get(reading.queue)));
  const withHistory = busiest(inUse);
  const priorSeconds = priorServiceSeconds(policy, pool);
  const unknownSeconds = meanOfAll(memory.services) ?? priorSeconds;

  const states: QueueState[] = [];
  const queues: QueueMemory[] = [];
  for (const reading of inUse) {
    const isFollowed = withHistory === null || withHistory.has(reading);
    const before = isFollowed ? known.get(reading.queue) : undefined;
    const recently = isRecent(before, pool) ? before : undefined;
    const flow = flowSince(recently, reading, pool.nowMs);
    const learned = learnServiceTimes(services.get(reading.queue) ?? [], reading, flow, pool.nowMs);
    if (learned.length > 0) services.set(reading.queue, learned);
    const prior = isFollowed ? priorSeconds : unknownSeconds;
    const times = serviceTimes(learned, reading.running, prior, pool.nowMs);
    const slots = pool.readyWorkers * pool.slotsPerWorker;
    const isFull = slots > 0 && reading.activeJobs >= fullShare * slots;
    const now = { ...pool, activeJobs: reading.activeJobs, isFull };
    const span = historySeconds(policy.targetWaitSeconds);
    const bins = isFollowed ? addToHistory(before?.bins ?? [], flow, now, span) : [];
    const demand = demandOf(reading, bins, times, pool, policy);
    const movedAtMs = movedAt(recently, reading, flow, pool.nowMs);
    const queue = {
      ...{ queue: reading.queue, readAtMs: pool.nowMs, bins, movedAtMs },
      ...{ readyJobs: reading.readyJobs, activeJobs: reading.activeJobs },
      ...{ addedJobs: reading.addedJobs, unfinishedJobs: reading.unfinishedJobs },
      idleSlotsSinceMs: hasIdleSlots(bins, reading.readyJobs, pool)
        ? (recently?.idleSlotsSinceMs ?? pool.nowMs)
        : null,
      cap: before?.cap ?? null,
    };
    const bootSeconds = timesOf(pool.boots).meanSeconds;
    const cap = isFollowed
      ? followCap(queue, { ...pool, bootSeconds, wanted: demand.lower })
      : null;
    const whole = learned.find(({ jobName }) => jobName === null);
    const isStuck = stuckSeconds(reading, movedAtMs, whole, pool.nowMs) >= suspectedAfterSeconds;
    const isStalling = stallingQueues.has(reading.queue);
    states.push({ reading, demand, cap, isStuck, isStalling, movedAtMs, times });
    if (isFollowed) queues.push({ ...queue, cap });
  }
  const unread = new Set(unreadableQueues.map(({ queue }) => queue));
  const kept = memory.queues.filter(({ queue }) => unread.has(queue));
  return {
    states,
    queues: [...queues, ...kept].slice(0, 2 * rememberedQueuesMax),
    services: boundedServices([...services.values()].flat()),
  };
}

/** A queue is of no interest once nothing is in it and nothing happened in it for the length of its history. */
function isInUse(reading: QueueReading, known: QueueMemory | undefined): boolean {
  const { readyJobs, activeJobs, dueSoon } = reading;
  if (readyJobs + activeJobs + dueSoon.length > 0) return true;
  return (
    known !== undefined &&
    (known.cap !== null ||
      known.bins.some(({ arrivals, completions }) => arrivals + completions > 0))
  );
}

function byQueue(services: readonly ServiceMemory[]): Map<string, readonly ServiceMemory[]> {
  const grouped = new Map<string, ServiceMemory[]>();
  for (const service of services) {
    const group = grouped.get(service.queue);
    if (group === undefined) grouped.set(service.queue, [service]);
    else group.push(service);
  }
  return grouped;
}

/** Null when all of them are few enough. */
function busiest(inUse: readonly QueueReading[]): ReadonlySet<QueueReading> | null {
  if (inUse.length <= rememberedQueuesMax) return null;
  const busy = inUse.toSorted(
    (one, other) => other.readyJobs + other.activeJobs - one.readyJobs - one.activeJobs,
  );
  return new Set(busy.slice(0, rememberedQueuesMax));
}

function isRecent(before: QueueMemory | undefined, { nowMs, continuitySeconds }: Pool): boolean {
  if (before === undefined) return false;
  const gapMs = nowMs - before.readAtMs;
  return gapMs >= 0 && gapMs <= continuitySeconds * 1000;
}

/** Of a queue that nobody knows: one worker handles its share of jobs within the time a job may wait. */
function priorServiceSeconds(
  { targetWaitSeconds, eventsPerWorker }: Policy,
  { slotsPerWorker }: Pool,
): number {
  return (slotsPerWorker * targetWaitSeconds) / eventsPerWorker;
}

function meanOfAll(services: readonly ServiceMemory[]): number | null {
  let busySeconds = 0;
  let completions = 0;
  for (const service of services) {
    if (service.jobName !== null) continue;
    busySeconds += service.busySeconds;
    completions += service.completions;
  }
  return completions >= 20 ? busySeconds / completions : null;
}
