import { describe, expect, test } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { Memory, Observation, QueueReading } from '../../src/decision/types.ts';
import { memory, observation, policy, reading, startMs } from '../support/builders.ts';
import { ended } from '../support/learned.ts';

const minuteMs = 60_000;
const wishes = policy({ continuitySeconds: 600 });

/** What is found at last, when each minute had the next of the readings. */
function findAfter(
  readings: readonly Partial<QueueReading>[],
  known: Partial<Observation> = { currentWorkers: 2 },
  last: Partial<Observation> = {},
) {
  let remembered: Memory = memory();
  for (const [minute, each] of readings.entries()) {
    const isLast = minute === readings.length - 1;
    const seen = observation(0, {
      ...{ observedAtMs: startMs + minute * minuteMs, queues: [reading(each)] },
      ...known,
      ...(isLast ? last : {}),
    });
    const { decision, memory: next } = decide(seen, wishes, remembered);
    if (isLast) return decision.stuck;
    remembered = next;
  }
  return [];
}

const times = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what);

describe('orphaned jobs', () => {
  const dead = { orphanedJobs: 2, orphanedJobIds: ['8', '9'] };

  test('are stuck when nobody has recovered them for ten minutes', () => {
    expect(findAfter(times(10, dead))).toEqual([]);
    expect(findAfter(times(11, dead))).toEqual([
      {
        queue: 'emails',
        kind: 'orphaned',
        sinceMs: startMs,
        jobIds: ['8', '9'],
        why: 'nobody has recovered 2 orphaned jobs of emails for 10m',
      },
    ]);
  });

  test('of which one is recovered, or died later, are those that are left', () => {
    const one = { orphanedJobs: 1, orphanedJobIds: ['9'] };
    const found = findAfter([...times(6, dead), ...times(6, one)]);
    expect(found).toMatchObject([{ jobIds: ['9'], sinceMs: startMs }]);
    const late = findAfter([...times(6, one), ...times(6, dead)]);
    expect(late).toMatchObject([{ jobIds: ['9'], sinceMs: startMs }]);
  });

  test('are told to have no worker where there is none, and only a few are named', () => {
    const ids = ['1', '2', '3', '4'];
    const many = { orphanedJobs: 4, orphanedJobIds: ids };
    const [found] = findAfter(times(11, many), { currentWorkers: 0 });
    expect(found?.jobIds).toHaveLength(3);
    expect(found?.why).toBe(
      'nobody has recovered 4 orphaned jobs of emails for 10m: no worker is there',
    );
  });

  test('of a queue that cannot be read now are not spoken of', () => {
    const unreadable = { queues: [], unreadableQueues: [{ queue: 'emails', why: 'WRONGTYPE' }] };
    expect(findAfter(times(12, dead), { currentWorkers: 2 }, unreadable)).toEqual([]);
  });
});

describe('a queue in which jobs run and none ends', () => {
  const running = ['5', '6', '7', '8'].map((jobId, index) => ({
    ...{ jobId, worker: 'worker.1', jobName: null },
    startedAtMs: jobId === '8' ? null : startMs - index * 1000,
  }));
  const busy = { readyJobs: 900, activeJobs: 20, addedJobs: 1000, unfinishedJobs: 920, running };
  const first = { ...busy, finished: times(40, ended(2)) };

  test('makes no progress, with the jobs that have run longest', () => {
    expect(findAfter([first, ...times(9, busy)])).toEqual([]);
    expect(findAfter([first, ...times(11, busy)])).toEqual([
      {
        queue: 'emails',
        kind: 'no-progress',
        sinceMs: startMs,
        jobIds: ['7', '6', '5'],
        why: 'no job of emails has ended for 11m with 20 jobs running',
      },
    ]);
  });

  test('makes progress when one ends', () => {
    const moved = { ...busy, readyJobs: 899, unfinishedJobs: 919 };
    expect(findAfter([first, ...times(10, busy), moved])).toEqual([]);
  });

  test('is not told right after a gap in which nobody looked, nor while all that run may have begun just now', () => {
    const at = (minute: number) => ({ observedAtMs: startMs + minute * minuteMs });
    const two = { currentWorkers: 2 };
    expect(findAfter([first, busy, busy], two, at(11))).toHaveLength(1);
    expect(findAfter([first, busy, busy], two, at(60))).toEqual([]);
    const idle = { ...busy, activeJobs: 0, readyJobs: 920 };
    expect(findAfter([first, idle, busy], two, at(11))).toEqual([]);
  });
});

describe('a queue of which no job starts', () => {
  const waiting = { readyJobs: 900, addedJobs: 1000, unfinishedJobs: 900, oldestWaitSeconds: 720 };

  test('makes no progress although workers are up', () => {
    expect(findAfter(times(5, waiting))).toEqual([
      {
        queue: 'emails',
        kind: 'no-progress',
        sinceMs: startMs + 4 * minuteMs - 720_000,
        jobIds: [],
        why: 'no job of emails starts: 900 ready jobs, the oldest for 12m, with 2 workers up',
      },
    ]);
  });

  test('is not stuck at the first looks, nor before its oldest job has waited for long', () => {
    expect(findAfter(times(2, waiting))).toEqual([]);
    expect(findAfter(times(5, { ...waiting, oldestWaitSeconds: 599 }))).toEqual([]);
    expect(findAfter(times(5, { ...waiting, oldestWaitSeconds: null }))).toEqual([]);
  });

  test.each([
    ['a rate limit keeps back', { rateLimitedForSeconds: 60 }],
    ['is not to run at all', { concurrencyLimit: 0 }],
    ['is paused', { readyJobs: 0, pausedJobs: 900, isPaused: true, oldestWaitSeconds: null }],
    ['nobody counts', { addedJobs: null, unfinishedJobs: null }],
  ])('is not stuck when it is one that %s', (_, known) => {
    expect(findAfter(times(5, { ...waiting, ...known }))).toEqual([]);
  });

  test('is not stuck when a job ran or ended lately', () => {
    const ran = { ...waiting, activeJobs: 1 };
    expect(findAfter([...times(4, waiting), ran, waiting])).toEqual([]);
    const before = { ...waiting, readyJobs: 901, unfinishedJobs: 901 };
    expect(findAfter([...times(4, before), waiting])).toEqual([]);
  });

  test('waits for workers that are not up yet, or not known', () => {
    const workers = { ...observation(0).workers, readyWorkers: 0 };
    expect(findAfter(times(5, waiting), { currentWorkers: 2, workers })).toEqual([]);
    expect(findAfter(times(5, waiting), { currentWorkers: 0 })).toEqual([]);
    expect(findAfter(times(5, waiting), { currentWorkers: null })).toEqual([]);
  });
});

describe('a queue whose jobs stall', () => {
  const stalled = (...jobs: (readonly [jobId: string, stalls: number])[]) => ({
    stalledJobs: jobs.map(([jobId, stalls]) => ({ jobId, stalls })),
  });

  test('at three moments is named, with those first that stalled most often', () => {
    const course = [stalled(['1', 1]), {}, stalled(['2', 1], ['3', 2]), {}];
    expect(findAfter(course)).toEqual([]);
    expect(findAfter([...course, stalled(['4', 1])])).toEqual([
      {
        queue: 'emails',
        kind: 'stalling',
        sinceMs: startMs,
        jobIds: ['3', '1', '2'],
        why: 'workers die or hang with jobs of emails: 4 jobs stalled within 4m, one of them twice',
      },
    ]);
  });

  test('is named for one job that stalled three times', () => {
    const course = [stalled(['1', 1]), stalled(['1', 2])];
    expect(findAfter(course)).toEqual([]);
    expect(findAfter([...course, stalled(['1', 3])])).toMatchObject([
      {
        ...{ kind: 'stalling', jobIds: ['1'], sinceMs: startMs },
        why: 'workers die or hang with a job of emails: it stalled 3 times',
      },
    ]);
  });

  test('once, by a deploy or a crash, is nothing to look at, however long its jobs are seen to run again', () => {
    const all = stalled(['1', 1], ['2', 1], ['3', 1]);
    const inTurn = Array.from({ length: 90 }, (_, minute) =>
      stalled([String(1 + (minute % 3)), 1]),
    );
    expect(findAfter([all, ...inTurn])).toEqual([]);
  });

  test('once, as far as looks within the same minute can tell, is nothing to look at either', () => {
    let remembered = memory();
    const found = [0, 25, 55, 85].map((second) => {
      const queues = [reading(stalled([`after-${second}`, 1]))];
      const seen = observation(0, { observedAtMs: startMs + second * 1000, queues });
      const { decision, memory: next } = decide(seen, wishes, remembered);
      remembered = next;
      return decision.stuck;
    });
    expect(found.flat()).toEqual([]);
  });

  test('is forgotten half an hour after', () => {
    const thrice = [stalled(['1', 1]), {}, stalled(['2', 1]), {}, stalled(['3', 1])];
    expect(findAfter([...thrice, ...times(25, {})])).toHaveLength(1);
    expect(findAfter([...thrice, ...times(26, {})])).toEqual([]);
  });

  test('is not made of the jobs of another', () => {
    const turns = ['a', 'b', 'a', 'b', 'b'].map((queue, minute) => [
      reading({ queue: 'a', ...(queue === 'a' ? stalled([String(minute), 1]) : {}) }),
      reading({ queue: 'b', ...(queue === 'b' ? stalled([String(minute), 1]) : {}) }),
    ]);
    const seen = turns.map((queues, minute) =>
      observation(0, { observedAtMs: startMs + minute * minuteMs, queues }),
    );
    let remembered = memory();
    const found = seen.map((each) => {
      const { decision, memory: next } = decide(each, wishes, remembered);
      remembered = next;
      return decision.stuck.map(({ queue, jobIds }) => [queue, ...jobIds]);
    });
    expect(found).toEqual([[], [], [], [], [['b', '1', '3', '4']]]);
  });

  test('is remembered with so many jobs that it does not matter, and never more', () => {
    let remembered = memory();
    for (let minute = 0; minute < 3; minute += 1) {
      const ids = Array.from({ length: 200 }, (_, index) => [`${minute}-${index}`, 1] as const);
      const queues = [reading(stalled(...ids))];
      const seen = observation(0, { observedAtMs: startMs + minute * minuteMs, queues });
      ({ memory: remembered } = decide(seen, wishes, remembered));
    }
    expect(remembered.stalls).toHaveLength(300);
    expect(remembered.stalls[0]).toMatchObject({ job: 'emails:0-0', stalledAtMs: startMs });
  });
});
