import type { Flow } from './learned/history.ts';
import type { QueueMemory, ServiceMemory } from './learned/memory.ts';
import type { LearnedMemory, Observation, QueueReading } from './types.ts';
import { counted, spoken } from './words.ts';

const patienceInServiceTimes = 6;
/** Fewer jobs than this tell nothing for certain of how long they take. */
const knownAfterJobs = 10;

/**
 * How long none must have ended. After a minute jobs are suspected: the learned policy, which may order many workers at
 * once, leaves their number alone meanwhile. After ten it is certain enough to be told, and for the ratio to add none:
 * honest jobs may be long.
 */
export const suspectedAfterSeconds = 60;
const certainAfterSeconds = 600;

/**
 * When a job was last seen to end, or none to run, as far as is known without a gap. Where nobody counts, jobs are taken
 * to end; and those that run where none did at the last look may have begun just now.
 */
export function movedAt(
  before: QueueMemory | undefined,
  { activeJobs, addedJobs, unfinishedJobs }: QueueReading,
  { completions }: Flow,
  nowMs: number,
): number {
  const isCounted = addedJobs !== null && unfinishedJobs !== null;
  if (before === undefined || completions > 0 || !isCounted) return nowMs;
  if (activeJobs === 0 || before.activeJobs === 0) return nowMs;
  return Math.min(before.movedAtMs, nowMs);
}

/**
 * For how long jobs of a queue have run and none has ended, if that is several times what each of the last ones took:
 * then what they depend on hangs, and more workers would hang with them. 0 if it is not, or if nobody knows what they take.
 */
export function stuckSeconds(
  { activeJobs }: QueueReading,
  movedAtMs: number,
  service: ServiceMemory | undefined,
  nowMs: number,
): number {
  if (activeJobs === 0 || service === undefined || service.seen < knownAfterJobs) return 0;
  const meanSeconds = service.busySeconds / Math.max(1, service.completions);
  const usualSeconds = Math.max(meanSeconds, ...service.recentSeconds);
  const seconds = (nowMs - movedAtMs) / 1000;
  return seconds >= patienceInServiceTimes * usualSeconds ? seconds : 0;
}

/** A queue whose jobs are stuck, and for how long. */
export type StuckQueue = { readonly reading: QueueReading; readonly seconds: number };

/** The reason not to add workers for these queues, if there is one. */
export function whyStuck(queues: readonly StuckQueue[]): string[] {
  if (queues.length === 0) return [];
  const names = queues.map(({ reading }) => reading.queue).join(', ');
  const running = queues.reduce((sum, { reading }) => sum + reading.activeJobs, 0);
  const ago = spoken(Math.max(...queues.map(({ seconds }) => seconds)));
  return [`no job of ${names} has ended for ${ago} while ${counted(running, 'job')} run`];
}

/** Queues whose jobs are certainly stuck: for long, and on every worker that is up. */
export function stuckQueues(
  { queues, currentWorkers, workers: { readyWorkers }, observedAtMs }: Observation,
  { queues: known, services }: LearnedMemory,
): readonly StuckQueue[] {
  if (currentWorkers === null) return [];
  return queues.flatMap((reading) => {
    const { queue, activeJobs } = reading;
    const movedAtMs = known.find((each) => each.queue === queue)?.movedAtMs;
    if (movedAtMs === undefined || activeJobs < (readyWorkers ?? currentWorkers)) return [];
    const service = services.find((each) => each.queue === queue && each.jobName === null);
    const seconds = stuckSeconds(reading, movedAtMs, service, observedAtMs);
    return seconds >= certainAfterSeconds ? [{ reading, seconds }] : [];
  });
}
