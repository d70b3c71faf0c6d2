import { describe, expect, test } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { ServiceMemory } from '../../src/decision/learned/memory.ts';
import { movedAt, stuckQueues, stuckSeconds, whyStuck } from '../../src/decision/stuck-jobs.ts';
import type { Decision, Memory, Observation, QueueReading } from '../../src/decision/types.ts';
import { memory, observation, policy, reading, startMs } from '../support/builders.ts';
import { counted, queueMemory } from '../support/learned.ts';

const minuteMs = 60_000;
const ended = { jobName: null, durationSeconds: 2 };

/** Jobs of two seconds, on two workers that are up and busy with ten each. */
function seen(minutes: number, known: Partial<Observation> = {}, jobs = {}): Observation {
  const queue = { readyJobs: 900, activeJobs: 20, addedJobs: 1000, unfinishedJobs: 920, ...jobs };
  return observation(0, {
    observedAtMs: startMs + minutes * minuteMs,
    queues: [reading(queue)],
    currentWorkers: 2,
    ...known,
  });
}

/** What is decided after jobs ended at first, and then none for so long. */
function after(minutes: number, last: Partial<Observation> = {}, jobs = {}, durationSeconds = 2) {
  const finished = Array.from({ length: 40 }, () => ({ ...ended, durationSeconds }));
  let remembered: Memory = memory();
  const wishes = policy({ continuitySeconds: 600 });
  remembered = decide(seen(0, {}, { finished }), wishes, remembered).memory;
  for (let minute = 1; minute < minutes; minute += 1)
    remembered = decide(seen(minute), wishes, remembered).memory;
  return decide(seen(minutes, last, jobs), wishes, remembered).decision;
}

test('none is added while no job has ended for ten minutes and far longer than jobs take', () => {
  expect(after(5).desiredWorkers).toBe(9);
  const { desiredWorkers, limitedBy, steps } = after(11);
  expect(desiredWorkers).toBe(2);
  expect(limitedBy).toBe('stuck-jobs');
  expect(steps.at(-1)?.why).toBe(
    'no job of emails has ended for 11m while 20 jobs run: none is added',
  );
});

test('jobs that usually take minutes are not taken for stuck', () => {
  expect(after(20, {}, {}, 300).desiredWorkers).toBe(9);
});

test('workers that are idle do not make a queue stuck, and those that still boot do not hide it', () => {
  const workers = { ...observation(0).workers, readyWorkers: 1 };
  expect(after(11, { workers }).desiredWorkers).toBe(2);
  expect(after(11, {}, { activeJobs: 1, unfinishedJobs: 901, readyJobs: 900 }).desiredWorkers).toBe(
    9,
  );
});

test('one job that ends lets workers be added again, and nobody is removed meanwhile', () => {
  expect(after(11, {}, { unfinishedJobs: 919, readyJobs: 899 }).desiredWorkers).toBe(9);
  expect(after(11, { currentWorkers: 12 }, { activeJobs: 20 }).limitedBy).toBe('none');
});

test('another queue of the pool still gets its workers', () => {
  const queues = [
    reading({ readyJobs: 900, activeJobs: 20, addedJobs: 1000, unfinishedJobs: 920 }),
    reading({ queue: 'letters', readyJobs: 500 }),
  ];
  expect(after(11, { queues }).desiredWorkers).toBe(5);
});

describe('jobs that stall', () => {
  const jobs = { readyJobs: 900, activeJobs: 0, addedJobs: 1000, unfinishedJobs: 900 };
  const stall = (jobId: string, stalls = 1) => ({ stalledJobs: [{ jobId, stalls }] });

  /** What is decided last, when each minute had the next of these. */
  function decideAfter(minutes: readonly Partial<QueueReading>[], last: Partial<Observation> = {}) {
    let remembered = memory();
    let decision: Decision | null = null;
    for (const [minute, known] of minutes.entries()) {
      const isLast = minute === minutes.length - 1;
      const seenNow = seen(minute, isLast ? last : {}, { ...jobs, ...known });
      ({ decision, memory: remembered } = decide(seenNow, policy(), remembered));
    }
    if (decision === null) throw new Error('nothing was decided');
    return decision;
  }
  const thrice = [stall('1'), {}, stall('2'), {}, stall('3')];

  test('again and again, while hardly any ends, get no more workers', () => {
    expect(decideAfter(thrice.slice(0, 4)).desiredWorkers).toBe(9);
    const { desiredWorkers, limitedBy, steps } = decideAfter(thrice);
    expect(desiredWorkers).toBe(2);
    expect(limitedBy).toBe('stuck-jobs');
    expect(steps.at(-1)?.why).toBe('jobs of emails stall again and again: none is added');
  });

  test('among many that end do not keep workers from the others', () => {
    const working = thrice.map((known, minute) => ({
      ...known,
      ...counted(1000 + 2 * minute, 900),
    }));
    expect(decideAfter(working).desiredWorkers).toBe(9);
    expect(decideAfter(working).stuck).toMatchObject([{ kind: 'stalling' }]);
  });

  test('get workers as before once enough have ended, or nobody counts reliably', () => {
    expect(decideAfter([...thrice, counted(1003, 900)]).desiredWorkers).toBe(2);
    expect(decideAfter([...thrice, counted(1004, 900)]).desiredWorkers).toBe(9);
    expect(decideAfter([...thrice, counted(10, 5)]).desiredWorkers).toBe(9);
    const uncounted = thrice.map((known) => ({
      ...known,
      ...{ addedJobs: null, unfinishedJobs: null },
    }));
    expect(decideAfter(uncounted).desiredWorkers).toBe(9);
  });

  test('do not keep workers from another queue, nor keep those that are there', () => {
    const queues = [
      reading({ ...jobs, ...stall('3') }),
      reading({ queue: 'letters', readyJobs: 500 }),
    ];
    expect(decideAfter(thrice, { queues }).desiredWorkers).toBe(5);
    expect(decideAfter(thrice, { currentWorkers: 12 }).desiredWorkers).toBe(9);
  });
});

const busy = reading({ activeJobs: 4, ...counted(10, 4) });
const ago = (seconds: number) => startMs - seconds * 1000;

/** Forty jobs of so many seconds, and the last of them as long as these. */
const service = (seconds: number, known: Partial<ServiceMemory> = {}): ServiceMemory => ({
  ...{ queue: 'emails', jobName: null, busySeconds: 40 * seconds, completions: 40, seen: 40 },
  ...{ recentSeconds: [], usedAtMs: startMs },
  ...known,
});

describe('how long jobs have been stuck', () => {
  test('is told once none has ended for six times as long as they take', () => {
    expect(stuckSeconds(busy, ago(119), service(20), startMs)).toBe(0);
    expect(stuckSeconds(busy, ago(120), service(20), startMs)).toBe(120);
  });

  test('is not told while one that ended lately took nearly as long', () => {
    const mixed = service(1, { recentSeconds: [1, 100, 1] });
    expect(stuckSeconds(busy, ago(599), mixed, startMs)).toBe(0);
    expect(stuckSeconds(busy, ago(600), mixed, startMs)).toBe(600);
  });

  test('is not told of an idle queue, nor of jobs nobody knows', () => {
    expect(stuckSeconds(reading(), ago(600), service(1), startMs)).toBe(0);
    expect(stuckSeconds(busy, ago(600), service(1, { seen: 9 }), startMs)).toBe(0);
    expect(stuckSeconds(busy, ago(600), service(1, { seen: 10 }), startMs)).toBe(600);
    expect(stuckSeconds(busy, ago(600), undefined, startMs)).toBe(0);
  });
});

describe('the last end of a job', () => {
  const flow = { seconds: 5, arrivals: 0, completions: 0, busySeconds: 0 };
  const before = queueMemory({ activeJobs: 4, movedAtMs: ago(300) });

  test('is when one was seen to end, or none to run', () => {
    expect(movedAt(before, busy, flow, startMs)).toBe(ago(300));
    expect(movedAt(before, busy, { ...flow, completions: 1 }, startMs)).toBe(startMs);
    expect(movedAt(before, reading(counted(1, 1)), flow, startMs)).toBe(startMs);
    expect(movedAt(undefined, busy, flow, startMs)).toBe(startMs);
    expect(movedAt({ ...before, activeJobs: 0 }, busy, flow, startMs)).toBe(startMs);
  });

  test('may always be now where nobody counts', () => {
    for (const known of [{}, { addedJobs: 10 }, { unfinishedJobs: 4 }])
      expect(movedAt(before, reading({ activeJobs: 4, ...known }), flow, startMs)).toBe(startMs);
  });
});

describe('queues whose jobs are certainly stuck', () => {
  const known = {
    ...memory().learned,
    queues: [
      queueMemory({ queue: 'letters', movedAtMs: ago(10) }),
      queueMemory({ movedAtMs: ago(700) }),
    ],
    services: [
      service(500, { queue: 'letters' }),
      service(500, { jobName: 'mail' }),
      service(10),
      service(500, { jobName: 'other' }),
    ],
  };
  /** Four jobs run on four workers. */
  const stuck = (learned = known, seen: Partial<Observation> = {}) =>
    stuckQueues(observation(0, { queues: [busy], currentWorkers: 4, ...seen }), learned);
  const ready = (readyWorkers: number) => ({
    workers: { ...observation(0).workers, readyWorkers },
  });

  test('are told with how long none of their jobs has ended', () => {
    expect(stuck()).toEqual([{ reading: busy, seconds: 700 }]);
  });

  test('are told after ten minutes', () => {
    const moved = (seconds: number) => ({
      ...known,
      queues: [queueMemory({ movedAtMs: ago(seconds) })],
    });
    expect(stuck(moved(600))).toHaveLength(1);
    expect(stuck(moved(599))).toEqual([]);
  });

  test('are not told while somebody who is up has nothing to do, or nobody knows who is up', () => {
    expect(stuck(known, { currentWorkers: 5 })).toEqual([]);
    expect(stuck(known, { currentWorkers: 9, ...ready(4) })).toHaveLength(1);
    expect(stuck(known, { currentWorkers: 4, ...ready(5) })).toEqual([]);
    expect(stuck(known, { currentWorkers: null, ...ready(4) })).toEqual([]);
  });

  test('are not told when nobody knows them, or how long their jobs take', () => {
    expect(stuck({ ...known, queues: [] })).toEqual([]);
    expect(stuck({ ...known, services: [service(10, { queue: 'letters' })] })).toEqual([]);
    expect(stuck({ ...known, services: [service(10, { jobName: 'mail' })] })).toEqual([]);
  });

  test('are named together, with the longest of their times', () => {
    const both = [
      { reading: busy, seconds: 700 },
      { reading: reading({ queue: 'letters', activeJobs: 1 }), seconds: 1300 },
    ];
    expect(whyStuck(both)).toEqual([
      'no job of emails, letters has ended for 22m while 5 jobs run',
    ]);
    expect(whyStuck([])).toEqual([]);
  });
});
