import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, emptyMemory } from '../../src/decision/decide.ts';
import type { Memory, Observation, Policy } from '../../src/decision/types.ts';
import { observation, policy, reading, startMs } from '../support/builders.ts';

const count = fc.integer({ min: 0, max: 5_000 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const queues = fc.array(
  fc.record({
    readyJobs: count,
    activeJobs: count,
    concurrencyLimit: maybe(fc.integer({ min: 1, max: 50 })),
    rateLimitedForSeconds: maybe(fc.integer({ min: 1, max: 60 })),
    orphanedJobIds: fc.subarray(['1', '2', '3']),
  }),
  { maxLength: 4 },
);
const unreadableQueues = fc.constantFrom([], [{ queue: 'broken', why: 'wrong type' }]);

const observations: fc.Arbitrary<Observation> = fc
  .record({ queues, unreadableQueues, currentWorkers: maybe(fc.integer({ min: 0, max: 120 })) })
  .map((seen) => ({
    ...observation(0, {
      currentWorkers: seen.currentWorkers,
      unreadableQueues: seen.unreadableQueues,
    }),
    queues: seen.queues.map((known, index) => reading({ queue: `q${String(index)}`, ...known })),
  }));

const policies: fc.Arbitrary<Policy> = fc
  .record({
    minWorkers: fc.integer({ min: 0, max: 20 }),
    spread: fc.integer({ min: 0, max: 80 }),
    eventsPerWorker: fc.integer({ min: 1, max: 500 }),
    concurrency: maybe(fc.integer({ min: 1, max: 20 })),
    scaleDownStabilizationSeconds: fc.constantFrom(0, 60, 300),
    scaleUpStep: maybe(fc.integer({ min: 1, max: 9 })),
    scaleDownStep: maybe(fc.integer({ min: 1, max: 9 })),
  })
  .map(({ spread, ...wishes }) => policy({ ...wishes, maxWorkers: wishes.minWorkers + spread }));

/** Around the moment of the observation, also after it: clocks are set back. */
const moment = fc.integer({ min: -20, max: 20 }).map((minutes) => startMs + minutes * 60_000);

/** Oldest first, and each higher than all that follow it. */
const recommendations = fc
  .array(
    fc.record({
      madeAtMs: moment,
      workers: fc.integer({ min: 0, max: 100 }),
      isFound: fc.boolean(),
    }),
    {
      maxLength: 6,
    },
  )
  .map((made) => {
    const oldestFirst = made.toSorted((one, other) => one.madeAtMs - other.madeAtMs);
    return oldestFirst.filter(({ workers }, index) =>
      oldestFirst.slice(index + 1).every((later) => later.workers < workers),
    );
  });
const orphans = fc.uniqueArray(
  fc.record({ job: fc.constantFrom('q0:1', 'q0:2', 'q1:1', 'gone:1'), seenAtMs: moment }),
  { selector: ({ job }) => job },
);
const platformLimit = maybe(
  fc.record({ workers: fc.integer({ min: 0, max: 50 }), learnedAtMs: moment }),
);

const memories: fc.Arbitrary<Memory> = fc
  .record({ lastSeenAtMs: maybe(moment), recommendations, orphans, platformLimit })
  .map((known) => ({ ...emptyMemory, ...known }));

const situations = fc.tuple(observations, policies, memories);

test('desired workers stay within the bounds, but for what the platform allows', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      const { desiredWorkers } = decide(seen, wishes, remembered).decision;
      expect(desiredWorkers).toBeLessThanOrEqual(wishes.maxWorkers);
      const allowed = Math.max(
        remembered.platformLimit?.workers ?? Infinity,
        seen.currentWorkers ?? 0,
      );
      expect(desiredWorkers).toBeGreaterThanOrEqual(Math.min(wishes.minWorkers, allowed));
    }),
  );
});

test('a pool that cannot be seen whole never shrinks within its bounds', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      fc.pre(seen.unreadableQueues.length > 0);
      const current = seen.currentWorkers ?? 0;
      const { desiredWorkers } = decide(seen, wishes, remembered).decision;
      expect(desiredWorkers).toBeGreaterThanOrEqual(Math.min(current, wishes.maxWorkers));
    }),
  );
});

test('somebody is there, or on the way, while a job runs or can be recovered', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      fc.pre(wishes.maxWorkers > 0 && (remembered.platformLimit?.workers ?? 1) > 0);
      const isNeeded = ({ activeJobs, orphanedJobIds }: Observation['queues'][number]) =>
        activeJobs > 0 || orphanedJobIds.length > 0;
      fc.pre(seen.queues.some(isNeeded));
      const { desiredWorkers } = decide(seen, wishes, { ...remembered, orphans: [] }).decision;
      expect(desiredWorkers).toBeGreaterThanOrEqual(1);
    }),
  );
});

test('more ready jobs never mean fewer workers', () => {
  fc.assert(
    fc.property(situations, count, ([seen, wishes, remembered], more) => {
      const busier = {
        ...seen,
        queues: seen.queues.map((queue) => ({ ...queue, readyJobs: queue.readyJobs + more })),
      };
      const desired = (observed: Observation) =>
        decide(observed, wishes, remembered).decision.desiredWorkers;
      expect(desired(busier)).toBeGreaterThanOrEqual(desired(seen));
    }),
  );
});

test('a step is never exceeded unless a bound demands it', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      const { desiredWorkers, steps } = decide(seen, wishes, remembered).decision;
      const current = seen.currentWorkers;
      fc.pre(current !== null);
      const isBounded = steps.some(({ step }) => step === 'min-workers' || step === 'max-workers');
      if (isBounded) return;
      expect(desiredWorkers - current).toBeLessThanOrEqual(wishes.scaleUpStep ?? Infinity);
      expect(current - desiredWorkers).toBeLessThanOrEqual(wishes.scaleDownStep ?? Infinity);
    }),
  );
});

test('the same situation always gives the same decision, and every step has a reason', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      const first = decide(seen, wishes, remembered);
      expect(decide(seen, wishes, remembered)).toEqual(first);
      expect(first.decision.steps[0]?.step).toBe('recommend');
      expect(first.decision.steps.every(({ why }) => why.length > 0)).toBe(true);
      // Of a pool of which nothing can be seen at all, nothing is recommended.
      expect(first.decision.steps.at(-1)?.workers ?? 0).toBe(first.decision.desiredWorkers);
    }),
  );
});

test('every step after the first changes the number', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      const { steps } = decide(seen, wishes, remembered).decision;
      steps.slice(1).forEach(({ workers }, index) => {
        expect(workers).not.toBe(steps[index]?.workers);
      });
    }),
  );
});

test('nothing is done about workers that could not be counted', () => {
  fc.assert(
    fc.property(situations, ([seen, wishes, remembered]) => {
      const { decision } = decide({ ...seen, currentWorkers: null }, wishes, remembered);
      expect(decision.action).toBe('hold');
    }),
  );
});

test('memory stays small however long a pool is watched', () => {
  fc.assert(
    fc.property(fc.array(count, { minLength: 50, maxLength: 200 }), (backlogs) => {
      const wishes = policy({ scaleDownStabilizationSeconds: 86_400, maxWorkers: 20 });
      const last = backlogs.reduce<Memory>((remembered, readyJobs, index) => {
        const observedAtMs = startMs + index * 1000;
        const seen = observation(readyJobs, { observedAtMs, currentWorkers: 5 });
        return decide(seen, wishes, remembered).memory;
      }, emptyMemory);
      expect(last.recommendations.length).toBeLessThanOrEqual(wishes.maxWorkers + 1);
      const workers = last.recommendations.map((recommendation) => recommendation.workers);
      expect(workers).toEqual([...new Set(workers)].sort((one, other) => other - one));
    }),
  );
});
