import { describe, expect, test } from 'vitest';
import { decide, emptyMemory } from '../../src/decision/decide.ts';
import { learnPlatformLimit } from '../../src/decision/limits.ts';
import type { Memory, Observation, Policy } from '../../src/decision/types.ts';
import { memory, observation, policy, reading, startMs } from '../support/builders.ts';

const minute = 60_000;
const unreadable = { unreadableQueues: [{ queue: 'broken', why: 'wrong type' }] };

/** What a recommendation of so many workers, made so long ago, leaves in memory. */
const recommended = (workers: number, minutesAgo: number) =>
  memory({
    recommendations: [{ madeAtMs: startMs - minutesAgo * minute, workers, isFound: false }],
  });

type Row = [
  name: string,
  observation: Observation,
  policy: Partial<Policy>,
  memory: Memory,
  desired: number,
  limitedBy: string,
];

// prettier-ignore
const rows: Row[] = [
  ['needs nobody when there is nothing to do',          observation(0),                                     {},                                     memory(), 0,  'none'],
  ['gives one job a worker',                            observation(1),                                     {},                                     memory(), 1,  'none'],
  ['needs no second worker for exactly its share',      observation(100),                                   {},                                     memory(), 1,  'none'],
  ['rounds up',                                         observation(101),                                   {},                                     memory(), 2,  'none'],
  ['keeps one worker while a job runs',                 observation(0, { queues: [reading({ activeJobs: 3 })] }), {},                               memory(), 1,  'none'],
  ['keeps one worker to recover an orphaned job',       observation(0, { queues: [reading({ orphanedJobs: 1, orphanedJobIds: ['7'] })] }), {},      memory(), 1,  'none'],
  ['never goes below the minimum',                      observation(0),                                     { minWorkers: 2 },                      memory(), 2,  'min-workers'],
  ['never goes above the maximum',                      observation(5000),                                  { maxWorkers: 10 },                     memory(), 10, 'max-workers'],
  ['lets the maximum win over the step down',           observation(0, { currentWorkers: 50 }),             { maxWorkers: 10, scaleDownStep: 1 },   memory(), 10, 'max-workers'],
  ['lets the minimum win over the step up',             observation(900, { currentWorkers: 0 }),            { minWorkers: 5, scaleUpStep: 2 },      memory(), 5,  'min-workers'],
  ['adds at most a step',                               observation(900, { currentWorkers: 2 }),            { scaleUpStep: 3 },                     memory(), 5,  'scale-up-step'],
  ['removes at most a step',                            observation(0, { currentWorkers: 9 }),              { scaleDownStep: 2 },                   memory(), 7,  'scale-down-step'],
  ['steps over nothing when the workers are unknown',   observation(900, { currentWorkers: null }),         { scaleUpStep: 1, scaleDownStep: 1 },   memory(), 9,  'none'],
  ['does not shrink while a queue is unreadable',       observation(0, { currentWorkers: 8, ...unreadable }), {},                                   memory(), 8,  'blind'],
  ['may grow while a queue is unreadable',              observation(900, { currentWorkers: 8, ...unreadable }), {},                                 memory(), 9,  'none'],
  ['raises to the minimum while blind',                 observation(0, { currentWorkers: 1, ...unreadable }), { minWorkers: 3 },                    memory(), 3,  'min-workers'],
  ['lowers to the maximum while blind',                 observation(0, { currentWorkers: 30, ...unreadable }), { maxWorkers: 10 },                  memory(), 10, 'max-workers'],
  ['scales down only to the highest of the window',     observation(100, { currentWorkers: 9 }),            { scaleDownStabilizationSeconds: 300 }, recommended(6, 4), 6, 'stabilization'],
  ['forgets what is older than the window',             observation(100, { currentWorkers: 9 }),            { scaleDownStabilizationSeconds: 300 }, recommended(6, 5), 1, 'none'],
  ['does not scale up to the highest of the window',    observation(100, { currentWorkers: 2 }),            { scaleDownStabilizationSeconds: 300 }, recommended(6, 4), 2, 'stabilization'],
  ['scales up at once whatever the window',             observation(900, { currentWorkers: 2 }),            { scaleDownStabilizationSeconds: 300 }, recommended(6, 4), 9, 'none'],
  ['removes no one early after a restart',              observation(100, { currentWorkers: 9 }),            { scaleDownStabilizationSeconds: 300 }, emptyMemory, 9, 'stabilization'],
  ['scales down at once without a window',              observation(100, { currentWorkers: 9 }),            {},                                     emptyMemory, 1, 'none'],
  ['asks for no more than the platform allows',         observation(900, { currentWorkers: 2 }),            {},                                     learnPlatformLimit(memory(), 5, startMs - minute), 5, 'platform-limit'],
  ['tries a learned limit again after an hour',         observation(900, { currentWorkers: 2 }),            {},                                     learnPlatformLimit(memory(), 5, startMs - 60 * minute), 9, 'none'],
  ['keeps what runs above a learned limit',             observation(900, { currentWorkers: 7 }),            {},                                     learnPlatformLimit(memory(), 5, startMs - minute), 7, 'platform-limit'],
  ['asks for no worker that a queue would leave idle',  observation(0, { queues: [reading({ readyJobs: 900, concurrencyLimit: 6 })] }), { concurrency: 4 }, memory(), 2, 'queue-concurrency'],
  ['keeps one worker for a queue that runs one job',    observation(0, { queues: [reading({ readyJobs: 900, concurrencyLimit: 1 })] }), {},         memory(), 1,  'queue-concurrency'],
  ['caps only the queue that has a cap',                observation(0, { queues: [reading({ readyJobs: 900, concurrencyLimit: 2 }), reading({ queue: 'b', readyJobs: 300 })] }), {}, memory(), 5, 'queue-concurrency'],
  ['adds nobody for a queue at its rate limit',         observation(0, { currentWorkers: 3, queues: [reading({ readyJobs: 900, rateLimitedForSeconds: 8 })] }), {}, memory(), 3, 'queue-rate-limit'],
  ['adds workers for the queues beside it',             observation(0, { currentWorkers: 3, queues: [reading({ readyJobs: 900, rateLimitedForSeconds: 8 }), reading({ queue: 'b', readyJobs: 450 })] }), {}, memory(), 5, 'queue-rate-limit'],
  ['sums the queues of a pool before it rounds',        observation(0, { queues: [reading({ readyJobs: 50 }), reading({ queue: 'b', readyJobs: 50 })] }), {}, memory(), 1, 'none'],
];

describe('decide', () => {
  test.each(rows)('%s', (_name, seen, wishes, remembered, desired, limitedBy) => {
    const { decision } = decide(seen, policy(wishes), remembered);
    expect(decision).toMatchObject({ desiredWorkers: desired, limitedBy });
  });

  test('explains itself step by step, beginning with the recommendation', () => {
    const seen = observation(1240, { currentWorkers: 3 });
    const { decision } = decide(seen, policy({ maxWorkers: 10 }), memory());
    expect(decision).toEqual({
      action: 'scale-up',
      currentWorkers: 3,
      recommendedWorkers: 13,
      desiredWorkers: 10,
      limitedBy: 'max-workers',
      steps: [
        { step: 'recommend', workers: 13, why: '1,240 ready jobs ÷ 100 jobs per worker → 13' },
        { step: 'max-workers', workers: 10, why: 'at most 10 (MAX_WORKERS)' },
      ],
    });
  });

  test('holds when the number of workers is unknown', () => {
    expect(
      decide(observation(900, { currentWorkers: null }), policy(), memory()).decision.action,
    ).toBe('hold');
  });

  test('gives up on an orphaned job after ten minutes, counted from when it was first seen', () => {
    const orphaned = { queues: [reading({ orphanedJobs: 1, orphanedJobIds: ['7'] })] };
    const at = (minutes: number) =>
      observation(0, { ...orphaned, observedAtMs: startMs + minutes * minute });
    const first = decide(at(0), policy(), memory());
    const early = decide(at(9), policy(), first.memory);
    const late = decide(at(10), policy(), early.memory);
    expect([first, early, late].map(({ decision }) => decision.desiredWorkers)).toEqual([1, 1, 0]);
  });

  test('remembers what it held while blind, so that sight does not shrink at once', () => {
    const wishes = policy({ scaleDownStabilizationSeconds: 300 });
    const blind = decide(observation(0, { currentWorkers: 8, ...unreadable }), wishes, memory());
    const later = observation(0, { currentWorkers: 8, observedAtMs: startMs + minute });
    expect(decide(later, wishes, blind.memory).decision).toMatchObject({
      desiredWorkers: 8,
      limitedBy: 'stabilization',
    });
  });

  test('forgets a learned limit from memory once it is tried again', () => {
    const old = learnPlatformLimit(memory(), 5, startMs - 61 * minute);
    expect(decide(observation(1), policy(), old).memory.platformLimit).toBeNull();
  });

  test('refuses counts that cannot be, because deciding on them could cost jobs', () => {
    expect(() => decide(observation(-1), policy(), memory())).toThrow('not a count');
    expect(() => decide(observation(NaN), policy(), memory())).toThrow('not a count');
  });
});
