import { describe, expect, test } from 'vitest';
import {
  nothingLearned,
  type LearnedMemory,
  type QueueMemory,
  type ServiceMemory,
} from '../../../src/decision/learned/memory.ts';
import { followQueues } from '../../../src/decision/learned/queues.ts';
import type { QueueReading } from '../../../src/decision/types.ts';
import { observation, policy, reading, startMs } from '../../support/builders.ts';
import { bin, ended, fiveSlotted, queueMemory } from '../../support/learned.ts';

const wishes = policy();

/** Looks at queues with two workers of five slots. */
function look(
  queues: readonly Partial<QueueReading>[],
  memory: Partial<LearnedMemory> = {},
  known: {
    readonly unreadable?: readonly string[];
    readonly stalling?: readonly string[];
    readonly readyWorkers?: number;
  } = {},
) {
  const { unreadable = [], stalling = [], readyWorkers = 2 } = known;
  const seen = observation(0, {
    queues: queues.map(reading),
    unreadableQueues: unreadable.map((queue) => ({ queue, why: 'wrong type' })),
  });
  const pool = fiveSlotted({ workers: readyWorkers });
  return followQueues(seen, wishes, { ...nothingLearned, ...memory }, pool, new Set(stalling));
}

/** The one queue that was looked at, as it was remembered, and as it is. */
function one(
  known: Partial<QueueReading>,
  before?: Partial<QueueMemory>,
  memory: Partial<LearnedMemory> = {},
) {
  const queues = before === undefined ? [] : [queueMemory(before)];
  const followed = look([known], { queues, ...memory });
  return { state: followed.states[0], queue: followed.queues[0], services: followed.services };
}

const service = (known: Partial<ServiceMemory>): ServiceMemory => ({
  ...{ queue: 'emails', jobName: null, busySeconds: 0, completions: 0, seen: 0 },
  ...{ recentSeconds: [], usedAtMs: startMs, ...known },
});

describe('a queue', () => {
  test('is in use while something is in it', () => {
    for (const something of [
      { readyJobs: 1 },
      { activeJobs: 1 },
      { dueSoon: [{ dueAtMs: startMs + 1000, jobs: 1 }] },
    ])
      expect(look([something]).states).toHaveLength(1);
    expect(look([{ delayedJobs: 5 }])).toEqual({ states: [], queues: [], services: [] });
  });

  test('is in use for a while after something happened in it, or as long as it has a cap', () => {
    const isUsed = (before: Partial<QueueMemory>) => one({}, before).state !== undefined;
    expect(isUsed({ bins: [bin({ arrivals: 1 }), bin()] })).toBe(true);
    expect(isUsed({ bins: [bin(), bin({ completions: 1 })] })).toBe(true);
    expect(isUsed({ bins: [bin({ arrivals: 1, completions: 1 })] })).toBe(true);
    expect(isUsed({ bins: [bin(), bin()] })).toBe(false);
    const cap = {
      ...({ workers: 4, why: 'no-gain', madeAtMs: startMs, probeAfterSeconds: 60 } as const),
      ...{ heldBackSinceMs: null, wins: 0, probe: null },
    };
    expect(one({}, { cap }).state?.cap).toEqual(cap);
  });

  test('is remembered as it is now', () => {
    const seen = { readyJobs: 7, activeJobs: 3, addedJobs: 30, unfinishedJobs: 10 };
    expect(one(seen).queue).toEqual({
      ...{ queue: 'emails', readAtMs: startMs, movedAtMs: startMs, ...seen },
      bins: [bin({ seconds: 0, arrivals: 10, peakActive: 3, readyWorkers: 2 })],
      ...{ idleSlotsSinceMs: null, cap: null },
    });
  });

  test('adds what happened since it was last read to its history, if that is not too long ago', () => {
    const seen = { readyJobs: 7, activeJobs: 3, addedJobs: 30, unfinishedJobs: 10 };
    const youngest = (secondsAgo: number) =>
      one(seen, {
        ...{ readAtMs: startMs - secondsAgo * 1000, readyJobs: 4, activeJobs: 1 },
        ...{ addedJobs: 8, unfinishedJobs: 5, bins: [bin({ untilMs: startMs - 90_000 })] },
      }).queue?.bins.at(-1);
    // 22 were added and 5 are more unfinished, so 17 have ended.
    expect(youngest(20)).toMatchObject({ seconds: 20, completions: 17, arrivals: 22 });
    expect(youngest(0)).toMatchObject({ seconds: 0, completions: 17, arrivals: 22 });
    for (const other of [21, -1])
      expect(youngest(other)).toMatchObject({ seconds: 0, completions: 0, arrivals: 10 });
  });

  test('is full when nine of ten slots are busy', () => {
    const isFull = (activeJobs: number, readyWorkers?: number) =>
      look([{ activeJobs }], {}, { ...(readyWorkers !== undefined && { readyWorkers }) }).queues[0]
        ?.bins[0]?.isFull;
    expect(isFull(9)).toBe(true);
    expect(isFull(10)).toBe(true);
    expect(isFull(8)).toBe(false);
    expect(isFull(5, 1)).toBe(true);
    // Without workers there is no slot that could be busy.
    expect(isFull(3, 0)).toBe(false);
  });

  test('keeps since when its slots are idle although jobs wait', () => {
    const seen = { readyJobs: 500, activeJobs: 1 };
    const idle = {
      bins: Array.from({ length: 12 }, (_, index) =>
        bin({ untilMs: startMs - (12 - index) * 5000, peakActive: 1, readyWorkers: 2 }),
      ),
    };
    expect(one(seen, idle).queue?.idleSlotsSinceMs).toBe(startMs);
    const since = startMs - 5000;
    expect(one(seen, { ...idle, idleSlotsSinceMs: since }).queue?.idleSlotsSinceMs).toBe(since);
    const busy = { readyJobs: 500, activeJobs: 10 };
    expect(one(busy, { ...idle, idleSlotsSinceMs: since }).queue?.idleSlotsSinceMs).toBeNull();
  });

  test('that cannot be read is remembered as it was', () => {
    const other = queueMemory({ queue: 'reports' });
    const gone = queueMemory({ queue: 'gone' });
    const { states, queues } = look(
      [{ readyJobs: 1 }],
      { queues: [other, gone] },
      { unreadable: ['reports'] },
    );
    expect(states.map(({ reading: { queue } }) => queue)).toEqual(['emails']);
    expect(queues.map(({ queue }) => queue)).toEqual(['emails', 'reports']);
    expect(queues[1]).toBe(other);
  });

  test('stalls if somebody says so', () => {
    const seen = [{ readyJobs: 1 }, { queue: 'reports', readyJobs: 1 }];
    const { states } = look(seen, {}, { stalling: ['reports'] });
    expect(states.map(({ isStalling }) => isStalling)).toEqual([false, true]);
  });

  test('is suspected to be stuck after a minute in which no job ended, if jobs usually take less', () => {
    const isStuck = (secondsAgo: number, usualSeconds: number) =>
      one(
        { activeJobs: 5, addedJobs: 10, unfinishedJobs: 5 },
        {
          ...{ readyJobs: 0, activeJobs: 5, addedJobs: 10, unfinishedJobs: 5 },
          movedAtMs: startMs - secondsAgo * 1000,
        },
        {
          services: [
            service({ jobName: 'mail', busySeconds: 5e5, completions: 20, seen: 20 }),
            service({ busySeconds: 20 * usualSeconds, completions: 20, seen: 20 }),
          ],
        },
      ).state?.isStuck;
    expect(isStuck(60, 10)).toBe(true);
    expect(isStuck(59, 9)).toBe(false);
    expect(isStuck(60, 11)).toBe(false);
  });
});

describe('how long the jobs of a queue take', () => {
  test('is unknown: one worker handles its share within the time that a job may wait', () => {
    // 5 slots × 120 s ÷ 100 jobs = 6 s, and a guess is raised by 60 %.
    const { state, services } = one({ readyJobs: 1 });
    expect(state?.times.meanSeconds).toBeCloseTo(6 * 1.6);
    expect(services).toEqual([]);
  });

  test('is learned from what ended, queue by queue', () => {
    const known = [
      service({ busySeconds: 100, completions: 50, seen: 50 }),
      service({ jobName: 'mail', busySeconds: 100, completions: 50, seen: 50 }),
      service({ queue: 'reports', busySeconds: 9, completions: 3, seen: 3 }),
    ];
    const seen = { activeJobs: 1, finished: [ended(4), ended(4)] };
    const { services } = look([seen], { services: known });
    const named = services.map(({ queue, jobName, seen }) => [queue, jobName, seen]);
    expect(named).toEqual([
      ['emails', null, 52],
      ['emails', 'mail', 52],
      ['reports', null, 3],
    ]);
  });
});

describe('of more queues in use than can be followed', () => {
  /** Each with one job more than the one before, waiting or running. */
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      queue: `queue${String(index)}`,
      ...(index % 2 === 0 ? { readyJobs: index + 1 } : { activeJobs: index + 1 }),
    }));
  const known = (count: number) =>
    Array.from({ length: count }, (_, index) => queueMemory({ queue: `queue${String(index)}` }));

  test('only the busiest have a history', () => {
    expect(look(many(32)).queues).toHaveLength(32);
    const { states, queues } = look(many(40), { queues: known(40) });
    expect(states).toHaveLength(40);
    expect(queues.map(({ queue }) => queue)).toEqual(
      Array.from({ length: 32 }, (_, index) => `queue${String(index + 8)}`),
    );
  });

  test('the others are judged by what jobs take elsewhere', () => {
    const meanOf = (services: readonly ServiceMemory[]) =>
      look(many(40), { services }).states[0]?.times.meanSeconds ?? 0;
    const elsewhere = [
      service({ queue: 'a', busySeconds: 30, completions: 10, seen: 10 }),
      service({ queue: 'b', busySeconds: 10, completions: 10, seen: 10 }),
      service({ queue: 'b', jobName: 'mail', busySeconds: 900, completions: 10, seen: 10 }),
    ];
    expect(meanOf(elsewhere)).toBeCloseTo(2 * 1.6);
    expect(meanOf([])).toBeCloseTo(6 * 1.6);
    // Nineteen jobs say nothing for certain.
    const few = service({ queue: 'a', busySeconds: 19, completions: 19, seen: 19 });
    expect(meanOf([few])).toBeCloseTo(6 * 1.6);
  });

  test('no more than twice as many are remembered, unreadable ones included', () => {
    const names = Array.from({ length: 80 }, (_, index) => `unread${String(index)}`);
    const unread = names.map((queue) => queueMemory({ queue }));
    expect(look(many(32), { queues: unread }, { unreadable: names }).queues).toHaveLength(64);
  });
});
