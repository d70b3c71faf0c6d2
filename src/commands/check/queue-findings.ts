import { distance } from 'fastest-levenshtein';
import type { PoolConfig } from '../../config/load.ts';
import type { OperationalError } from '../../errors.ts';
import type { QueueReading } from '../../decision/types.ts';
import { counted, spoken } from '../../decision/words.ts';
import { fixFrom, ok, problem, problemFrom, warning, type Remark } from './finding.ts';
import { howToLimit, type HowToSet } from './how-to-set.ts';
import { listed } from './listed.ts';
import type { QueueFacts } from './redis-facts.ts';

/** Of queues with nothing to complain about, only so many get a line each. */
const linesMax = 20;

export function judgeQueues(
  pool: PoolConfig,
  { reading, knownQueues }: QueueFacts,
  howToSet: HowToSet,
): readonly Remark[] {
  if (reading.error !== null) return [problemFrom(reading.error)];
  const { queues, unreadableQueues } = reading.value;
  const known = knownQueues.value ?? pool.QUEUES;
  const seen = queues.filter(({ queue }) => known.includes(queue));
  return [
    ...(knownQueues.error === null ? [] : [namesUnknown(knownQueues.error)]),
    ...(pool.QUEUES.includes('*') ? [judgeDiscovery(pool, known)] : judgeNames(pool, known)),
    ...unreadableQueues.map(({ queue, why }) =>
      problem(
        `${queue} cannot be read: ${why}`,
        `Until it can be read, no worker of the pool is removed. ${howToLeaveOut(pool, queue, howToSet)}`,
      ),
    ),
    ...summarize(seen),
    ...seen.flatMap((reading) => judgeQueue(reading, pool, howToSet)),
  ];
}

function namesUnknown(error: OperationalError): Remark {
  return warning(
    `Whether a queue’s name is misspelled cannot be told: ${error.message}`,
    fixFrom(error),
  );
}

function judgeDiscovery({ QUEUE_PREFIX: prefix }: PoolConfig, known: readonly string[]): Remark {
  if (known.length > 0)
    return ok(`* stands for ${counted(known.length, 'queue')}: ${listed(known)}`);
  return warning(
    `No queue has the prefix "${prefix}"`,
    'Compare QUEUE_PREFIX and REDIS_URL with those of the app; a queue appears when a job was added or a worker was started',
  );
}

/** Queues that nobody has ever used look like empty ones, so a misspelled name would go unnoticed. */
function judgeNames(pool: PoolConfig, known: readonly string[]): readonly Remark[] {
  const missing = pool.QUEUES.filter((queue) => !known.includes(queue));
  return missing.map((queue) => {
    const nearestFirst = known.toSorted(
      (one, other) => distance(queue, one) - distance(queue, other),
    );
    return warning(
      `${queue} was never seen: misspelled?`,
      known.length === 0
        ? `No queue has the prefix "${pool.QUEUE_PREFIX}": compare QUEUE_PREFIX and REDIS_URL with those of the app`
        : `Known queues with prefix "${pool.QUEUE_PREFIX}": ${listed(nearestFirst)}`,
    );
  });
}

function howToLeaveOut(pool: PoolConfig, queue: string, howToSet: HowToSet): string {
  const others = pool.QUEUES.filter((name) => name !== queue && name !== '*');
  return others.length === 0
    ? 'Mend it, or list other queues in QUEUES'
    : `Mend it, or leave it out: ${howToSet('QUEUES', others.join(','))}`;
}

function summarize(queues: readonly QueueReading[]): readonly Remark[] {
  const busiestFirst = queues.toSorted((one, other) => other.readyJobs - one.readyJobs);
  const shown = queues.length > linesMax ? busiestFirst.slice(0, linesMax) : queues;
  const more = queues.length - shown.length;
  return [
    ...shown.map((reading) => ok(`${reading.queue}: ${countsOf(reading)}`)),
    ...(more > 0 ? [ok(`${counted(more, 'queue')} more, each with no more jobs than these`)] : []),
  ];
}

function countsOf(reading: QueueReading): string {
  const { oldestWaitSeconds: wait } = reading;
  const ready = counted(reading.readyJobs, 'ready job');
  const oldest = wait === null ? '' : ` (the oldest waits ${spoken(wait)})`;
  return `${ready}${oldest}, ${reading.activeJobs} active, ${reading.delayedJobs} delayed`;
}

function judgeQueue(
  reading: QueueReading,
  pool: PoolConfig,
  howToSet: HowToSet,
): readonly Remark[] {
  const { queue, isPaused, pausedJobs, orphanedJobs, rateLimitedForSeconds } = reading;
  const remarks: Remark[] = [];
  if (isPaused)
    remarks.push(
      warning(
        `${queue} is paused and asks for no workers, with ${counted(pausedJobs, 'job')} in it`,
        `To go on, in the app: await new Queue('${queue}', { connection }).resume()`,
      ),
    );
  if (orphanedJobs > 0)
    remarks.push(
      warning(
        `${queue} has ${counted(orphanedJobs, 'job')} marked as active whose worker is gone (${listed(reading.orphanedJobIds)})`,
        "BullMQ starts them anew a minute or two after a worker is up. To prevent it, let workers finish: process.on('SIGTERM', () => worker.close())",
      ),
    );
  if (rateLimitedForSeconds !== null)
    remarks.push(
      ok(
        `${queue} is at its rate limit for another ${spoken(rateLimitedForSeconds)}: no worker is added for it meanwhile`,
      ),
    );
  return [...remarks, ...judgeConcurrency(reading, pool, howToSet)];
}

function judgeConcurrency(
  { queue, concurrencyLimit }: QueueReading,
  pool: PoolConfig,
  howToSet: HowToSet,
): readonly Remark[] {
  if (concurrencyLimit === null) return [];
  const useful = Math.ceil(concurrencyLimit / (pool.CONCURRENCY ?? 1));
  const limit = `${queue} lets ${counted(concurrencyLimit, 'job')} run at once over all workers (its global concurrency)`;
  const isOnlyQueue = pool.QUEUES.length === 1 && !pool.QUEUES.includes('*');
  if (!isOnlyQueue || useful >= pool.MAX_WORKERS)
    return [ok(`${limit}: at most ${counted(useful, 'worker')} can be of use to it`)];
  return [
    warning(
      `${limit}: of ${pool.MAX_WORKERS} (MAX_WORKERS), only ${useful} can be of use`,
      `${howToLimit(pool, useful, howToSet)}, or in the app: await queue.setGlobalConcurrency(…)`,
    ),
  ];
}
