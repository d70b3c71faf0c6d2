import { describe, expect, test } from 'vitest';
import { decide, emptyMemory } from '../../src/decision/decide.ts';
import { learnPlatformLimit } from '../../src/decision/limits.ts';
import { rememberOrphans } from '../../src/decision/orphans.ts';
import type { Memory, Observation, Policy } from '../../src/decision/types.ts';
import { memory, observation, policy, reading, startMs } from '../support/builders.ts';

const minute = 60_000;
const unreadable = { unreadableQueues: [{ queue: 'broken', why: 'wrong type' }] };

/** A queue that may run so many jobs at once and has more to do than that. */
const capped = (queue: string, concurrencyLimit: number) =>
  reading({ queue, readyJobs: 900, concurrencyLimit });

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
  ['brings one back to recover an orphaned job',        observation(0, { currentWorkers: 0, queues: [reading({ orphanedJobs: 1, orphanedJobIds: ['7'] })] }), {}, memory(), 1, 'none'],
  ['brings one back for what runs at a rate limit',     observation(0, { currentWorkers: 0, queues: [reading({ activeJobs: 1, rateLimitedForSeconds: 8 })] }), {}, memory(), 1, 'none'],
  ['brings one back for what runs at a cap',            observation(0, { currentWorkers: 0, queues: [reading({ activeJobs: 1, concurrencyLimit: 1 })] }), {}, memory(), 1, 'none'],
  ['wakes nobody for what only waits at a rate limit',  observation(0, { currentWorkers: 0, queues: [reading({ readyJobs: 9, rateLimitedForSeconds: 8 })] }), {}, memory(), 0, 'queue-rate-limit'],
  ['adds nobody at a rate limit, workers unknown',      observation(0, { currentWorkers: null, queues: [reading({ readyJobs: 900, rateLimitedForSeconds: 8 })] }), {}, memory(), 9, 'none'],
  ['never goes below the minimum',                      observation(0),                                     { minWorkers: 2 },                      memory(), 2,  'min-workers'],
  ['never goes above the maximum',                      observation(5000),                                  { maxWorkers: 10 },                     memory(), 10, 'max-workers'],
  ['lets the maximum win over the step down',           observation(0, { currentWorkers: 50 }),             { maxWorkers: 10, scaleDownStep: 1 },   memory(), 10, 'max-workers'],
  ['lets the minimum win over the step up',             observation(900, { currentWorkers: 0 }),            { minWorkers: 5, scaleUpStep: 2 },      memory(), 5,  'min-workers'],
  ['adds fewer than a step where fewer are needed',     observation(300, { currentWorkers: 2 }),            { scaleUpStep: 3 },                     memory(), 3,  'none'],
  ['removes fewer than a step where more are needed',   observation(800, { currentWorkers: 9 }),            { scaleDownStep: 2 },                   memory(), 8,  'none'],
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
  ['counts only ready jobs for the ratio',              observation(0, { queues: [reading({ readyJobs: 150, activeJobs: 90 })] }), {},              memory(), 2,  'none'],
  ['keeps one worker for a single running job',         observation(0, { queues: [reading({ activeJobs: 1 })] }), {},                               memory(), 1,  'none'],
  ['keeps that worker whatever the cap of its queue',   observation(0, { queues: [reading({ activeJobs: 1, concurrencyLimit: 1 })] }), {},          memory(), 1,  'none'],
  ['rounds a cap up for each queue',                    observation(0, { queues: [capped('a', 3), capped('b', 3)] }), { concurrency: 2 },           memory(), 4,  'queue-concurrency'],
  ['adds no worker for what is lost in a fraction',     observation(0, { queues: [reading({ readyJobs: 900, rateLimitedForSeconds: 8 }), ...[1, 27, 2].map((readyJobs) => reading({ queue: `other ${readyJobs}`, readyJobs }))] }), { eventsPerWorker: 10 }, memory(), 3, 'queue-rate-limit'],
  ['holds the highest of the window, workers unknown',  observation(100, { currentWorkers: null }),         { scaleDownStabilizationSeconds: 300 }, recommended(6, 4), 6, 'stabilization'],
  ['holds nothing without a window',                    observation(100, { currentWorkers: 9 }),            {},                                     recommended(6, 0), 1, 'none'],
  ['holds nothing without a window, the clock set back', observation(100, { currentWorkers: 9 }),           {},                                     recommended(6, -4), 1, 'none'],
];

/** Of each situation, the sentence of its last step. */
// prettier-ignore
const sentences: [why: string, observation: Observation, policy: Partial<Policy>, memory: Memory][] = [
  ['no job is ready or running',                        observation(0),                                     {},                                     memory()],
  ['1 ready job ÷ 100 jobs per worker → 1',             observation(1),                                     {},                                     memory()],
  ['nothing is ready, but 1 job still running',         observation(0, { queues: [reading({ activeJobs: 1 })] }), {},                               memory()],
  ['nothing is ready, but 5 jobs still running',        observation(0, { queues: [reading({ activeJobs: 2 }), reading({ activeJobs: 3 })] }), {},   memory()],
  ['only a worker can recover 2 orphaned jobs',         observation(0, { queues: [reading({ orphanedJobs: 2, orphanedJobIds: ['1', '2'] })] }), {}, memory()],
  ['emails, a at the rate limit: more workers could not start more of those jobs now', observation(0, { queues: [reading({ readyJobs: 900, rateLimitedForSeconds: 8 }), reading({ queue: 'free' }), reading({ queue: 'a', readyJobs: 1, rateLimitedForSeconds: 1 })] }), {}, memory()],
  ['a, b cannot be read, so nothing shrinks',           observation(0, { currentWorkers: 8, unreadableQueues: ['a', 'b'].map((queue) => ({ queue, why: 'wrong type' })) }), {}, memory()],
  ['emails runs at most 1 job at once, b runs at most 2 jobs at once: more workers for that would idle', observation(0, { queues: [capped('emails', 1), reading({ queue: 'free' }), capped('b', 2)] }), {}, memory()],
  ['broken cannot be read, so nothing shrinks',         observation(0, { currentWorkers: 8, ...unreadable }), {},                                   memory()],
  ['needed 6 workers 4m ago, and scaling down waits 5m', observation(100, { currentWorkers: 9 }),           { scaleDownStabilizationSeconds: 300 }, recommended(6, 4)],
  ['needed 1 worker 45s ago, and scaling down waits 1m', observation(0, { currentWorkers: 9 }),            { scaleDownStabilizationSeconds: 60 },  recommended(1, 0.75)],
  ['needed 2 workers 9m ago, and scaling down waits 1d', observation(0, { currentWorkers: 9 }),            { scaleDownStabilizationSeconds: 86_400 }, recommended(2, 9)],
  ['at most 3 more at a time (SCALE_UP_STEP)',          observation(900, { currentWorkers: 2 }),            { scaleUpStep: 3 },                     memory()],
  ['at most 2 fewer at a time (SCALE_DOWN_STEP)',       observation(0, { currentWorkers: 9 }),              { scaleDownStep: 2 },                   memory()],
  ['at least 2 (MIN_WORKERS)',                          observation(0),                                     { minWorkers: 2 },                      memory()],
  ['at most 10 (MAX_WORKERS)',                          observation(5000),                                  { maxWorkers: 10 },                     memory()],
  ['the platform allows 5 workers of this type',        observation(900, { currentWorkers: 2 }),            {},                                     learnPlatformLimit(memory(), 5, startMs - minute)],
];

describe('decide', () => {
  test.each(rows)('%s', (_name, seen, wishes, remembered, desired, limitedBy) => {
    const { decision } = decide(seen, policy(wishes), remembered);
    expect(decision).toMatchObject({ desiredWorkers: desired, limitedBy });
  });

  test('explains itself step by step, beginning with the recommendation', () => {
    const seen = observation(1240, { currentWorkers: 3 });
    const { decision } = decide(seen, policy({ maxWorkers: 10 }), memory());
    expect(decision).toMatchObject({
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

  test.each(sentences)('says: %s', (why, seen, wishes, remembered) => {
    expect(decide(seen, policy(wishes), remembered).decision.steps.at(-1)?.why).toBe(why);
  });

  test('recommends nothing when no queue could be read, and says what it could not read', () => {
    const first = (seen: Observation) => decide(seen, policy(), memory()).decision.steps[0];
    expect(first(observation(0, { ...unreadable, queues: [] }))).toEqual({
      ...{ step: 'recommend', workers: null, why: 'no queue of the pool could be read' },
    });
    expect(first(observation(0, { queues: [] }))).toMatchObject({
      ...{ workers: 0, why: 'no job is ready or running' },
    });
    expect(first(observation(150, unreadable))).toMatchObject({
      workers: 2,
      why: 'as far as could be read, 150 ready jobs ÷ 100 jobs per worker → 2',
    });
  });

  test('names only the queues that have a cap', () => {
    const queues = [capped('mail', 2), reading({ queue: 'free', readyJobs: 9 }), capped('sums', 1)];
    const [, step] = decide(observation(0, { queues }), policy(), memory()).decision.steps;
    expect(step?.step).toBe('queue-concurrency');
    expect(step?.why).toMatch(/mail.*sums/);
    expect(step?.why).not.toContain('free');
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

  test('waits for each orphaned job from when that one was first seen', () => {
    const orphaned = (...ids: string[]) => ({
      queues: [reading({ orphanedJobs: ids.length, orphanedJobIds: ids })],
    });
    const ticks: [minutes: number, ids: string[]][] = [
      [0, ['old']],
      [6, ['old', 'young']],
      [12, ['old', 'young']],
      [16, ['young', 'old']],
    ];
    let remembered = memory();
    const said = ticks.map(([minutes, ids]) => {
      const seen = observation(0, {
        ...orphaned(...ids),
        observedAtMs: startMs + minutes * minute,
      });
      const { decision, memory: next } = decide(seen, policy(), remembered);
      remembered = next;
      return decision.steps[0]?.why;
    });
    expect(said).toEqual([
      'only a worker can recover 1 orphaned job',
      'only a worker can recover 2 orphaned jobs',
      'only a worker can recover 1 orphaned job',
      'no job is ready or running',
    ]);
  });

  test('the time of an orphaned job goes on while its queue, and no other, is unreadable', () => {
    const known = [
      { job: 'broken:7', seenAtMs: startMs - 9 * minute },
      { job: 'emails:8', seenAtMs: startMs - 5 * minute },
      { job: 'emails:broken:9', seenAtMs: startMs - 5 * minute },
    ];
    const queues = [reading({ orphanedJobs: 1, orphanedJobIds: ['new'] })];
    expect(rememberOrphans(observation(0, { queues, ...unreadable }), known)).toEqual([
      { job: 'broken:7', seenAtMs: startMs - 9 * minute },
      { job: 'emails:new', seenAtMs: startMs },
    ]);
  });

  test('of too many orphaned jobs those that were known first are followed', () => {
    const known = [{ job: 'emails:last', seenAtMs: startMs - minute }];
    const ids = [...Array.from({ length: 1_500 }, (_, index) => String(index)), 'last'];
    const queues = [reading({ orphanedJobs: ids.length, orphanedJobIds: ids })];
    const followed = rememberOrphans(observation(0, { queues }), known);
    expect(followed).toHaveLength(1_000);
    expect(followed[0]).toEqual(known[0]);
  });

  test('says when the workers that it found running are what holds it', () => {
    const window = { scaleDownStabilizationSeconds: 300 };
    const first = decide(observation(0, { currentWorkers: 6 }), policy(window), emptyMemory);
    const later = observation(0, { currentWorkers: 6, observedAtMs: startMs + 2 * minute });
    const { decision } = decide(later, policy(window), first.memory);
    expect(decision).toMatchObject({ desiredWorkers: 6, limitedBy: 'stabilization' });
    expect(decision.steps.at(-1)?.why).toContain(
      'found 6 workers running 2m ago without knowing why',
    );
  });

  test('tells orphaned jobs of one id in two queues apart', () => {
    const orphan = { orphanedJobs: 1, orphanedJobIds: ['7'] };
    const [one, other] = [reading({ queue: 'a', ...orphan }), reading({ queue: 'b', ...orphan })];
    const first = decide(observation(0, { queues: [one] }), policy(), memory());
    const later = observation(0, { queues: [one, other], observedAtMs: startMs + 10 * minute });
    expect(decide(later, policy(), first.memory).decision.desiredWorkers).toBe(1);
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

  test('lets nothing that was remembered be later than now, when the clock was set back', () => {
    const laterMs = startMs + 600 * minute;
    const drains = [{ dyno: 'worker.4', sinceMs: laterMs, isAsked: true }];
    const removal = { workers: 3, madeAtMs: laterMs };
    const before = { ...memory(), drains, removal, tailUnknownSinceMs: laterMs };
    expect(decide(observation(1), policy(), before).memory).toMatchObject({
      drains: [{ sinceMs: startMs }],
      removal: { madeAtMs: startMs },
      tailUnknownSinceMs: startMs,
    });
  });

  test('forgets a learned limit from memory once it is tried again', () => {
    const old = learnPlatformLimit(memory(), 5, startMs - 61 * minute);
    expect(decide(observation(1), policy(), old).memory.platformLimit).toBeNull();
  });

  test('takes what it remembers of a time to come for what is now', () => {
    const later = startMs + 60 * minute;
    const ahead = memory({
      lastSeenAtMs: later,
      recommendations: [{ madeAtMs: later, workers: 5, isFound: false }],
      orphans: [{ job: 'emails:7', seenAtMs: later }],
      stalls: [
        {
          ...{ job: 'emails:8', stalls: 1, endedJobs: null },
          ...{ sinceMs: later, stalledAtMs: later, seenAtMs: later },
        },
      ],
      platformLimit: { workers: 9, learnedAtMs: later },
      drains: [{ dyno: 'worker.1', sinceMs: later, isAsked: true }],
      removal: { workers: 3, madeAtMs: later },
      tailUnknownSinceMs: later,
    });
    const queues = [reading({ orphanedJobs: 1, orphanedJobIds: ['7'] })];
    const wishes = policy({ scaleDownStabilizationSeconds: 300 });
    expect(decide(observation(0, { queues }), wishes, ahead).memory).toMatchObject({
      lastSeenAtMs: startMs,
      recommendations: [{ madeAtMs: startMs, workers: 5 }, { madeAtMs: startMs }],
      orphans: [{ seenAtMs: startMs }],
      stalls: [{ sinceMs: startMs, stalledAtMs: startMs, seenAtMs: startMs }],
      platformLimit: { learnedAtMs: startMs },
      drains: [{ sinceMs: startMs }],
      removal: { madeAtMs: startMs },
      tailUnknownSinceMs: startMs,
    });
  });

  test('does not call a pool seen before anybody knows how many workers it has', () => {
    const unknown = observation(0, { currentWorkers: null });
    const wishes = policy({ scaleDownStabilizationSeconds: 300 });
    expect(decide(unknown, wishes, emptyMemory).memory.lastSeenAtMs).toBeNull();
    const seen = observation(0);
    expect(decide(seen, wishes, emptyMemory).memory.lastSeenAtMs).toBe(startMs);
  });

  test('refuses counts that cannot be, because deciding on them could cost jobs', () => {
    expect(() => decide(observation(-1), policy(), memory())).toThrow('not a count');
    expect(() => decide(observation(NaN), policy(), memory())).toThrow('not a count');
    const wishes = (known: Partial<Policy>) => () =>
      decide(observation(1), policy(known), memory());
    expect(wishes({ minWorkers: 3, maxWorkers: 2 })).toThrow('minWorkers is above maxWorkers');
    expect(wishes({ eventsPerWorker: 0 })).toThrow('eventsPerWorker must be above 0');
    expect(wishes({ eventsPerWorker: NaN })).toThrow('eventsPerWorker must be above 0');
  });
});
