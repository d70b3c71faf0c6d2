import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, emptyMemory } from '../../../src/decision/decide.ts';
import type { LearnedMemory, ServiceMemory } from '../../../src/decision/learned/memory.ts';
import type { Memory, Observation, Policy, QueueReading } from '../../../src/decision/types.ts';
import { learnedSchema } from '../../../src/state/learned-schema.ts';
import { observation, policy, reading, startMs } from '../../support/builders.ts';

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const count = fc.integer({ min: 0, max: 5000 });
const name = fc.constantFrom('mail', 'report', '', '__proto__');
const queueName = fc.constantFrom('q0', 'q1', 'gone', '__proto__');
const seconds = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 4000, noNaN: true }));
/** Around the moment of the observation, also after it: clocks are set back. */
const moment = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -900, max: 900 }).map((offset) => startMs + offset * 1000),
);

const readings: fc.Arbitrary<Partial<QueueReading>> = fc.record({
  readyJobs: count,
  activeJobs: fc.integer({ min: 0, max: 60 }),
  addedJobs: maybe(count),
  unfinishedJobs: maybe(count),
  oldestWaitSeconds: maybe(seconds),
  concurrencyLimit: maybe(fc.integer({ min: 1, max: 50 })),
  rateLimitedForSeconds: maybe(fc.integer({ min: 1, max: 60 })),
  readyJobNames: fc.array(name, { maxLength: 6 }),
  running: fc.array(
    fc.record({
      jobId: fc.constant('1'),
      worker: fc.constant(null),
      startedAtMs: maybe(moment),
      jobName: maybe(name),
    }),
    { maxLength: 4 },
  ),
  finished: fc.array(
    fc.record({ jobName: maybe(name), durationSeconds: seconds, waitSeconds: maybe(seconds) }),
    {
      maxLength: 4,
    },
  ),
  dueSoon: fc.array(fc.record({ dueAtMs: moment, jobs: count }), { maxLength: 3 }),
});

const observations: fc.Arbitrary<Observation> = fc
  .record({
    queues: fc.array(readings, { maxLength: 3 }),
    isBlind: fc.boolean(),
    currentWorkers: maybe(fc.integer({ min: 0, max: 60 })),
    readyWorkers: maybe(fc.integer({ min: 0, max: 70 })),
    concurrency: maybe(fc.integer({ min: 1, max: 20 })),
    protection: fc.constantFrom('drain', 'names', 'none' as const),
  })
  .map(({ queues, isBlind, currentWorkers, readyWorkers, concurrency, protection }) =>
    observation(0, {
      queues: queues.map((known, index) => reading({ queue: `q${index}`, ...known })),
      unreadableQueues: isBlind ? [{ queue: 'gone', why: 'wrong type' }] : [],
      currentWorkers,
      workers: { readyWorkers, concurrency, protection, handedBackJobs: null },
    }),
  );

const policies: fc.Arbitrary<Policy> = fc
  .record({
    minWorkers: fc.integer({ min: 0, max: 5 }),
    spread: fc.integer({ min: 0, max: 50 }),
    eventsPerWorker: fc.integer({ min: 1, max: 500 }),
    concurrency: maybe(fc.integer({ min: 1, max: 20 })),
    targetWaitSeconds: fc.constantFrom(1, 10, 120, 600, 86_400),
    intervalSeconds: fc.constantFrom(1, 5, 60),
  })
  .map(({ spread, ...wishes }) =>
    policy({ ...wishes, leading: 'learned', maxWorkers: wishes.minWorkers + spread }),
  );

const amount = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e12, noNaN: true }), seconds);
const whole = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(1e9));
const service: fc.Arbitrary<ServiceMemory> = fc.record({
  queue: queueName,
  jobName: maybe(name),
  busySeconds: amount,
  completions: amount,
  seen: amount,
  recentSeconds: fc.array(amount, { maxLength: 12 }),
  usedAtMs: moment,
});
const bin = fc.record({
  untilMs: moment,
  seconds: amount,
  arrivals: amount,
  completions: amount,
  peakActive: amount,
  readyWorkers: whole,
  isFull: fc.boolean(),
});
const cap = fc.record({
  workers: whole,
  why: fc.constantFrom('idle-slots' as const, 'no-gain' as const),
  madeAtMs: moment,
  probeAfterSeconds: amount,
  heldBackSinceMs: maybe(moment),
  wins: whole,
  probe: maybe(
    fc.record({ startedAtMs: moment, fromWorkers: whole, completionsPerSecond: amount }),
  ),
});
const queue = fc.record({
  queue: queueName,
  readAtMs: moment,
  readyJobs: amount,
  activeJobs: amount,
  addedJobs: maybe(amount),
  unfinishedJobs: maybe(amount),
  bins: fc.array(bin, { maxLength: 6 }),
  movedAtMs: moment,
  idleSlotsSinceMs: maybe(moment),
  cap: maybe(cap),
});
const learnedMemories: fc.Arbitrary<LearnedMemory> = fc.record({
  seenAtMs: maybe(moment),
  watchedSinceMs: maybe(moment),
  workers: maybe(whole),
  scaledDownAtMs: maybe(moment),
  boots: fc.record({
    meanSeconds: fc.double({ min: 0.001, max: 3600, noNaN: true }),
    varianceSeconds2: amount,
    boots: amount,
    orders: fc.array(fc.record({ orderedAtMs: moment, workers: whole }), { maxLength: 5 }),
  }),
  slots: maybe(fc.record({ perWorker: whole, reachedAtMs: moment })),
  holds: fc.array(fc.record({ madeAtMs: moment, workers: whole }), { maxLength: 4 }),
  services: fc.array(service, { maxLength: 8 }),
  queues: fc.array(queue, { maxLength: 4 }),
});
const memories: fc.Arbitrary<Memory> = learnedMemories.map((learned) => ({
  ...emptyMemory,
  learned,
}));

test('every memory that can be loaded gives a sensible number and a memory that can be stored', () => {
  fc.assert(
    fc.property(observations, policies, memories, (seen, wishes, remembered) => {
      expect(learnedSchema.safeParse(remembered.learned).error).toBeUndefined();
      const { decision, memory } = decide(seen, wishes, remembered);
      for (const { workers, why } of [...decision.steps, decision.alternative]) {
        expect(workers === null || (Number.isInteger(workers) && workers >= 0)).toBe(true);
        expect(why).not.toMatch(/NaN|Infinity|undefined/);
        expect(why).not.toBe('');
      }
      expect(decision.desiredWorkers).toBeLessThanOrEqual(wishes.maxWorkers);
      expect(decision.desiredWorkers).toBeGreaterThanOrEqual(wishes.minWorkers);
      const stored: unknown = JSON.parse(JSON.stringify(memory.learned));
      expect(learnedSchema.safeParse(stored).error).toBeUndefined();
      expect(learnedSchema.parse(stored)).toEqual(stored);
    }),
    { numRuns: 400 },
  );
});

test('the recommendation never exceeds the larger of the maximum and what runs', () => {
  fc.assert(
    fc.property(observations, policies, memories, (seen, wishes, remembered) => {
      const { recommendedWorkers } = decide(seen, wishes, remembered).decision;
      const running = seen.currentWorkers ?? 1e9;
      expect(recommendedWorkers ?? 0).toBeLessThanOrEqual(Math.max(1, wishes.maxWorkers, running));
    }),
  );
});

test('no job is said to be ready or running only when none is', () => {
  fc.assert(
    fc.property(observations, policies, memories, (seen, wishes, remembered) => {
      const [first] = decide(seen, wishes, remembered).decision.steps;
      fc.pre(first?.why === 'no job is ready or running');
      for (const { readyJobs, activeJobs } of seen.queues) expect(readyJobs + activeJobs).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test('a pool that cannot be seen whole never shrinks within its bounds', () => {
  fc.assert(
    fc.property(observations, policies, memories, (seen, wishes, remembered) => {
      fc.pre(seen.unreadableQueues.length > 0);
      const { desiredWorkers } = decide(seen, wishes, remembered).decision;
      expect(desiredWorkers).toBeGreaterThanOrEqual(
        Math.min(seen.currentWorkers ?? 0, wishes.maxWorkers),
      );
    }),
  );
});

test('what is known of a queue that cannot be read is left alone', () => {
  fc.assert(
    fc.property(observations, policies, memories, (seen, wishes, remembered) => {
      fc.pre(seen.unreadableQueues.length > 0);
      const known = (memory: Memory) =>
        memory.learned.queues.filter(({ queue: of }) => of === 'gone');
      expect(known(decide(seen, wishes, remembered).memory)).toEqual(known(remembered));
    }),
  );
});

/** Watches one steady queue, and then looks once at more jobs in it. */
function afterBurst(jobs: number, jobsPerLook: number, oldestWaitSeconds: number, workers: number) {
  const wishes = policy({
    leading: 'learned',
    intervalSeconds: 5,
    maxWorkers: 100,
    concurrency: 5,
    minWorkers: 1,
  });
  let memory = emptyMemory;
  for (let look = 0; look <= 20; look += 1) {
    const readyJobs = look < 20 ? 0 : jobs;
    const queues = [
      reading({
        readyJobs,
        activeJobs: 5,
        addedJobs: jobsPerLook * look + readyJobs,
        unfinishedJobs: 5 + readyJobs,
        oldestWaitSeconds: readyJobs > 0 ? oldestWaitSeconds : null,
        finished: [{ jobName: 'mail', durationSeconds: 1, waitSeconds: null }],
      }),
    ];
    const seen = observation(0, {
      queues,
      observedAtMs: startMs + look * 5000,
      currentWorkers: workers,
      workers: { readyWorkers: workers, concurrency: 5, protection: 'drain', handedBackJobs: null },
    });
    const decided = decide(seen, wishes, memory);
    if (look === 20) return decided.decision.desiredWorkers;
    memory = decided.memory;
  }
  return 0;
}

test('more backlog never yields fewer workers', () => {
  const burst = fc.integer({ min: 0, max: 20_000 });
  fc.assert(
    fc.property(
      burst,
      burst,
      fc.nat(200),
      fc.nat(200),
      fc.integer({ min: 1, max: 30 }),
      (one, other, rate, age, workers) => {
        const [less, more] = one < other ? [one, other] : [other, one];
        expect(afterBurst(more, rate, age, workers)).toBeGreaterThanOrEqual(
          afterBurst(less, rate, age, workers),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('memory stays bounded however long a pool is watched', () => {
  fc.assert(
    fc.property(
      fc.array(observations, { minLength: 20, maxLength: 60 }),
      policies,
      (looks, wishes) => {
        let memory = emptyMemory;
        looks.forEach((seen, index) => {
          memory = decide({ ...seen, observedAtMs: startMs + index * 1000 }, wishes, memory).memory;
        });
        const { learned } = memory;
        expect(learned.queues.every(({ bins }) => bins.length <= 36)).toBe(true);
        expect(learned.holds.length).toBeLessThanOrEqual(31);
        expect(learned.boots.orders.length).toBeLessThanOrEqual(32);
        expect(JSON.stringify(learned).length).toBeLessThan(64 * 1024);
      },
    ),
    { numRuns: 30 },
  );
});
