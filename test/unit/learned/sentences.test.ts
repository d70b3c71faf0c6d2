import { describe, expect, test } from 'vitest';
import type { Demand } from '../../../src/decision/learned/demand.ts';
import { followPool } from '../../../src/decision/learned/pool.ts';
import { nothingLearned } from '../../../src/decision/learned/memory.ts';
import type { QueueState } from '../../../src/decision/learned/queues.ts';
import * as say from '../../../src/decision/learned/sentences.ts';
import type { QueueReading } from '../../../src/decision/types.ts';
import { observation, policy, reading, startMs } from '../../support/builders.ts';

const wishes = policy({ targetWaitSeconds: 120 });

/** A pool of so many workers, watched for twenty seconds. */
function pool(workers: number) {
  const seen = observation(0, {
    currentWorkers: workers,
    workers: { readyWorkers: workers, concurrency: 5, protection: 'none', handedBackJobs: null },
  });
  const memory = { ...nothingLearned, seenAtMs: startMs, watchedSinceMs: startMs - 20_000 };
  return followPool(seen, wishes, memory, 0);
}

const demand = (known: Partial<Demand>): Demand => ({
  ...{ queue: 'emails', readyJobs: 0, workSeconds: 0, meanServiceSeconds: 1, isGuess: false },
  ...{ arrivalsPerSecond: 0, lower: 0, lowerBy: 'deadlines', isEnough: true },
  ...{ upper: 0, upperBy: 'deadlines', busy: 0, ...known },
});

/** Why so many workers are recommended where so many serve. */
function why(
  [serving, workers]: readonly [number, number],
  demands: readonly Partial<Demand>[],
  known: Partial<Parameters<typeof say.recommendation>[4]> = {},
): string {
  const circumstances = { held: 0, recoverableJobs: 0, runningJobs: 0, ...known };
  return say.recommendation(workers, demands.map(demand), pool(serving), wishes, circumstances);
}

/** So many ready jobs of five seconds each. */
const jobs = (readyJobs: number) => ({ readyJobs, workSeconds: 5 * readyJobs });

describe('more workers', () => {
  const three = { lower: 3, upper: 3 };

  test('start in time what waits', () => {
    expect(why([2, 3], [{ ...jobs(900), ...three }])).toBe(
      '900 ready jobs are 75m of work (5s each); 3 workers start them within 2m',
    );
    expect(why([0, 1], [{ ...jobs(1), lower: 1, upper: 1, isGuess: true }])).toBe(
      '1 ready job is 5s of work (5s each, a guess); 1 worker starts it within 2m',
    );
  });

  test('start in time what is on its way', () => {
    expect(why([2, 3], [three])).toBe(
      'no job is ready, but more are on their way (1s each); 3 workers start them within 2m',
    );
  });

  test('may not be enough', () => {
    expect(why([2, 3], [{ ...jobs(900), ...three, isEnough: false }])).toBe(
      '900 ready jobs are 75m of work (5s each); not even 3 workers can start all of them within 2m',
    );
    expect(why([0, 1], [{ ...jobs(1), lower: 1, upper: 1, isEnough: false }])).toBe(
      '1 ready job is 5s of work (5s each); not even 1 worker can start it within 2m',
    );
  });

  test('are worth starting for short waits', () => {
    expect(why([2, 3], [{ ...jobs(900), ...three, lowerBy: 'drain' }])).toBe(
      '900 ready jobs are 75m of work (5s each): enough for 3 workers to be worth starting',
    );
  });

  test('are for the queue that asks for most, which is named if it is one of many', () => {
    const others = [{ lower: 1, upper: 4 }, { ...jobs(900), ...three, queue: 'reports' }, {}];
    expect(why([2, 3], others)).toBe(
      '900 ready jobs in reports are 75m of work (5s each); 3 workers start them within 2m',
    );
    expect(why([2, 3], [{}, { ...three, queue: 'reports' }])).toBe(
      'no job is ready in reports, but more are on their way (1s each); 3 workers start them within 2m',
    );
  });
});

describe('as many workers', () => {
  test('are kept while each has work', () => {
    const busy = { ...jobs(90), lower: 1, upper: 4, upperBy: 'work' } as const;
    expect(why([4, 4], [busy])).toBe('every worker has at least 15s of work left, so 4 are kept');
    expect(why([1, 1], [busy])).toBe('every worker has at least 15s of work left, so 1 is kept');
  });

  test('are kept for jobs that have waited for long', () => {
    const old = { ...jobs(10), lower: 1, upper: 4, upperBy: 'old-jobs' } as const;
    expect(why([4, 4], [old])).toBe(
      '10 ready jobs are 50s of work (5s each): 4 workers start what can still start within 2m',
    );
    expect(why([1, 1], [old])).toBe(
      '10 ready jobs are 50s of work (5s each): 1 worker starts what can still start within 2m',
    );
  });

  test('start in time what waits', () => {
    expect(why([3, 3], [{ ...jobs(900), lower: 3, upper: 3 }])).toBe(
      '900 ready jobs are 75m of work (5s each); 3 workers start them within 2m',
    );
  });

  test('are kept for what is likely to come', () => {
    const likely = { lower: 1, upper: 5, upperBy: 'arrivals', arrivalsPerSecond: 9.4567 } as const;
    expect(why([4, 4], [likely])).toBe(
      '9.5 jobs/s of 1s each are likely to need 5 workers again soon, so 4 are kept',
    );
    const few = { ...likely, upper: 1, arrivalsPerSecond: 0.01234, meanServiceSeconds: 90 };
    expect(why([1, 1], [{ ...few, lower: 0 }])).toBe(
      '0.012 jobs/s of 2m each are likely to need 1 worker again soon, so 1 is kept',
    );
  });

  test('are kept for a while after they were needed', () => {
    expect(why([4, 4], [{ upper: 2 }], { held: 4 })).toBe(
      'the arrivals kept 4 workers busy less than 30s ago',
    );
    expect(why([1, 1], [{}], { held: 1 })).toBe(
      'the arrivals kept 1 worker busy less than 30s ago',
    );
  });

  test('are kept until the pool has been watched for long enough', () => {
    const short = 'watched for only 20s so far, too short to remove anyone';
    expect(why([4, 4], [{ upper: 2 }])).toBe(short);
    expect(why([4, 4], [{}])).toBe(short);
    expect(why([4, 4], [])).toBe(short);
    expect(why([2, 2], [{ upper: 1 }], { held: 1 })).toBe(short);
    expect(why([1, 1], [])).toBe(short);
  });

  test('are one while jobs run', () => {
    const circumstances = { recoverableJobs: 1, held: 1 };
    expect(why([1, 1], [{}], { ...circumstances, runningJobs: 1 })).toBe('1 job is still running');
    expect(why([0, 1], [{}], { runningJobs: 2 })).toBe('2 jobs are still running');
    expect(why([4, 1], [{}], { runningJobs: 2 })).toBe('2 jobs are still running');
    expect(why([4, 4], [{}], { runningJobs: 2 })).toMatch(/^watched for only/);
  });
});

describe('no worker', () => {
  test('is needed when nothing waits or runs', () => {
    expect(why([0, 0], [])).toBe('no job is ready or running');
    expect(why([0, 0], [{}])).toBe('no job is ready or running');
  });

  test('is needed as long as one that is ordered later starts in time what waits', () => {
    expect(why([0, 0], [jobs(1)])).toBe(
      '1 ready job is 5s of work (5s each); a worker ordered later still starts it within 2m',
    );
    expect(why([0, 0], [{}, { ...jobs(7), queue: 'reports' }])).toBe(
      '7 ready jobs in reports are 35s of work (5s each); a worker ordered later still starts them within 2m',
    );
  });
});

describe('fewer workers', () => {
  test('are enough when nothing is to be done', () => {
    expect(why([4, 0], [])).toBe('no job is ready or running');
    expect(why([4, 0], [{}])).toBe('no job is ready or running');
  });

  test('are one for a job that only a worker can recover', () => {
    const recoverable = { recoverableJobs: 2 };
    expect(why([4, 1], [], recoverable)).toBe('only a worker can recover 2 orphaned jobs');
    expect(why([4, 1], [{}], recoverable)).toBe('only a worker can recover 2 orphaned jobs');
    expect(why([4, 4], [{}], recoverable)).toMatch(/^watched for only/);
    // What asks for more than one has reasons of its own.
    expect(why([4, 1], [{ ...jobs(2), lower: 1, upper: 1 }], recoverable)).toMatch(/^2 ready jobs/);
  });

  test('were kept busy a moment ago, and no more', () => {
    expect(why([4, 2], [{ lower: 1, upper: 1 }], { held: 2 })).toBe(
      'the arrivals kept 2 workers busy less than 30s ago',
    );
    expect(why([4, 2], [{ ...jobs(2), lower: 1, upper: 2, upperBy: 'work' }], { held: 2 })).toBe(
      '2 ready jobs are 10s of work (5s each): 2 workers are busy with it',
    );
    expect(why([4, 1], [{ ...jobs(2), lower: 0, upper: 1, upperBy: 'work' }])).toBe(
      '2 ready jobs are 10s of work (5s each): 1 worker is busy with it',
    );
  });

  test('are enough for what arrives', () => {
    const steady = { lower: 1, upper: 2, upperBy: 'arrivals', arrivalsPerSecond: 12.3 } as const;
    expect(why([4, 2], [steady])).toBe('12 jobs/s of 1s each need no more than 2 workers');
  });

  test('start what has waited for long', () => {
    expect(why([4, 2], [{ ...jobs(10), lower: 1, upper: 2, upperBy: 'old-jobs' }])).toBe(
      '10 ready jobs are 50s of work (5s each): 2 workers start what can still start within 2m',
    );
  });

  test('start in time what waits', () => {
    expect(why([4, 2], [{ ...jobs(20), lower: 2, upper: 2 }])).toBe(
      '20 ready jobs are 2m of work (5s each); 2 workers start them within 2m',
    );
  });

  test('are explained by the queue that needs most', () => {
    const most = { ...jobs(2), lower: 1, upper: 2, upperBy: 'work' } as const;
    expect(why([4, 2], [{ upper: 1 }, most, { upper: 2 }])).toMatch(/^2 ready jobs/);
  });
});

describe('what stands in the way of more workers', () => {
  const state = (queue: string, known: Partial<QueueState>, read: Partial<QueueReading> = {}) =>
    ({
      ...{ reading: reading({ queue, ...read }), cap: null },
      ...{ isStuck: false, isStalling: false, movedAtMs: startMs },
      ...known,
    }) as QueueState;
  const cap = (reason: 'idle-slots' | 'no-gain') =>
    ({ why: reason, workers: 2 }) as QueueState['cap'];

  test.each<[say.Obstacle, QueueState[], string]>([
    [
      'queue-concurrency',
      [state('a', {}, { concurrencyLimit: 1 }), state('b', {}, { concurrencyLimit: 20 })],
      'a runs at most 1 job at once, b runs at most 20 jobs at once: more workers for that would idle',
    ],
    [
      'queue-rate-limit',
      [state('a', {}), state('b', {})],
      'a, b at the rate limit: more workers could not start more of those jobs now',
    ],
    [
      'ineffective-workers',
      [state('a', { cap: cap('no-gain') })],
      'a got no faster with more workers, so more would not help',
    ],
    [
      'ineffective-workers',
      [state('a', {}), state('b', { cap: cap('no-gain') }), state('c', { cap: cap('idle-slots') })],
      'jobs of a, b, c wait although workers are free: more workers would idle as well',
    ],
    [
      'stuck-jobs',
      [
        state('a', { isStuck: true, movedAtMs: startMs - 90_000 }, { activeJobs: 3 }),
        state('b', { isStalling: true }),
      ],
      'no job of a has ended for 2m while 3 jobs run, jobs of b stall again and again: more workers would not help',
    ],
  ])('%s %#', (step, states, sentence) => {
    expect(say.limitation(step, states, pool(2))).toBe(sentence);
  });

  test('running jobs, by how many a removal would interrupt', () => {
    expect(say.interruptions(3, pool(4))).toBe(
      'each worker removed now would interrupt about 0.75 running jobs',
    );
    expect(say.interruptions(3, pool(0))).toBe(
      'each worker removed now would interrupt about 3 running jobs',
    );
    expect(say.interruptions(398, pool(4))).toBe(
      'each worker removed now would interrupt about 100 running jobs',
    );
    expect(say.interruptions(40, pool(4))).toBe(
      'each worker removed now would interrupt about 10 running jobs',
    );
  });
});
