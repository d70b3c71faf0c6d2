import { describe, expect, test } from 'vitest';
import { demandOf } from '../../../src/decision/learned/demand.ts';
import type { Bin } from '../../../src/decision/learned/memory.ts';
import type { QueueReading } from '../../../src/decision/types.ts';
import { policy, reading, startMs } from '../../support/builders.ts';
import { bin, fiveSlotted } from '../../support/learned.ts';

/** Jobs of two seconds. */
const times = {
  meanSeconds: 2,
  of: () => ({ meanSeconds: 2, recentSeconds: [2], longestSeconds: 2 }),
};

type Known = Partial<QueueReading> & {
  readonly pool?: Parameters<typeof fiveSlotted>[0];
  readonly maxWorkers?: number;
  readonly bins?: readonly Bin[];
};

/** What a queue asks for of two workers, unless a test says more. */
function ask({ pool = {}, maxWorkers = 50, bins = [], ...queue }: Known) {
  const { targetWaitSeconds = 120 } = pool;
  const wishes = policy({ targetWaitSeconds, maxWorkers });
  return demandOf(reading(queue), bins, times, fiveSlotted(pool), wishes);
}

/** A minute of bins of 5 s, the last one ending now, all alike but for those told from the youngest on. */
function minute(known: Partial<Bin>, youngest: readonly Partial<Bin>[] = []): Bin[] {
  return Array.from({ length: 12 }, (_, index) =>
    bin({ untilMs: startMs - (11 - index) * 5000, ...known, ...youngest[11 - index] }),
  );
}

test('a queue in which nothing waits or comes asks for nobody', () => {
  expect(ask({})).toEqual({
    ...{ queue: 'emails', readyJobs: 0, workSeconds: 0, meanServiceSeconds: 2, isGuess: false },
    ...{ arrivalsPerSecond: 0, lower: 0, lowerBy: 'deadlines', isEnough: true },
    ...{ upper: 0, upperBy: 'deadlines', busy: 0 },
  });
});

describe('workers are kept for the jobs that wait', () => {
  const aged = (readyJobs: number, oldestWaitSeconds: number, known: Known = {}) =>
    ask({ pool: { workers: 10 }, readyJobs, oldestWaitSeconds, ...known });

  test('as many as start them in time', () => {
    // 200 s of work within 10 s, on five slots each.
    expect(aged(100, 110)).toMatchObject({ lower: 1, upper: 4, upperBy: 'old-jobs' });
    expect(aged(101, 110).upper).toBe(5);
  });

  test('together with those before them in the line, even if these are too late', () => {
    const twoBatches = (oldSeconds: number, youngSeconds: number) =>
      aged(100, oldSeconds, {
        bins: [oldSeconds, youngSeconds].map((seconds) =>
          bin({ untilMs: startMs - (seconds - 5) * 1000, arrivals: 50 }),
        ),
      }).upper;
    expect(twoBatches(115, 20)).toBe(4);
    expect(twoBatches(115, 112)).toBe(5);
    expect(twoBatches(120, 112)).toBe(5);
    expect(twoBatches(130, 112)).toBe(5);
  });

  test('but not for those that are all too late', () => {
    expect(aged(100, 120).upper).toBe(3);
    expect(aged(1, 130).upper).toBe(1);
  });

  test('while each has a quarter of a minute of work', () => {
    expect(aged(45, 0).upper).toBe(1);
    expect(aged(46, 0)).toMatchObject({ upper: 2, upperBy: 'work' });
    expect(aged(82, 0).upper).toBe(2);
    expect(aged(83, 0).upper).toBe(3);
  });

  test('but for no more than serve', () => {
    expect(aged(1000, 110)).toMatchObject({ upper: 10, upperBy: 'work' });
    expect(aged(1000, 110, { pool: { workers: 10, servingWorkers: 8 } }).upper).toBe(8);
  });
});

describe('workers that the arrivals keep busy', () => {
  const arriving = (perSecond: number, peakActive = 0, youngest: readonly Partial<Bin>[] = []) =>
    ask({ pool: { workers: 10 }, bins: minute({ arrivals: 5 * perSecond, peakActive }, youngest) });

  test('are counted by the slots that the work of a second fills', () => {
    expect(arriving(10, 50)).toMatchObject({ arrivalsPerSecond: 10, busy: 4 });
    expect(arriving(9.8, 50).busy).toBe(4);
    expect(arriving(9.6, 50).busy).toBe(3);
  });

  test('are kept, and some more to be ready for what may come', () => {
    expect(arriving(10, 50)).toMatchObject({ upperBy: 'arrivals' });
    expect(arriving(10, 50).upper).toBeGreaterThanOrEqual(4);
    expect(arriving(10, 50).lower).toBeLessThan(4);
  });

  test('are never more than were busy at once during the last boot time', () => {
    expect(arriving(10, 11)).toMatchObject({ busy: 3, upper: 3, upperBy: 'arrivals' });
    expect(arriving(10, 10)).toMatchObject({ busy: 2, upper: 2 });
    const peakAt = (position: number) =>
      arriving(
        10,
        5,
        minute({}).map((_, index) => (index === position ? { peakActive: 16 } : {})),
      ).busy;
    expect(peakAt(0)).toBe(4);
    // The bin that begins a boot time ago is the last that counts.
    expect(peakAt(7)).toBe(4);
    expect(peakAt(8)).toBe(1);
  });

  test('may be any number when all were busy, or the queue is not known for so long', () => {
    expect(arriving(10, 5, [{ isFull: true }]).busy).toBe(4);
    const short = minute({ arrivals: 50, peakActive: 5 });
    expect(ask({ pool: { workers: 10 }, bins: short.slice(-8) }).busy).toBe(1);
    const tooShort = ask({
      pool: { workers: 10 },
      bins: minute({ arrivals: 100, peakActive: 5 }).slice(-7),
    });
    expect(tooShort.busy).toBeGreaterThan(1);
  });
});

describe('workers are ordered for the deadlines', () => {
  test('of jobs that will be ready before a worker ordered at the next look', () => {
    const dueIn = (seconds: number, known: Known = {}) =>
      ask({ dueSoon: [{ dueAtMs: startMs + seconds * 1000, jobs: 1000 }], ...known }).lower;
    // Boots take 40 ± 1 s, and the next look is in 5 s.
    expect(dueIn(45)).toBeGreaterThan(2);
    expect(dueIn(45.6)).toBe(0);
    expect(dueIn(45.6, { pool: { nextLookSeconds: 6 } })).toBeGreaterThan(2);
    // What was due a while ago is due now.
    expect(dueIn(-300)).toBe(dueIn(0));
  });

  test('with what will have come until the workers of the next look are ready', () => {
    const steady = (nextLookSeconds: number) =>
      ask({ pool: { nextLookSeconds }, bins: minute({ arrivals: 200, isFull: true }) }).lower;
    // 80 s of work a second fill sixteen workers, but they need not all be ordered now.
    expect(steady(5)).toBeGreaterThan(3);
    expect(steady(60)).toBeGreaterThan(steady(5));
    expect(steady(60)).toBeLessThanOrEqual(16);
  });

  test('and it is said when even all that are allowed are too few', () => {
    const { lower } = ask({ readyJobs: 3000 });
    expect(lower).toBeGreaterThan(4);
    expect(ask({ readyJobs: 3000, maxWorkers: lower + 1 }).isEnough).toBe(true);
    expect(ask({ readyJobs: 3000, maxWorkers: lower })).toMatchObject({ lower, isEnough: true });
    expect(ask({ readyJobs: 3000, maxWorkers: lower - 1 })).toMatchObject({
      ...{ lower: lower - 1, upper: lower - 1, isEnough: false },
    });
  });
});

describe('nobody is woken', () => {
  const asleep = ({ pool, ...known }: Known) =>
    ask({ pool: { workers: 0, ...pool }, readyJobs: 1, ...known }).lower;

  test('as long as a worker ordered at the next look starts every job in time', () => {
    const rare = { nextLookSeconds: 60 };
    // A slow boot is over 46.7 s from now, on a grid of 5 s, and a job should start within 115 s.
    expect(asleep({ oldestWaitSeconds: 65 })).toBe(0);
    expect(asleep({ oldestWaitSeconds: 66 })).toBe(1);
    expect(asleep({ oldestWaitSeconds: 10, pool: rare })).toBe(0);
    expect(asleep({ oldestWaitSeconds: 11, pool: rare })).toBe(1);
    // Those that no worker ordered now could start in time are woken for, too.
    expect(asleep({ oldestWaitSeconds: 80 })).toBe(1);
    expect(asleep({ oldestWaitSeconds: 500 })).toBe(1);
    expect(asleep({ pool: { targetWaitSeconds: 45 }, oldestWaitSeconds: 0 })).toBe(1);
  });

  test('unless it is more than one worker can do', () => {
    expect(asleep({ readyJobs: 100, oldestWaitSeconds: 0 })).toBe(0);
    expect(asleep({ readyJobs: 400, oldestWaitSeconds: 0 })).toBeGreaterThan(0);
  });

  test('although workers are there, if they had nothing to do', () => {
    const job = { pool: { workers: 1 }, readyJobs: 1, oldestWaitSeconds: 0 };
    expect(asleep({ ...job, bins: minute({}) })).toBe(0);
    expect(asleep({ ...job, bins: minute({ peakActive: 1 }) })).toBe(1);
    expect(asleep(job)).toBe(1);
  });
});

describe('workers that pay for their boot', () => {
  // Ten minutes, which is half of what jobs may wait, are what one worker needs for 3,000 s of work on its five slots.
  const worth = (workSeconds: number, { pool, ...known }: Known = {}) =>
    ask({
      pool: { workers: 1, targetWaitSeconds: 1200, ...pool },
      readyJobs: workSeconds / 2,
      ...known,
    });

  test('are ordered for short waits, one for every four boots of work', () => {
    expect(worth(3798)).toMatchObject({ lower: 2, lowerBy: 'drain' });
    expect(worth(3800).lower).toBe(2);
    expect(worth(4598).lower).toBe(2);
    expect(worth(4600)).toMatchObject({ lower: 3, lowerBy: 'drain', isEnough: true });
  });

  test('the first as soon as the work is worth its own boot', () => {
    expect(worth(3198)).toMatchObject({ lower: 1, lowerBy: 'deadlines' });
    expect(worth(3200)).toMatchObject({ lower: 2, lowerBy: 'drain' });
  });

  test('unless one boots already, or nobody works', () => {
    const booting = { pool: { workers: 2, readyWorkers: 1 } };
    expect(worth(3200, booting).lower).toBe(1);
    expect(worth(4600, booting).lower).toBe(3);
    expect(worth(400, { pool: { workers: 0 } }).lower).toBe(0);
  });

  test('add to those that are ready and serve', () => {
    expect(worth(7000, { pool: { workers: 2, servingWorkers: 1 } }).lower).toBe(6);
    expect(worth(7600, { pool: { workers: 2 } }).lower).toBe(4);
  });

  test('are never more than allowed', () => {
    expect(worth(7600, { maxWorkers: 3 })).toMatchObject({ lower: 3 });
  });
});
