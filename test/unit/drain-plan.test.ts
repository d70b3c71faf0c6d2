import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cancelledOf, planRemoval, type Plan, type Situation } from '../../src/drain/plan.ts';
import { heartbeatFreshMs, heartbeatGoneMs } from '../../src/drain/protocol.ts';
import {
  judge,
  whereaboutsOf,
  type Whereabouts,
  type WorkerProcess,
} from '../../src/drain/verdict.ts';
import type { ListedWorker } from '../../src/targets/target.ts';
import { observation, reading, startMs } from '../support/builders.ts';

const minute = 60_000;
const hour = 60 * minute;

const dyno = (ordinal: number) => `worker.${String(ordinal)}`;
const numbered = (count: number, ageSeconds = 3600): readonly ListedWorker[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ name: dyno(index + 1), ordinal: index + 1, ageSeconds },
  }));
const job = (worker: string | null, jobId = '7') => ({
  jobId,
  worker,
  startedAtMs: startMs,
  jobName: null,
});
const running = (...workers: (string | null)[]) =>
  reading({ activeJobs: workers.length, running: workers.map((worker) => job(worker)) });
const jobsOn = (...workers: (string | null)[]): Whereabouts =>
  whereaboutsOf(observation(0, { queues: [running(...workers)] }));

/** A companion that was heard a moment ago. */
const companion = (name: string, known: Partial<WorkerProcess> = {}): WorkerProcess => ({
  ...{ dyno: name, state: 'working', activeJobs: 0, concurrency: 1 },
  ...{ startedAtMs: startMs, atMs: startMs, ageMs: 300 },
  ...known,
});

/** Ten old workers of which nothing runs a job and one is to stay, unless a test says more. */
const situation = (known: Partial<Situation> = {}): Situation => ({
  ...{ processType: 'worker', currentWorkers: 10, desiredWorkers: 1 },
  dynos: numbered(known.currentWorkers ?? 10),
  isJoined: (known.processes ?? []).length > 0,
  ...{ processes: [], whereabouts: jobsOn(), isStrict: false, drains: [], isTailUnknown: false },
  ...{ drainTimeoutMs: hour, nowMs: startMs },
  ...known,
});
const plan = (known: Partial<Situation> = {}) => planRemoval(situation(known));

test('right after a deploy, before any companion has spoken, no young dyno counts as idle', () => {
  const young = numbered(5, 3);
  const world = { currentWorkers: 5, dynos: young, isJoined: true };
  expect(plan(world).workers).toBe(5);
  expect(plan({ ...world, isJoined: false }).workers).toBe(1);
});

const asked = (ordinal: number, sinceMs = startMs) => ({
  ...{ dyno: dyno(ordinal), sinceMs, isAsked: true },
});
const namesOf = ({ blocked }: Plan) => blocked.map(({ dyno: name }) => name);

describe('where the jobs run', () => {
  test('is known when every running job is listed under the name of a dyno', () => {
    expect(jobsOn()).toEqual({ jobs: [], areComplete: true });
    expect(jobsOn('worker.2', 'urgent.1', 'worker-23z34x56y-w78k9').areComplete).toBe(true);
    expect(jobsOn('worker.2').jobs).toEqual([{ ...job('worker.2'), queue: 'emails' }]);
  });

  test.each([[null], ['my-laptop'], ['email-high-priority'], ['worker']])(
    'is not known while a worker is called %s',
    (name) => {
      expect(jobsOn('worker.2', name).areComplete).toBe(false);
    },
  );

  test('is not known when the list was cut or a queue could not be read', () => {
    const cut = reading({ activeJobs: 2, running: [job('worker.2')] });
    expect(whereaboutsOf(observation(0, { queues: [cut] })).areComplete).toBe(false);
    const unreadableQueues = [{ queue: 'broken', why: 'wrong type' }];
    expect(whereaboutsOf(observation(0, { unreadableQueues })).areComplete).toBe(false);
  });
});

test('a process goes on ageing after its last word, which tells whose it was', () => {
  const last = { state: 'drained', startedAtMs: startMs - 2_000, ageMs: 1_500 } as const;
  const process = companion('worker.3', last);
  expect(judge('worker.3', numbered(3, 3), [process], true, jobsOn())).toBe('starting');
  expect(judge('worker.3', numbered(3, 4), [process], true, jobsOn())).toBe('idle');
});

describe('the verdict on a dyno', () => {
  const old = numbered(3);
  const verdict = (
    processes: readonly WorkerProcess[],
    whereabouts = jobsOn(),
    dynos: readonly ListedWorker[] = old,
  ) => judge('worker.3', dynos, processes, processes.length > 0, whereabouts);

  test.each([
    ['drained', {}, 'idle'],
    ['working', {}, 'busy'],
    ['draining', {}, 'busy'],
    ['closing', {}, 'busy'],
    // What it said may no longer be so.
    ['drained', { ageMs: heartbeatFreshMs }, 'busy'],
  ] as const)('with a companion that is %s %j is %s', (state, known, expected) => {
    expect(verdict([companion('worker.3', { state, ...known })])).toBe(expected);
  });

  test('is idle only when all processes of the dyno are', () => {
    const drained = companion('worker.3', { state: 'drained' });
    expect(verdict([drained, drained])).toBe('idle');
    expect(verdict([drained, companion('worker.3', { state: 'draining' })])).toBe('busy');
  });

  test('believes the companion rather than a job that bears the name of the dyno', () => {
    expect(verdict([companion('worker.3', { state: 'drained' })], jobsOn('worker.3'))).toBe('idle');
  });

  test('without a companion goes by the names of the workers', () => {
    expect(verdict([], jobsOn('worker.3', null))).toBe('busy');
    expect(verdict([], jobsOn('worker.2'))).toBe('idle');
    expect(verdict([], jobsOn(null))).toBe('unknown');
  });

  test('forgets a process that was not heard of for a minute', () => {
    const gone = companion('worker.3', { ageMs: heartbeatGoneMs });
    expect(verdict([gone])).toBe('idle');
  });

  test('takes a young dyno that has said nothing for one that boots, where others have a companion', () => {
    const young = numbered(3, 20);
    expect(verdict([companion('worker.1')], jobsOn(), young)).toBe('starting');
    expect(verdict([companion('worker.1', { ageMs: 30_000 })], jobsOn(), young)).toBe('starting');
    expect(verdict([companion('worker.1')], jobsOn(), numbered(3, 121))).toBe('idle');
    expect(verdict([], jobsOn(), young)).toBe('idle');
  });

  test('is idle when the platform lists no such dyno', () => {
    expect(verdict([], jobsOn(null), numbered(2))).toBe('idle');
  });
});

test.each([
  [60, 'starting', 'whose name another dyno had, as far as was heard'],
  [4, 'starting', 'whose name another young dyno had'],
  [2, 'idle', 'that was there before the process'],
  [3, 'idle', 'that is as old as the process'],
])('a young dyno, with a process of %i s, is %s: one %s', (ranForSeconds, verdict) => {
  const drained = companion('worker.3', {
    ...{ state: 'drained', ageMs: 0, startedAtMs: startMs - ranForSeconds * 1000 },
  });
  expect(judge('worker.3', numbered(3, 3), [drained], true, jobsOn())).toBe(verdict);
  // Were clocks to differ by more, the word of a companion would still count after two minutes.
  const older = { ...drained, startedAtMs: startMs - 600_000 };
  expect(judge('worker.3', numbered(3, 120), [older], true, jobsOn())).toBe('idle');
});

describe('the plan of a removal', () => {
  test('lets all go that are known to be idle', () => {
    expect(plan()).toMatchObject({ workers: 1, marked: [], lifted: [], blocked: [], drains: [] });
  });

  test('does not let one long job pin the fleet, and names it', () => {
    const whereabouts = jobsOn('worker.2');
    expect(plan({ whereabouts })).toMatchObject({
      workers: 2,
      marked: ['worker.2'],
      blocked: [{ dyno: 'worker.2', verdict: 'busy', jobs: [{ queue: 'emails', jobId: '7' }] }],
      drains: [{ dyno: 'worker.2', sinceMs: startMs }],
    });
  });

  test('removes the idle suffix while the rest of the tail drains, and marks nobody below it', () => {
    const whereabouts = jobsOn('worker.1', 'worker.3', 'worker.7');
    const made = plan({ whereabouts, desiredWorkers: 2 });
    expect(made.workers).toBe(7);
    expect(made.marked.toSorted()).toEqual([3, 4, 5, 6, 7].map(dyno));
    expect(namesOf(made)).toEqual(['worker.3', 'worker.7']);
  });

  test('asks idle companions too: only what drains takes no further job', () => {
    const processes = [1, 2, 3].map((ordinal) => companion(dyno(ordinal)));
    const first = plan({ currentWorkers: 3, processes });
    expect(first).toMatchObject({ workers: 3, marked: ['worker.2', 'worker.3'] });
    const drained = processes.map((each) => ({ ...each, state: 'drained' as const }));
    const later = { processes: drained, drains: first.drains, nowMs: startMs + 1_500 };
    expect(plan({ currentWorkers: 3, ...later })).toMatchObject({
      ...{ workers: 1, marked: [], drains: [], freedAfterSeconds: [1.5, 1.5] },
      // Lifted, they would take jobs in their last second.
      lifted: [],
    });
  });

  test('removes what nobody knows anything about, and says so, unless it is strict', () => {
    const unknown = { whereabouts: jobsOn('worker.2', null), currentWorkers: 4 };
    expect(plan(unknown)).toMatchObject({ workers: 2, unknown: ['worker.3', 'worker.4'] });
    const strict = plan({ ...unknown, isStrict: true });
    expect(strict).toMatchObject({ workers: 4, unknown: [] });
    expect(strict.blocked.map(({ verdict }) => verdict)).toEqual(['busy', 'unknown', 'unknown']);
  });

  test('tells who goes unknown from who is known to be idle, and who was asked before from who was not', () => {
    const made = plan({
      ...{ currentWorkers: 4, whereabouts: jobsOn(null) },
      processes: [companion('worker.3', { state: 'drained' })],
      drains: [asked(3, startMs - 60_000), asked(4, startMs - 20_000)],
    });
    expect(made).toMatchObject({
      ...{ workers: 1, unknown: ['worker.2', 'worker.4'], freedAfterSeconds: [60, 20] },
      going: [
        { dyno: 'worker.2', sinceMs: startMs },
        { dyno: 'worker.3', sinceMs: startMs - 60_000 },
        { dyno: 'worker.4', sinceMs: startMs - 20_000 },
      ],
    });
  });

  test('names only the jobs that the dyno in the way runs', () => {
    const made = plan({
      currentWorkers: 3,
      whereabouts: jobsOn('worker.1', 'worker.3', 'worker.3'),
    });
    expect(made.blocked).toEqual([
      expect.objectContaining({
        dyno: 'worker.3',
        jobs: [7, 7].map(() => expect.anything() as unknown),
      }),
    ]);
  });

  test('waits for a young dyno of a pool with companions also when it is not strict', () => {
    const dynos = [...numbered(2), ...numbered(3, 5).slice(2)];
    const processes = [1, 2].map((ordinal) => companion(dyno(ordinal), { state: 'drained' }));
    expect(plan({ currentWorkers: 3, dynos, processes })).toMatchObject({
      workers: 3,
      blocked: [{ dyno: 'worker.3', verdict: 'starting', jobs: [] }],
    });
  });

  test('lifts exactly the marks that are no longer needed, and counts who is needed again', () => {
    const drains = [2, 4, 6, 11].map((ordinal) => asked(ordinal));
    const made = plan({ whereabouts: jobsOn('worker.4'), desiredWorkers: 3, drains });
    expect(made).toMatchObject({
      ...{ workers: 4, marked: ['worker.4'], cancelled: ['worker.2'] },
      // Not from worker.11, which somebody removed: it may not have ended yet.
      lifted: ['worker.2'],
    });
  });
});

test('does not count as needed again whom it had given up, or who is gone', () => {
  const drains = [asked(1), { ...asked(2), isAsked: false }, asked(3), asked(4)];
  expect(cancelledOf(drains, 'worker', 3)).toEqual(['worker.1', 'worker.3']);
  const given = { currentWorkers: 3, desiredWorkers: 2, whereabouts: jobsOn('worker.3'), drains };
  expect(plan(given).cancelled).toEqual(['worker.1']);
});

describe('a drain that takes too long', () => {
  const at = (elapsedMs: number) =>
    plan({
      ...{ currentWorkers: 3, whereabouts: jobsOn('worker.3') },
      drains: [2, 3].map((ordinal) => asked(ordinal, startMs - elapsedMs)),
    });

  test('goes on until the timeout', () => {
    expect(at(hour - 1)).toMatchObject({ workers: 3, lifted: [] });
    expect(at(hour - 1).marked.toSorted()).toEqual(['worker.2', 'worker.3']);
  });

  test.each([hour, 2 * hour - 1])('is given up after %i ms, without killing', (elapsedMs) => {
    expect(at(elapsedMs)).toMatchObject({
      ...{ workers: 3, marked: [], cancelled: [], lifted: ['worker.2', 'worker.3'] },
      blocked: [{ dyno: 'worker.3', sinceMs: startMs - elapsedMs }],
      drains: [{ dyno: 'worker.3', sinceMs: startMs - elapsedMs, isAsked: false }],
    });
  });

  test('begins anew when the tail was left alone for as long', () => {
    const made = at(2 * hour);
    expect(made.marked.toSorted()).toEqual(['worker.2', 'worker.3']);
    expect(made.drains).toContainEqual(asked(3));
  });
});

describe.each([
  ['dynos without numbers', false],
  ['a tail that was once not what it seemed', true],
])('with %s', (_what, isTailUnknown) => {
  const names = isTailUnknown
    ? [1, 2, 3].map(dyno)
    : ['2a', '2b', '2c'].map((end) => `worker-23z34x56y-w78${end}`);
  const [first = '', second = '', third = ''] = names;
  const dynos = names.map((name, index) => ({
    ...{ name, ordinal: isTailUnknown ? index + 1 : null, ageSeconds: 3600 },
  }));
  const wholePlan = (known: Partial<Situation>) =>
    plan({ currentWorkers: 3, dynos, isTailUnknown, ...known });

  test('all must be idle, and nobody is asked to drain', () => {
    expect(wholePlan({}).workers).toBe(1);
    const drains = [{ dyno: third, sinceMs: startMs, isAsked: true }];
    expect(wholePlan({ whereabouts: jobsOn(first), drains })).toMatchObject({
      ...{ workers: 3, marked: [], drains: [], lifted: [third], cancelled: [] },
      blocked: [{ dyno: first, verdict: 'busy', sinceMs: null, jobs: [{ jobId: '7' }] }],
    });
  });

  test('those with live companions may go, since they hand back what they run', () => {
    const processes = names.map((name) => companion(name, { activeJobs: 1 }));
    const whereabouts = jobsOn(...names);
    expect(wholePlan({ processes, whereabouts }).workers).toBe(1);
    const [, ...others] = processes;
    expect(namesOf(wholePlan({ processes: others, whereabouts }))).toEqual([first]);
    const stale = [...others, companion(first, { ageMs: heartbeatFreshMs })];
    expect(namesOf(wholePlan({ processes: stale, whereabouts }))).toEqual([first]);
    // One that cannot hand back is enough, whatever the other processes of its dyno can.
    const halfStale = [...processes, companion(first, { ageMs: heartbeatFreshMs })];
    expect(namesOf(wholePlan({ processes: halfStale, whereabouts }))).toEqual([first]);
    // A dyno without a companion that is known to be idle takes nothing along either.
    expect(wholePlan({ processes: others, whereabouts: jobsOn(second) }).workers).toBe(1);
  });

  test('what nobody knows anything about goes unless it is strict', () => {
    const whereabouts = jobsOn(null);
    expect(wholePlan({ whereabouts })).toMatchObject({
      ...{ workers: 1, unknown: names, freedAfterSeconds: [] },
    });
    const strict = wholePlan({ whereabouts, isStrict: true });
    expect(strict).toMatchObject({ workers: 3, unknown: [] });
    expect(namesOf(strict)).toEqual(names);
  });
});

describe('whatever the world is like', () => {
  const ordinal = fc.integer({ min: 1, max: 12 });
  const processes = fc.array(
    fc.record({
      name: ordinal.map(dyno),
      state: fc.constantFrom('working', 'draining', 'drained', 'closing'),
      ageMs: fc.constantFrom(0, 300, heartbeatFreshMs, heartbeatGoneMs - 1, heartbeatGoneMs),
    }),
    { maxLength: 12 },
  );
  const situations: fc.Arbitrary<Situation> = fc
    .record({
      desiredWorkers: fc.integer({ min: 0, max: 8 }),
      surplus: fc.integer({ min: 1, max: 4 }),
      processes: processes.map((all) => all.map(({ name, ...known }) => companion(name, known))),
      jobs: fc.array(fc.option(ordinal.map(dyno)), { maxLength: 6 }),
      isStrict: fc.boolean(),
      isTailUnknown: fc.boolean(),
      isNumbered: fc.boolean(),
      ages: fc.array(fc.constantFrom(5, 119, 120, 9999), { minLength: 12, maxLength: 12 }),
      drains: fc.uniqueArray(
        fc.record({
          dyno: ordinal.map(dyno),
          elapsedMs: fc.integer({ min: 0, max: 3 * hour }),
          isAsked: fc.boolean(),
        }),
        { selector: (drain) => drain.dyno },
      ),
    })
    .map(({ surplus, jobs, isNumbered, ages, drains, ...known }) => ({
      ...situation({ ...known, whereabouts: jobsOn(...jobs) }),
      currentWorkers: known.desiredWorkers + surplus,
      dynos: numbered(known.desiredWorkers + surplus).map((each, index) => ({
        ...each,
        ordinal: isNumbered ? each.ordinal : null,
        ageSeconds: ages[index] ?? 0,
      })),
      drains: drains.map(({ elapsedMs, ...drain }) => ({ ...drain, sinceMs: startMs - elapsedMs })),
    }));
  const always = (holds: (world: Situation, made: Plan) => void) => {
    fc.assert(
      fc.property(situations, (world) => {
        holds(world, planRemoval(world));
      }),
      { numRuns: 500 },
    );
  };
  const isWhole = ({ dynos, isTailUnknown }: Situation) =>
    isTailUnknown || dynos.some((each) => each.ordinal === null);
  const verdictOn = (name: string, world: Situation) =>
    judge(name, world.dynos, world.processes, world.isJoined, world.whereabouts);
  const range = (first: number, last: number) =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => dyno(first + index));

  test('no dyno that may be busy is removed', () => {
    always((world, { workers }) => {
      if (isWhole(world)) {
        const isSafe = ({ name }: ListedWorker) =>
          world.processes.some(
            (process) => process.dyno === name && process.ageMs < heartbeatFreshMs,
          ) || !['busy', 'starting'].includes(verdictOn(name, world));
        expect(workers === world.currentWorkers || world.dynos.every(isSafe)).toBe(true);
        return;
      }
      for (const name of range(workers + 1, world.currentWorkers)) {
        const verdict = verdictOn(name, world);
        expect(world.isStrict ? ['idle'] : ['idle', 'unknown']).toContain(verdict);
      }
    });
  });

  test('all that go are asked to drain, too, unless nobody can tell which will', () => {
    always((world, { workers, going }) => {
      const names = isWhole(world) ? [] : range(workers + 1, world.currentWorkers);
      expect(going.map((each) => each.dyno)).toEqual(names);
    });
  });

  test('the number asked for is between desired and current', () => {
    always(({ desiredWorkers, currentWorkers }, { workers }) => {
      expect(workers).toBeGreaterThanOrEqual(desiredWorkers);
      expect(workers).toBeLessThanOrEqual(currentWorkers);
    });
  });

  test('no more stay than must: the highest that stays is in the way', () => {
    always((world, { workers, blocked }) => {
      if (isWhole(world) || workers === world.desiredWorkers) return;
      expect(blocked.map((each) => each.dyno)).toContain(dyno(workers));
    });
  });

  test('only workers of the tail are marked, once each, remembered, and not lifted or removed', () => {
    always((world, { marked, lifted, workers, drains }) => {
      const remembered = drains.map((each) => each.dyno);
      expect(remembered).toEqual(expect.arrayContaining([...marked]));
      const tail = range(world.desiredWorkers + 1, workers);
      expect(tail).toEqual(expect.arrayContaining([...marked]));
      expect(new Set(marked).size).toBe(marked.length);
      for (const name of marked) expect(lifted).not.toContain(name);
      for (const name of isWhole(world) ? [] : range(workers + 1, world.currentWorkers))
        expect(lifted).not.toContain(name);
    });
  });

  test('whoever was marked is marked still, lifted, or gone', () => {
    always((world, { marked, lifted, cancelled, going }) => {
      for (const { dyno: name } of world.drains) {
        const isRemoved = range(world.currentWorkers + 1, 12).includes(name);
        const isGoing = going.some((each) => each.dyno === name);
        const isGone = !isWhole(world) && (isRemoved || isGoing);
        const places = [marked.includes(name), lifted.includes(name), isGone].filter(Boolean);
        expect(places).toHaveLength(1);
      }
      expect(lifted).toEqual(expect.arrayContaining([...cancelled]));
      expect(world.drains.map((each) => each.dyno)).toEqual(expect.arrayContaining([...lifted]));
    });
  });

  test('planned again with what it remembers, it is the same plan', () => {
    always((world, first) => {
      const { workers, marked, blocked, drains, ...again } = planRemoval({
        ...world,
        drains: first.drains,
      });
      expect({ workers, marked, blocked, drains }).toEqual({
        ...{ workers: first.workers, marked: first.marked },
        ...{ blocked: first.blocked, drains: first.drains },
      });
      expect(again.cancelled).toEqual([]);
    });
  });
});
