import { describe, expect, test } from 'vitest';
import { decide, emptyMemory } from '../../../src/decision/decide.ts';
import { recommendByLearning } from '../../../src/decision/learned/learned.ts';
import { nothingLearned, type LearnedMemory } from '../../../src/decision/learned/memory.ts';
import type { Memory, Observation, QueueReading } from '../../../src/decision/types.ts';
import { observation, policy, reading, startMs } from '../../support/builders.ts';
import { bin, ended, queueMemory, running } from '../../support/learned.ts';

const wishes = policy({
  leading: 'learned',
  intervalSeconds: 5,
  minWorkers: 0,
  maxWorkers: 50,
  concurrency: 5,
});

type Look = Partial<Observation> & { readonly queue?: Partial<QueueReading> };

/** Looks at one queue every five seconds and returns the last decision with all memory. */
function watch(looks: readonly Look[], asked = wishes, from: Memory = emptyMemory) {
  let memory = from;
  const decisions = looks.map(({ queue, ...known }, index) => {
    const seen = observation(0, {
      observedAtMs: startMs + index * 5000,
      workers: {
        readyWorkers: known.currentWorkers ?? 1,
        concurrency: null,
        protection: 'drain',
        handedBackJobs: null,
      },
      queues: [reading(queue)],
      ...known,
    });
    const { decision, memory: next } = decide(seen, asked, memory);
    memory = next;
    return decision;
  });
  const decision = decisions.at(-1);
  if (decision === undefined) throw new Error('nobody looked');
  return { decision, decisions, memory };
}

const times = (count: number, look: Look) => Array.from({ length: count }, () => look);

/** Jobs of a second each come and go at 10/s, which keep two workers of five slots busy. */
function steady(count: number, workers = 2): Look[] {
  return Array.from({ length: count }, (_, index) => ({
    currentWorkers: workers,
    queue: {
      activeJobs: 10,
      addedJobs: 50 * (index + 1) + 10,
      unfinishedJobs: 10,
      finished: Array.from({ length: 20 }, () => ended(1)),
    },
  }));
}

/** The steady queue at the look after `steady(count)`, with more in it. */
const then = (
  count: number,
  readyJobs: number,
  known: Partial<QueueReading> = {},
): Partial<QueueReading> => ({
  activeJobs: 10,
  readyJobs,
  addedJobs: 50 * (count + 1) + 10 + readyJobs,
  unfinishedJobs: 10 + readyJobs,
  finished: Array.from({ length: 20 }, () => ended(1)),
  ...known,
});

const last = (steps: readonly { step: string; workers: number | null; why: string }[]) =>
  steps.at(-1);

describe('the learned policy', () => {
  test('provides for delayed jobs before the look at which it would be too late', () => {
    const workersFor = (inSeconds: number, intervalSeconds: number) => {
      const dueSoon = [{ dueAtMs: startMs + 200_000 + inSeconds * 1000, jobs: 2000 }];
      const looks = [...steady(40), { currentWorkers: 2, queue: then(40, 0, { dueSoon }) }];
      return watch(looks, { ...wishes, intervalSeconds }).decision.desiredWorkers;
    };
    // Boots take 40 s, and the next look comes in 10 s at most while jobs are about to be due.
    expect(workersFor(52, 60)).toBeGreaterThan(2);
    expect(workersFor(52, 5)).toBe(2);
    expect(workersFor(62, 60)).toBe(2);
  });

  test('keeps the workers that start old jobs in time, however little work that is', () => {
    const workersAt = (oldestWaitSeconds: number) =>
      watch([
        ...times(20, { currentWorkers: 10 }),
        { currentWorkers: 10, queue: { readyJobs: 10, oldestWaitSeconds } },
      ]).decision.desiredWorkers;
    expect(workersAt(3)).toBeLessThan(5);
    // 96 s of work, as far as anybody knows, in two seconds on five slots each.
    expect(workersAt(118)).toBe(10);
    // What is late already is no reason.
    expect(workersAt(121)).toBeLessThan(5);
  });

  test('orders what a burst needs by its deadline, and says why', () => {
    const { decision } = watch([...steady(40), { currentWorkers: 2, queue: then(40, 6000) }]);
    // 6,000 s of work, on five slots, most of it by workers that first take 40 s of 115 s to boot.
    expect(decision.desiredWorkers).toBeGreaterThanOrEqual(14);
    expect(decision.desiredWorkers).toBeLessThanOrEqual(22);
    expect(decision.steps[0]?.why).toMatch(
      /^6,000 ready jobs are 2h of work \(1(\.\d)?s each\); \d+ workers start them within 2m$/,
    );
  });

  test('does not promise what the most workers allowed cannot keep', () => {
    const looks = [...steady(40), { currentWorkers: 2, queue: then(40, 6000) }];
    const { decision } = watch(looks, { ...wishes, maxWorkers: 4 });
    expect(decision.recommendedWorkers).toBe(4);
    expect(decision.steps[0]?.why).toMatch(
      /^6,000 ready jobs are 2h of work \(1(\.\d)?s each\); not even 4 workers can start all of them within 2m$/,
    );
  });

  test('knows jobs by their names', () => {
    const known = watch([
      ...steady(40).map((look) => ({
        ...look,
        queue: {
          ...look.queue,
          finished: [
            ...(look.queue?.finished ?? []),
            ...Array.from({ length: 5 }, () => ended(0.1, 'tiny')),
          ],
        },
      })),
    ]);
    const burst = (name: string) => {
      const seen = { ...then(40, 6000), readyJobNames: Array.from({ length: 48 }, () => name) };
      const at = observation(0, {
        observedAtMs: startMs + 200_000,
        currentWorkers: 2,
        queues: [reading(seen)],
        workers: { readyWorkers: 2, concurrency: null, protection: 'drain', handedBackJobs: null },
      });
      return decide(at, wishes, known.memory).decision.desiredWorkers;
    };
    expect(burst('tiny')).toBeLessThan(5);
    expect(burst('mail')).toBeGreaterThan(12);
  });

  test('keeps the workers that steady arrivals need, and no more', () => {
    expect(watch(steady(60)).decision.desiredWorkers).toBe(2);
    expect(watch(steady(60, 9)).decision.desiredWorkers).toBe(2);
  });

  test('keeps workers while each has work left', () => {
    const looks = [...steady(40, 6), { currentWorkers: 6, queue: then(40, 600) }];
    const { decision } = watch(looks);
    expect(decision).toMatchObject({ desiredWorkers: 6, action: 'hold' });
    expect(decision.steps[0]?.why).toBe(
      'every worker has at least 15s of work left, so 6 are kept',
    );
  });

  test('calls the length of jobs of which none has ended a guess', () => {
    const first = watch([{ currentWorkers: 1, queue: { readyJobs: 500, unfinishedJobs: 500 } }]);
    expect(first.decision.steps[0]?.why).toContain('each, a guess)');
    const known = watch([...steady(40), { currentWorkers: 2, queue: then(40, 2_000) }]);
    expect(known.decision.steps[0]?.why).toMatch(/s each\)/);
  });

  test('removes nobody before it has watched for a while', () => {
    const first = watch([{ currentWorkers: 8 }]);
    expect(first.decision.desiredWorkers).toBe(8);
    expect(first.decision.steps[0]?.why).toBe(
      'watched for only 0s so far, too short to remove anyone',
    );
    expect(watch(times(9, { currentWorkers: 8 })).decision.desiredWorkers).toBe(8);
    expect(watch(times(10, { currentWorkers: 8 })).decision.desiredWorkers).toBe(0);
  });

  test('begins to watch anew after a gap', () => {
    const { memory } = watch(times(20, { currentWorkers: 8 }));
    const late = observation(0, { observedAtMs: startMs + 3_600_000, currentWorkers: 8 });
    expect(decide(late, wishes, memory).decision.desiredWorkers).toBe(8);
  });

  describe('after looks that were missed', () => {
    const strict = { ...wishes, continuitySeconds: 10 };
    const lastMs = startMs + 19 * 5000;
    /** What is decided so long after twenty looks. */
    const decideAfter = (looks: readonly Look[], seconds: number, known: Partial<QueueReading>) =>
      decide(
        observation(0, {
          observedAtMs: lastMs + seconds * 1000,
          currentWorkers: looks[0]?.currentWorkers ?? 0,
          queues: [reading(known)],
        }),
        strict,
        watch(looks, strict).memory,
      );

    test('goes on for half a minute, and else begins to watch anew', () => {
      const idle = times(20, { currentWorkers: 8 });
      expect(decideAfter(idle, 30, {}).decision.desiredWorkers).toBe(0);
      expect(decideAfter(idle, 31, {}).decision.desiredWorkers).toBe(8);
    });

    test('knows what came and went meanwhile', () => {
      const now = { activeJobs: 10, addedJobs: 20 * 50 + 10 + 300, unfinishedJobs: 10 };
      const youngest = (seconds: number) => {
        const [queue] = decideAfter(steady(20), seconds, now).memory.learned.queues;
        return queue?.bins.at(-1);
      };
      expect(youngest(30)).toMatchObject({ seconds: 30, arrivals: 300, completions: 300 });
      expect(youngest(31)).toMatchObject({ seconds: 0, completions: 0 });
    });

    test('keeps who was busy at the last look, although nothing is left to do', () => {
      const done = { addedJobs: 20 * 50 + 10, unfinishedJobs: 0 };
      expect(decideAfter(steady(20), 30, done).decision.desiredWorkers).toBe(2);
    });
  });

  test('brings a job back from zero without waiting for its deadline to be lost', () => {
    const waiting = (count: number) => [
      ...times(12, { currentWorkers: 0, queue: { addedJobs: 5, unfinishedJobs: 0 } }),
      ...Array.from({ length: count }, (_, index) => ({
        currentWorkers: 0,
        queue: { readyJobs: 1, addedJobs: 6, unfinishedJobs: 1, oldestWaitSeconds: index * 5 + 1 },
      })),
    ];
    const { decisions } = watch(waiting(24), { ...wishes, eventsPerWorker: 1000 });
    const woken = decisions.findIndex(({ desiredWorkers }) => desiredWorkers === 1);
    const waitedSeconds = (woken - 12) * 5 + 1;
    expect(decisions[12]?.steps[0]?.why).toMatch(
      /^1 ready job is .* of work .*; a worker ordered later still starts it within 2m$/,
    );
    expect(waitedSeconds).toBeGreaterThan(10);
    expect(waitedSeconds).toBeLessThanOrEqual(60);
  });

  test('wakes at once for more than one worker can do in time', () => {
    const { decision } = watch([
      ...times(12, { currentWorkers: 0 }),
      { currentWorkers: 0, queue: { readyJobs: 5000 } },
    ]);
    expect(decision.desiredWorkers).toBeGreaterThan(5);
  });

  test('keeps one worker while a job runs, and for an orphaned one', () => {
    const busy = times(30, { currentWorkers: 1, queue: { activeJobs: 1, running: [running(0)] } });
    expect(watch(busy).decision.desiredWorkers).toBe(1);
    expect(watch(busy).decision.steps[0]?.why).toBe('1 job is still running');
    const orphaned = times(20, {
      currentWorkers: 1,
      queue: { orphanedJobs: 1, orphanedJobIds: ['7'] },
    });
    expect(watch(orphaned).decision.desiredWorkers).toBe(1);
    expect(watch(orphaned).decision.steps[0]?.why).toBe('only a worker can recover 1 orphaned job');
  });

  test('does not call back workers that drain before they are needed', () => {
    const drains = [3, 4].map((number) => ({
      dyno: `worker.${number}`,
      sinceMs: startMs,
      isAsked: true,
    }));
    const from = { ...emptyMemory, drains };
    expect(watch([{ currentWorkers: 4 }], wishes, from).decision.desiredWorkers).toBe(2);
    const burst = { currentWorkers: 4, queue: { readyJobs: 400 } };
    expect(watch([burst], wishes, from).decision.desiredWorkers).toBeGreaterThan(2);
  });

  test('learns how many slots a worker has where nobody says so', () => {
    const { memory } = watch(steady(20), { ...wishes, concurrency: null });
    expect(memory.learned.slots?.perWorker).toBe(5);
  });

  test('says so when no queue could be read, and learns nothing from that', () => {
    const { memory } = watch(steady(10));
    const blind = observation(0, {
      queues: [],
      unreadableQueues: [{ queue: 'emails', why: 'wrong type' }],
      observedAtMs: startMs + 60_000,
    });
    const known = { recoverableJobs: 0, drainingWorkers: 0, stallingQueues: new Set<string>() };
    const { steps, memory: learned } = recommendByLearning(blind, wishes, memory.learned, known);
    expect(steps).toEqual([
      { step: 'recommend', workers: null, why: 'no queue of the pool could be read' },
    ]);
    expect(learned).toBe(memory.learned);
  });

  test('leaves what it knows of an unreadable queue as it is', () => {
    const { memory } = watch(steady(10));
    const before = memory.learned.queues;
    const seen = observation(0, {
      queues: [reading({ queue: 'other' })],
      unreadableQueues: [{ queue: 'emails', why: 'wrong type' }],
      observedAtMs: startMs + 60_000,
    });
    expect(decide(seen, wishes, memory).memory.learned.queues).toEqual(before);
  });
});

/** One look at a pool of eight ready workers that was last looked at five seconds ago, and watched for long before. */
function lookOnce(
  remembered: Partial<LearnedMemory>,
  queues: readonly Partial<QueueReading>[],
  seen: Partial<Observation> = {},
  asked = wishes,
) {
  const before = {
    ...nothingLearned,
    ...{ seenAtMs: startMs - 5_000, watchedSinceMs: startMs - 600_000, workers: 8 },
    ...remembered,
  };
  const known = { recoverableJobs: 0, drainingWorkers: 0, stallingQueues: new Set<string>() };
  const now = observation(0, {
    ...{ currentWorkers: 8, queues: queues.map(reading) },
    workers: { readyWorkers: 8, concurrency: null, protection: 'drain', handedBackJobs: null },
    ...seen,
  });
  const { steps, memory } = recommendByLearning(now, asked, before, known);
  return { steps, memory, workers: steps.at(-1)?.workers, first: steps[0] };
}

describe('workers that the arrivals kept busy', () => {
  const hold = (workers: number, secondsAgo: number) => ({
    ...{ workers, madeAtMs: startMs - secondsAgo * 1000 },
  });

  test('are held for half a minute, and the most of them', () => {
    expect(lookOnce({ holds: [hold(5, 29)] }, []).workers).toBe(5);
    expect(lookOnce({ holds: [hold(5, 29), hold(3, 5)] }, []).first).toMatchObject({
      ...{ step: 'recommend', workers: 5 },
      why: 'the arrivals kept 5 workers busy less than 30s ago',
    });
    expect(lookOnce({ holds: [hold(5, 30), hold(3, 5)] }, []).workers).toBe(3);
    expect(lookOnce({ holds: [hold(5, 30)] }, []).workers).toBe(0);
  });

  test('are held when they were seen this moment, but not when that is yet to come', () => {
    expect(lookOnce({ holds: [hold(5, 0)] }, []).workers).toBe(5);
    expect(lookOnce({ holds: [hold(5, -1)] }, []).workers).toBe(0);
  });

  /** A minute in which ten jobs of a second arrived in each second, on all slots. */
  const arriving = (queue: string) => {
    const bins = Array.from({ length: 12 }, (_, index) =>
      bin({ untilMs: startMs - (12 - index) * 5000, arrivals: 50, completions: 50, isFull: true }),
    );
    return queueMemory({ queue, bins, activeJobs: 10, addedJobs: 600, unfinishedJobs: 10 });
  };
  const services = ['emails', 'reports'].map((queue) => ({
    ...{ queue, jobName: null, busySeconds: 100, completions: 100, seen: 100 },
    ...{ recentSeconds: [], usedAtMs: startMs },
  }));
  const now = { activeJobs: 10, addedJobs: 650, unfinishedJobs: 10 };
  const holdsAfter = (
    holds: LearnedMemory['holds'],
    queues: readonly Partial<QueueReading>[],
    asked = wishes,
  ) => {
    const known = queues.map(({ queue = 'emails' }) => arriving(queue));
    return lookOnce({ holds, services, queues: known }, queues, {}, asked).memory.holds;
  };

  test('are remembered with those of before that were more', () => {
    const before = [hold(9, 20), hold(2, 10), hold(1, 5)];
    expect(holdsAfter(before, [now])).toEqual([hold(9, 20), hold(2, 0)]);
    expect(holdsAfter([hold(9, 31)], [now])).toEqual([hold(2, 0)]);
    // The queues of a pool share its workers.
    expect(holdsAfter([], [now, { ...now, queue: 'reports' }])).toEqual([hold(2, 0)]);
  });

  test('are never more than are allowed, or of use', () => {
    expect(holdsAfter([], [now], { ...wishes, maxWorkers: 1 })).toEqual([hold(1, 0)]);
    expect(holdsAfter([], [{ ...now, concurrencyLimit: 5 }])).toEqual([hold(1, 0)]);
  });
});

describe('a look', () => {
  test('at no queue finds nothing to do, and at some queues what they need', () => {
    expect(lookOnce({}, []).first?.why).toBe('no job is ready or running');
    const unreadableQueues = [{ queue: 'reports', why: 'wrong type' }];
    expect(lookOnce({}, [{ readyJobs: 5_000 }], { unreadableQueues }).workers).toBeGreaterThan(8);
    expect(lookOnce({}, [], { unreadableQueues }).workers).toBeNull();
  });

  test('removes nobody before two of them were made, however far apart', () => {
    const watchedFor = (seconds: number) =>
      lookOnce({ seenAtMs: startMs - 60_000, watchedSinceMs: startMs - seconds * 1000 }, [])
        .workers;
    expect(watchedFor(119)).toBe(8);
    expect(watchedFor(120)).toBe(0);
  });

  test('remembers how many workers there were as long as nobody says', () => {
    expect(lookOnce({}, [], { currentWorkers: 3 }).memory.workers).toBe(3);
    expect(lookOnce({}, [], { currentWorkers: null }).memory.workers).toBe(8);
  });

  test('goes by the queue that needs most, wherever it stands', () => {
    const queues = [{ queue: 'a', readyJobs: 400 }, { queue: 'b', readyJobs: 30 }, { queue: 'c' }];
    const { workers } = lookOnce({}, queues.slice(0, 1));
    expect(workers).toBeGreaterThan(1);
    expect(lookOnce({}, queues).workers).toBe(workers);
    expect(lookOnce({}, queues.toReversed()).workers).toBe(workers);
  });

  test('lets go whom no job needs, also where nothing protects running jobs', () => {
    const workers = { ...observation(0).workers, readyWorkers: 8, protection: 'none' as const };
    expect(lookOnce({}, [], { workers }).steps).toHaveLength(1);
  });
});

describe('what stands in the way of more workers', () => {
  test('is told of the queues in whose way it stands', () => {
    const queues = [
      { queue: 'a', readyJobs: 90_000, rateLimitedForSeconds: 3 },
      { queue: 'b', readyJobs: 1, rateLimitedForSeconds: 3 },
      { queue: 'c', readyJobs: 80_000, concurrencyLimit: 60 },
      { queue: 'd', readyJobs: 1, concurrencyLimit: 5 },
    ];
    const { steps } = lookOnce({}, queues);
    expect(steps.map(({ step, workers }) => [step, workers])).toEqual([
      ['recommend', 50],
      ['queue-rate-limit', 12],
    ]);
    expect(steps[1]?.why).toMatch(/^a at the rate limit/);
    const [, capped] = lookOnce({}, queues.slice(1)).steps;
    expect(capped).toMatchObject({ step: 'queue-concurrency', workers: 12 });
    expect(capped?.why).toMatch(/^c runs at most 60 jobs at once:/);
  });

  test('may also make those that are there too many', () => {
    const bins = Array.from({ length: 12 }, (_, index) =>
      bin({ untilMs: startMs - (12 - index) * 5000, arrivals: 200, isFull: true }),
    );
    const queues = [queueMemory({ bins, activeJobs: 40, addedJobs: 900, unfinishedJobs: 40 })];
    const seen = { activeJobs: 40, addedJobs: 1_100, unfinishedJobs: 40 };
    const free = lookOnce({ queues }, [seen]);
    expect(free.workers).toBe(8);
    const { steps } = lookOnce({ queues }, [{ ...seen, concurrencyLimit: 10 }]);
    expect(steps.at(-1)).toMatchObject({ step: 'queue-concurrency', workers: 2 });
  });

  const hungry = (count: number, known: Partial<QueueReading>) =>
    watch([...steady(count), { currentWorkers: 2, queue: then(count, 6000, known) }]);

  test('a queue that runs only so many jobs at once', () => {
    const { decision } = hungry(40, { concurrencyLimit: 22 });
    expect(last(decision.steps)).toMatchObject({
      step: 'queue-concurrency',
      workers: 5,
      why: 'emails runs at most 22 jobs at once: more workers for that would idle',
    });
  });

  test('a queue at its rate limit', () => {
    const { decision } = hungry(40, { rateLimitedForSeconds: 3 });
    expect(last(decision.steps)).toMatchObject({ step: 'queue-rate-limit', workers: 2 });
    expect(decision.limitedBy).toBe('queue-rate-limit');
  });

  test('only for the queue that has it', () => {
    const other = reading({ queue: 'other', readyJobs: 6000 });
    const { memory } = watch(steady(40));
    const queues = [reading(then(40, 6000, { rateLimitedForSeconds: 3 })), other];
    const seen = observation(0, {
      queues,
      observedAtMs: startMs + 200_000,
      currentWorkers: 2,
      workers: { readyWorkers: 2, concurrency: null, protection: 'drain', handedBackJobs: null },
    });
    expect(decide(seen, wishes, memory).decision.desiredWorkers).toBeGreaterThan(10);
  });

  test('jobs of which none ends', () => {
    const stuck = Array.from({ length: 14 }, (_, index) => ({
      currentWorkers: 2,
      queue: {
        activeJobs: 10,
        readyJobs: 500 * (index + 1),
        addedJobs: 2060 + 500 * (index + 1),
        unfinishedJobs: 60 + 500 * (index + 1),
        running: Array.from({ length: 10 }, () => running(60)),
      },
    }));
    const { decision } = watch([...steady(40), ...stuck]);
    expect(decision.desiredWorkers).toBe(2);
    expect(last(decision.steps)).toMatchObject({ step: 'stuck-jobs' });
    expect(last(decision.steps)?.why).toMatch(
      /^no job of emails has ended for \d+s while 10 jobs run: more workers would not help$/,
    );
  });

  test('jobs that stall again and again, of which none ends', () => {
    const crashing = Array.from({ length: 40 }, (_, index) => ({
      currentWorkers: 2,
      queue: {
        // Each job is put back a while after its worker died, so that at times none runs.
        activeJobs: index % 5 === 0 ? 0 : 10,
        readyJobs: 500 * (index + 1),
        addedJobs: 2060 + 500 * (index + 1),
        unfinishedJobs: 60 + 500 * (index + 1),
        stalledJobs: index % 13 === 5 ? [{ jobId: String(index), stalls: 1 }] : [],
      },
    }));
    const { decision } = watch([...steady(40), ...crashing]);
    expect(decision.desiredWorkers).toBe(2);
    expect(last(decision.steps)).toMatchObject({
      step: 'stuck-jobs',
      why: 'jobs of emails stall again and again: more workers would not help',
    });
    expect(
      watch([...steady(40), ...crashing.slice(0, 30)]).decision.desiredWorkers,
    ).toBeGreaterThan(10);
  });

  test('slots that are idle although jobs wait', () => {
    const idle = Array.from({ length: 20 }, (_, index) => ({
      currentWorkers: 8,
      queue: { activeJobs: 4, readyJobs: 4000, addedJobs: 6060 + 10 * index, unfinishedJobs: 4004 },
    }));
    const { decision } = watch([...steady(40, 8), ...idle]);
    expect(decision.steps.map(({ step }) => step)).toContain('ineffective-workers');
    expect(decision.desiredWorkers).toBeLessThan(8);
    expect(last(decision.steps)?.why).toBe(
      'jobs of emails wait although workers are free: more workers would idle as well',
    );
  });

  test('running jobs that a removal would interrupt, unless something protects them', () => {
    const long = (protection: 'none' | 'drain') =>
      times(60, {
        currentWorkers: 8,
        workers: { readyWorkers: 8, concurrency: null, protection, handedBackJobs: null },
        queue: {
          activeJobs: 8,
          addedJobs: 8,
          unfinishedJobs: 8,
          running: Array.from({ length: 8 }, () => running(600)),
        },
      });
    const open = watch(long('none')).decision;
    expect(open.desiredWorkers).toBe(8);
    expect(last(open.steps)).toMatchObject({ step: 'expected-interruptions' });
    expect(last(open.steps)?.why).toMatch(
      /^each worker removed now would interrupt about 0\.\d+ running jobs$/,
    );
    expect(watch(long('drain')).decision.desiredWorkers).toBeLessThan(8);
  });
});

describe('both policies', () => {
  test('are computed each time, and one of them leads', () => {
    const burst = [...steady(40), { currentWorkers: 2, queue: then(40, 6000) }];
    const learned = watch(burst).decision;
    const ratio = watch(burst, { ...wishes, leading: 'ratio' }).decision;
    expect(learned.alternative).toMatchObject({ policy: 'ratio', workers: 60 });
    expect(ratio.alternative).toMatchObject({
      policy: 'learned',
      workers: learned.recommendedWorkers,
    });
    expect(ratio.recommendedWorkers).toBe(60);
    expect(learned.alternative.why).toBe('6,000 ready jobs ÷ 100 jobs per worker → 60');
  });

  test('learn the same, whichever leads', () => {
    const learned = watch(steady(30)).memory.learned;
    expect(watch(steady(30), { ...wishes, leading: 'ratio' }).memory.learned).toEqual(learned);
  });
});

describe('its memory', () => {
  test('of ten thousand queues is bounded', () => {
    let learned: LearnedMemory = nothingLearned;
    const known = { recoverableJobs: 0, drainingWorkers: 0, stallingQueues: new Set<string>() };
    const idle = Array.from({ length: 9500 }, (_, index) => reading({ queue: `idle-${index}` }));
    const finished = Array.from({ length: 9 }, (_, job) => ended(1.234 + job, `some-job-${job}`));
    const busy = Array.from({ length: 500 }, (_, index) =>
      reading({ queue: `queue-number-${index}`, readyJobs: 100 + index, activeJobs: 5, finished }),
    );
    for (let look = 0; look < 36; look += 1) {
      const queues = busy.map((queue) => ({
        ...queue,
        addedJobs: 2e6 * look,
        unfinishedJobs: 1e6,
      }));
      const seen = observation(0, {
        queues: [...queues, ...idle],
        observedAtMs: startMs + look * 5000,
        currentWorkers: 20,
      });
      ({ memory: learned } = recommendByLearning(seen, wishes, learned, known));
    }
    expect(learned.queues).toHaveLength(32);
    expect(learned.queues[0]?.bins).toHaveLength(36);
    expect(learned.services).toHaveLength(200);
    expect(JSON.stringify(learned).length).toBeLessThan(256 * 1024);
  });

  test('forgets a queue that has been idle, but not how long its jobs take', () => {
    const idle = times(45, { currentWorkers: 1, queue: { addedJobs: 2060, unfinishedJobs: 0 } });
    const { memory } = watch([...steady(40), ...idle]);
    expect(memory.learned.queues).toEqual([]);
    expect(memory.learned.services.map(({ jobName }) => jobName)).toEqual([null, 'mail']);
  });
});
