import { whyStalling } from '../stalls.ts';
import { whyStuck } from '../stuck-jobs.ts';
import type { Policy } from '../types.ts';
import { asChosen, counted, spoken } from '../words.ts';
import type { Demand } from './demand.ts';
import type { Pool } from './pool.ts';
import type { QueueState } from './queues.ts';

/** Why the learned policy recommends this number, in one sentence. */
export function recommendation(
  workers: number,
  demands: readonly Demand[],
  pool: Pool,
  { targetWaitSeconds }: Policy,
  {
    held,
    recoverableJobs,
    runningJobs,
  }: {
    readonly held: number;
    readonly recoverableJobs: number;
    readonly runningJobs: number;
  },
): string {
  const { servingWorkers } = pool;
  const lowest = demands.reduce<Demand | null>(
    (most, each) => (most === null || each.lower > most.lower ? each : most),
    null,
  );
  const highest = demands.reduce<Demand | null>(
    (most, each) => (most === null || each.upper > most.upper ? each : most),
    null,
  );
  if (lowest !== null && lowest.lower === workers && workers > servingWorkers)
    return growth(workers, lowest, targetWaitSeconds, demands.length > 1);
  if (workers === 0) return nobody(demands, targetWaitSeconds);
  if (lowest !== null && highest !== null && workers <= highest.upper)
    return workers < servingWorkers
      ? reduction(workers, lowest, highest, targetWaitSeconds)
      : keeping(workers, lowest, highest, targetWaitSeconds);
  if (workers === 1 && runningJobs > 0)
    return `${counted(runningJobs, 'job')} ${runningJobs === 1 ? 'is' : 'are'} still running`;
  if (workers === 1 && recoverableJobs > 0)
    return `only a worker can recover ${counted(recoverableJobs, 'orphaned job')}`;
  return held >= workers
    ? `the arrivals kept ${counted(held, 'worker')} busy less than 30s ago`
    : watching(pool);
}

function nobody(demands: readonly Demand[], targetWaitSeconds: number): string {
  const waiting = demands.find(({ readyJobs }) => readyJobs > 0);
  if (waiting === undefined) return 'no job is ready or running';
  const them = waiting.readyJobs === 1 ? 'it' : 'them';
  return `${workOf(waiting, demands.length > 1)}; a worker ordered later still starts ${them} within ${asChosen(targetWaitSeconds)}`;
}

function growth(
  workers: number,
  demand: Demand,
  targetWaitSeconds: number,
  isOneOfMany: boolean,
): string {
  const work = workOf(demand, isOneOfMany);
  if (demand.lowerBy === 'drain')
    return `${work}: enough for ${counted(workers, 'worker')} to be worth starting`;
  return `${work}; ${startThem(workers, demand, targetWaitSeconds)}`;
}

function keeping(
  workers: number,
  lowest: Demand,
  highest: Demand,
  targetWaitSeconds: number,
): string {
  if (highest.upperBy === 'work')
    return `every worker has at least 15s of work left, so ${kept(workers)}`;
  if (highest.upperBy === 'old-jobs') return oldJobs(workers, highest, targetWaitSeconds);
  if (lowest.lower === workers)
    return `${workOf(lowest, false)}; ${startThem(workers, lowest, targetWaitSeconds)}`;
  return `${arrivalsOf(highest)} are likely to need ${counted(highest.upper, 'worker')} again soon, so ${kept(workers)}`;
}

function reduction(
  workers: number,
  lowest: Demand,
  highest: Demand,
  targetWaitSeconds: number,
): string {
  if (highest.upperBy === 'work')
    return `${workOf(highest, false)}: ${counted(workers, 'worker')} ${workers === 1 ? 'is' : 'are'} busy with it`;
  if (highest.upperBy === 'old-jobs') return oldJobs(workers, highest, targetWaitSeconds);
  if (highest.upperBy === 'arrivals')
    return `${arrivalsOf(highest)} need no more than ${counted(workers, 'worker')}`;
  return `${workOf(lowest, false)}; ${startThem(workers, lowest, targetWaitSeconds)}`;
}

function oldJobs(workers: number, demand: Demand, targetWaitSeconds: number): string {
  return `${workOf(demand, false)}: ${counted(workers, 'worker')} ${workers === 1 ? 'starts' : 'start'} what can still start within ${asChosen(targetWaitSeconds)}`;
}

function workOf(
  { queue, readyJobs, workSeconds, meanServiceSeconds, isGuess }: Demand,
  isNamed: boolean,
): string {
  const where = isNamed ? ` in ${queue}` : '';
  const length = (seconds: number) => `${short(seconds)} each${isGuess ? ', a guess' : ''}`;
  if (readyJobs === 0)
    return `no job is ready${where}, but more are on their way (${length(meanServiceSeconds)})`;
  const are = readyJobs === 1 ? 'is' : 'are';
  return `${counted(readyJobs, 'ready job')}${where} ${are} ${short(workSeconds)} of work (${length(workSeconds / readyJobs)})`;
}

function kept(workers: number): string {
  return `${workers} ${workers === 1 ? 'is' : 'are'} kept`;
}

function arrivalsOf({ arrivalsPerSecond, meanServiceSeconds }: Demand): string {
  return `${figure(arrivalsPerSecond)} jobs/s of ${short(meanServiceSeconds)} each`;
}

function startThem(
  workers: number,
  { readyJobs, isEnough }: Demand,
  targetWaitSeconds: number,
): string {
  const inTime = `within ${asChosen(targetWaitSeconds)}`;
  if (!isEnough)
    return `not even ${counted(workers, 'worker')} can start ${readyJobs === 1 ? 'it' : 'all of them'} ${inTime}`;
  return `${counted(workers, 'worker')} ${workers === 1 ? 'starts' : 'start'} ${readyJobs === 1 ? 'it' : 'them'} ${inTime}`;
}

function watching({ nowMs, watchedSinceMs }: Pool): string {
  return `watched for only ${spoken((nowMs - watchedSinceMs) / 1000)} so far, too short to remove anyone`;
}

/** What keeps more workers from helping a queue. */
export type Obstacle =
  'queue-concurrency' | 'queue-rate-limit' | 'ineffective-workers' | 'stuck-jobs';

/** Why an obstacle changed the number, of the queues that have it. */
export function limitation(step: Obstacle, states: readonly QueueState[], pool: Pool): string {
  const names = states.map(({ reading }) => reading.queue).join(', ');
  switch (step) {
    case 'queue-concurrency': {
      const caps = states.map(
        ({ reading }) =>
          `${reading.queue} runs at most ${counted(reading.concurrencyLimit ?? 0, 'job')} at once`,
      );
      return `${caps.join(', ')}: more workers for that would idle`;
    }
    case 'queue-rate-limit':
      return `${names} at the rate limit: more workers could not start more of those jobs now`;
    case 'stuck-jobs': {
      const stuck = states
        .filter(({ isStuck }) => isStuck)
        .map(({ reading, movedAtMs }) => ({ reading, seconds: (pool.nowMs - movedAtMs) / 1000 }));
      const stalling = states.filter(({ isStuck }) => !isStuck);
      const why = [...whyStuck(stuck), ...whyStalling(stalling)].join(', ');
      return `${why}: more workers would not help`;
    }
    case 'ineffective-workers': {
      const isIdle = states.some(({ cap }) => cap?.why === 'idle-slots');
      return isIdle
        ? `jobs of ${names} wait although workers are free: more workers would idle as well`
        : `${names} got no faster with more workers, so more would not help`;
    }
  }
}

export function interruptions(atRisk: number, { readyWorkers }: Pool): string {
  const perWorker = atRisk / Math.max(1, readyWorkers);
  return `each worker removed now would interrupt about ${figure(perWorker)} running jobs`;
}

function short(seconds: number): string {
  return seconds < 90 ? `${figure(seconds)}s` : spoken(seconds);
}

/** Two or three digits are enough for a sentence. */
function figure(value: number): string {
  if (value >= 10) return String(Math.round(value));
  return String(Number(value.toPrecision(2)));
}
