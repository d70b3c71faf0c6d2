import { describe, expect, test } from 'vitest';
import { emptyMemory } from '../../src/decision/decide.ts';
import type { Memory, Policy, RunningJob } from '../../src/decision/types.ts';
import type { DrainBoard } from '../../src/drain/board.ts';
import type { Protection } from '../../src/drain/removal.ts';
import type { WorkerProcess } from '../../src/drain/verdict.ts';
import { OperationalError, type ErrorCode } from '../../src/errors.ts';
import { noOverrides } from '../../src/decision/overrides.ts';
import { createLoop, type LoopParts } from '../../src/loop.ts';
import type { ListedWorker, Target } from '../../src/targets/target.ts';
import { noAccount, observation, ownLease, policy, reading, startMs } from '../support/builders.ts';

const trouble = (code: ErrorCode) => () =>
  Promise.reject(new OperationalError(code, `${code} happened`, { hint: 'wait' }));
const never = () => new Promise<never>(() => undefined);
const dayMs = 24 * 60 * 60_000;
const dyno = (ordinal: number) => `worker.${String(ordinal)}`;
const numbered = (count: number): ListedWorker[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ name: dyno(index + 1), ordinal: index + 1, ageSeconds: 3600 },
  }));

const liftFive = 'lift worker.1,worker.2,worker.3,worker.4,worker.5';

type Marks = { readonly marked: readonly string[]; readonly lifted: readonly string[] };

/**
 * A pool of five workers, of which the backlog needs one, on a platform and a board that are plain objects. `events`
 * tells in which order things were done.
 */
function world(known: { board?: Partial<DrainBoard>; parts?: Partial<LoopParts> } = {}) {
  const state = {
    nowMs: startMs,
    workers: 5,
    readyJobs: 100,
    /** The dynos that run a job. */
    busy: [] as (string | null)[],
    processes: [] as WorkerProcess[],
    handedBackJobs: null as number | null,
    listed: null as readonly ListedWorker[] | null,
    memory: remembering({}),
    protection: {} as Partial<Protection>,
  };
  const events: string[] = [];
  const marks: Marks[] = [];
  const record = <T>(event: string, value: T) => {
    events.push(event);
    return Promise.resolve(value);
  };
  const job = (worker: string | null): RunningJob => ({
    jobId: '7',
    worker,
    startedAtMs: startMs,
    jobName: null,
  });
  const board: DrainBoard = {
    read: () =>
      Promise.resolve({
        processes: state.processes,
        isJoined: state.processes.length > 0,
        handedBackJobs: state.handedBackJobs,
      }),
    mark(marked, lifted) {
      marks.push({ marked, lifted });
      return record(marked.length === 0 ? `lift ${lifted.join()}` : 'mark', undefined);
    },
    ...known.board,
  };
  const target: Target = {
    currentWorkers: () => Promise.resolve(state.workers),
    workerDollarsPerHour: () => null,
    listWorkers: () => record('list', state.listed ?? numbered(state.workers)),
    scaleTo(workers) {
      state.workers = workers;
      return record(`scale to ${String(workers)}`, { kind: 'scaled', workers });
    },
  };
  const wishes: Partial<Policy> = { minWorkers: 1, maxWorkers: 50 };
  const tick = () =>
    createLoop({
      ...{ pool: 'worker', policy: policy(wishes), target, isDryRun: false, deadlineMs: 3_000 },
      workers: { read: () => Promise.resolve(observation(0).workers) },
      overrides: { read: () => Promise.resolve(noOverrides) },
      queues: {
        read() {
          const { readyJobs, busy } = state;
          const running = busy.map(job);
          const queue = reading({ readyJobs, activeJobs: busy.length, running });
          return Promise.resolve({ queues: [queue], unreadableQueues: [] });
        },
      },
      protection: {
        ...{ board, processType: 'worker', isStrict: false, drainTimeoutMs: 3_600_000 },
        ...state.protection,
      },
      lease: ownLease,
      costs: noAccount,
      budgets: null,
      memories: {
        load: () => Promise.resolve(state.memory),
        save(memory: Memory) {
          state.memory = memory;
          return record('save', undefined);
        },
      },
      nowMs: () => state.nowMs,
      ...known.parts,
    })(new AbortController().signal);
  return { state, events, marks, target, tick };
}

const process = (name: string, known: Partial<WorkerProcess> = {}): WorkerProcess => ({
  ...{ dyno: name, state: 'working', activeJobs: 0, concurrency: 1 },
  ...{ startedAtMs: startMs, atMs: startMs, ageMs: 300 },
  ...known,
});
/** A memory that was kept from an earlier tick, so that the workers found running do not count as recommended. */
const remembering = (known: Partial<Memory>): Memory => ({
  ...emptyMemory,
  recommendations: [{ madeAtMs: 0, workers: 0, isFound: false }],
  ...known,
});
const drains = (...ordinals: number[]) =>
  ordinals.map((ordinal) => ({
    ...{ dyno: dyno(ordinal), sinceMs: startMs - 60_000, isAsked: true },
  }));

describe('a scale-down through the drain', () => {
  test('removes the idle suffix, asks the rest to drain, and remembers both before the change', async () => {
    const { state, events, marks, tick } = world();
    state.busy = ['worker.3'];
    expect(await tick()).toMatchObject({
      outcome: 'draining',
      error: null,
      decision: { action: 'scale-down', desiredWorkers: 1 },
      drain: { blocked: [{ dyno: 'worker.3', jobs: [{ jobId: '7', queue: 'emails' }] }] },
    });
    // Those that go, too: they must not take a job in their last seconds.
    expect(marks.at(-1)?.marked.toSorted()).toEqual([2, 3, 4, 5].map(dyno));
    expect(events.filter((event) => event !== 'list' && event !== 'mark')).toEqual([
      'save',
      'scale to 3',
      'save',
    ]);
    expect(events.indexOf('mark')).toBeLessThan(events.indexOf('save'));
    expect(state.memory).toMatchObject({ removal: { workers: 3, madeAtMs: startMs } });
    expect(state.memory.drains.map((each) => each.dyno).toSorted()).toEqual([2, 3, 4, 5].map(dyno));
  });

  test('goes on until the last dyno is idle, and tells how long each took', async () => {
    const { state, events, tick } = world();
    state.memory = remembering({ drains: drains(2, 3) });
    state.workers = 3;
    expect(await tick()).toMatchObject({
      outcome: 'scaled',
      drain: { freedAfterSeconds: [60, 60], marked: [], blocked: [] },
    });
    expect(state.workers).toBe(1);
    expect(state.memory.drains).toEqual(drains(2, 3));
    // Where nothing runs at all, the platform need not be asked who is there.
    expect(events).not.toContain('list');
  });

  test('looks who is there after it has heard the companions, so that a deploy in between shows', async () => {
    const order: string[] = [];
    const drained = [2, 3, 4, 5].map((ordinal) => process(dyno(ordinal), { state: 'drained' }));
    const { target, tick } = world({
      board: {
        read() {
          order.push('heard');
          return Promise.resolve({ processes: drained, isJoined: true, handedBackJobs: 0 });
        },
      },
    });
    target.listWorkers = (maxAgeMs) => {
      order.push(`listed, at most ${String(maxAgeMs)} ms old`);
      return Promise.resolve(numbered(5));
    };
    expect(await tick()).toMatchObject({ outcome: 'scaled' });
    expect(order.at(-1)).toBe('listed, at most 0 ms old');
  });

  test('changes nothing while the highest is busy', async () => {
    const { state, events, tick } = world();
    state.busy = ['worker.5'];
    expect(await tick()).toMatchObject({ outcome: 'draining', drain: { marked: { length: 4 } } });
    expect(events.at(-1)).toBe('save');
    expect(state.workers).toBe(5);
  });

  test('says that it holds once it has given up', async () => {
    const { state, marks, tick } = world();
    state.busy = ['worker.5'];
    state.memory = remembering({ drains: drains(5) });
    state.protection = { drainTimeoutMs: 60_000 };
    expect(await tick()).toMatchObject({
      ...{ outcome: 'held', decision: { action: 'scale-down' } },
      drain: { marked: [], blocked: [{ dyno: 'worker.5', sinceMs: startMs - 60_000 }] },
    });
    expect(marks).toEqual([{ marked: [], lifted: ['worker.5'] }]);
    expect(state.workers).toBe(5);
  });

  test('waits a moment for companions that run nothing, so that they go in the same tick', async () => {
    const { state, tick, marks } = world({
      board: {
        // The companions obey as soon as they are asked.
        read() {
          const isAsked = marks.length > 0;
          const processes = [1, 2, 3, 4, 5].map((ordinal) =>
            process(dyno(ordinal), {
              state: isAsked && ordinal > 1 ? 'drained' : 'working',
              activeJobs: ordinal === 1 ? 1 : 0,
            }),
          );
          return Promise.resolve({ processes, isJoined: true, handedBackJobs: 3 });
        },
      },
    });
    expect(await tick()).toMatchObject({
      ...{ outcome: 'scaled', drain: { marked: [], freedAfterSeconds: [0, 0, 0, 0] } },
    });
    expect(state.workers).toBe(1);
    expect(marks[0]?.marked.toSorted()).toEqual([2, 3, 4, 5].map(dyno));
    // They keep their marks until they are gone.
    expect(marks.flatMap(({ lifted }) => lifted)).toEqual([]);
  });

  test('does not wait for companions that run jobs', async () => {
    let reads = 0;
    const busy = [1, 2, 3, 4, 5].map((ordinal) => process(dyno(ordinal), { activeJobs: 1 }));
    const { tick } = world({
      board: {
        read() {
          reads += 1;
          return Promise.resolve({ processes: busy, isJoined: true, handedBackJobs: 0 });
        },
      },
    });
    expect(await tick()).toMatchObject({ outcome: 'draining' });
    expect(reads).toBe(1);
  });

  const silent = (known: Partial<WorkerProcess>) => {
    const seen = { reads: 0 };
    const processes = [1, 2, 3, 4, 5].map((ordinal) =>
      process(dyno(ordinal), ordinal === 5 ? known : { activeJobs: 1 }),
    );
    const { tick } = world({
      board: {
        read() {
          seen.reads += 1;
          return Promise.resolve({ processes, isJoined: true, handedBackJobs: 0 });
        },
      },
    });
    return { seen, tick };
  };

  test.each([
    ['is about to end', { state: 'closing' }],
    ['was not heard of for two seconds', { ageMs: 2_000 }],
    ['does not know what it runs', { activeJobs: null }],
  ] as const)('does not wait for a companion that %s', async (_what, known) => {
    const { seen, tick } = silent(known);
    expect(await tick()).toMatchObject({ outcome: 'draining' });
    expect(seen.reads).toBe(1);
  });

  test('waits a third of the tick at most for a companion that does not obey', async () => {
    const { seen, tick } = silent({ state: 'draining' });
    expect(await tick()).toMatchObject({ outcome: 'draining' });
    // Once a quarter of a second.
    expect(seen.reads).toBe(1 + 4);
  });

  test('without protection is straight', async () => {
    const { state, events, tick } = world({ parts: { protection: null } });
    state.busy = ['worker.5'];
    expect(await tick()).toMatchObject({ outcome: 'scaled', drain: null });
    expect(events).toEqual(['save', 'scale to 1', 'save']);
  });

  test('asks nobody to drain in a dry run', async () => {
    const { state, events, marks, tick } = world({ parts: { isDryRun: true } });
    state.busy = ['worker.5'];
    expect(await tick()).toMatchObject({ outcome: 'dry-run', drain: null });
    expect({ events, marks }).toEqual({ events: ['save'], marks: [] });
  });

  test.each(['read', 'mark'] as const)(
    'changes nothing when the board fails to %s',
    async (verb) => {
      const { state, tick } = world({ board: { [verb]: trouble('STATE_UNAVAILABLE') } });
      state.busy = ['worker.3'];
      expect(await tick()).toMatchObject({
        ...{ outcome: 'failed', drain: null, error: { code: 'STATE_UNAVAILABLE' } },
      });
      expect(state.workers).toBe(5);
    },
  );

  test('ends by its deadline although the board never answers', async () => {
    const { state, tick } = world({ board: { read: never }, parts: { deadlineMs: 200 } });
    expect(await tick()).toMatchObject({ outcome: 'failed' });
    expect(state.workers).toBe(5);
  });

  test('takes back what it asked when somebody else scaled meanwhile', async () => {
    const { state, events, target, tick } = world();
    state.busy = ['worker.3'];
    let reads = 0;
    target.currentWorkers = () => Promise.resolve(reads++ === 0 ? 5 : 1);
    expect(await tick()).toMatchObject({ outcome: 'held', decision: { currentWorkers: 1 } });
    // Only from whom is there still: the others were removed, and may not have ended yet.
    expect(events.slice(-2)).toEqual(['lift worker.1', 'save']);
    expect(state.memory.drains).toEqual([]);
  });
});

describe('a drain that is no longer wanted', () => {
  test('ends at once when the workers are needed again', async () => {
    const { state, events, tick } = world();
    state.memory = remembering({ drains: drains(4, 5) });
    state.readyJobs = 500;
    expect(await tick()).toMatchObject({
      outcome: 'held',
      drain: { cancelled: ['worker.4', 'worker.5'], marked: [] },
    });
    expect(events).toEqual([liftFive, 'save']);
    expect(state.memory.drains).toEqual([]);
  });

  test('ends at once when somebody pauses the pool', async () => {
    const pause = { by: 'anna', setAtMs: startMs, untilMs: startMs + 1 };
    const overrides = { read: () => Promise.resolve({ ...noOverrides, pause }) };
    const { state, marks, tick } = world({ parts: { overrides } });
    state.memory = remembering({ drains: drains(4, 5) });
    expect(await tick()).toMatchObject({
      ...{ outcome: 'held', error: null, drain: { cancelled: [dyno(4), dyno(5)] } },
      decision: { limitedBy: 'pause' },
    });
    expect(marks.map(({ marked }) => marked)).toEqual([[]]);
    expect(marks[0]?.lifted).toEqual(expect.arrayContaining([dyno(4), dyno(5)]));
    expect(state.memory.drains).toEqual([]);
  });

  test('goes on for the others when only some are needed again', async () => {
    const { state, marks, tick } = world();
    state.memory = remembering({ drains: drains(2, 5) });
    state.busy = ['worker.5'];
    state.readyJobs = 200;
    expect(await tick()).toMatchObject({ drain: { cancelled: ['worker.2'] } });
    expect(marks[0]?.lifted).toEqual(['worker.2']);
  });

  test('is not counted again when it had been given up, nor when somebody removed the dyno', async () => {
    const { state, events, tick } = world();
    const givenUp = drains(3).map((drain) => ({ ...drain, isAsked: false }));
    state.memory = remembering({ drains: [...drains(2), ...givenUp, ...drains(5)] });
    state.workers = 4;
    state.readyJobs = 400;
    expect(await tick()).toMatchObject({ outcome: 'held', drain: { cancelled: ['worker.2'] } });
    expect(events[0]).toBe('lift worker.1,worker.2,worker.3,worker.4');
  });

  test('does not delay scaling up: nothing is asked but to go on', async () => {
    const { state, events, tick } = world();
    state.memory = remembering({ drains: drains(5) });
    state.readyJobs = 900;
    expect(await tick()).toMatchObject({ outcome: 'scaled', drain: { cancelled: ['worker.5'] } });
    expect(events).toEqual([liftFive, 'save', 'scale to 9', 'save']);
  });

  test('does not concern those that were removed, which take no job before they end', async () => {
    const { state, events, tick } = world();
    state.busy = ['worker.3'];
    await tick();
    expect(state.workers).toBe(3);
    events.length = 0;
    state.readyJobs = 600;
    expect(await tick()).toMatchObject({
      outcome: 'scaled',
      drain: { cancelled: [dyno(3), dyno(2)] },
    });
    expect(events).toEqual(['lift worker.1,worker.2,worker.3', 'save', 'scale to 6', 'save']);
  });

  test('concerns those whose removal failed', async () => {
    const { state, events, target, tick } = world();
    target.scaleTo = trouble('TARGET_UNAVAILABLE');
    expect(await tick()).toMatchObject({ outcome: 'failed' });
    events.length = 0;
    state.readyJobs = 500;
    const back = [2, 3, 4, 5].map(dyno);
    expect(await tick()).toMatchObject({ outcome: 'held', drain: { cancelled: back } });
    expect(events).toEqual([liftFive, 'save']);
  });

  test('does not touch the board in a hold that follows no drain', async () => {
    const { state, events, tick } = world();
    state.readyJobs = 500;
    await tick();
    expect(events).toEqual(['save']);
  });
});

describe('after a removal', () => {
  const removed = (known: Partial<Memory> = {}) =>
    remembering({ removal: { workers: 5, madeAtMs: startMs - 40_000 }, ...known });
  const survivor: ListedWorker = { name: 'worker.8', ordinal: 8, ageSeconds: 3600 };

  test('nothing is concluded when those with the highest numbers went', async () => {
    const { state, events, tick } = world();
    Object.assign(state, { memory: removed(), readyJobs: 500 });
    expect(await tick()).toMatchObject({ outcome: 'held', drain: null });
    expect(events).toEqual(['list', 'save']);
    expect(state.memory).toMatchObject({ removal: null, tailUnknownSinceMs: null });
  });

  test('the order of the tail is not trusted any more when a higher number is still there', async () => {
    const { state, marks, tick } = world();
    Object.assign(state, { memory: removed(), listed: [...numbered(4), survivor] });
    state.busy = ['worker.1'];
    // The same tick, and all later ones, go by the whole pool.
    const first = await tick();
    expect(state.memory).toMatchObject({ removal: null, tailUnknownSinceMs: startMs });
    for (const record of [first, await tick()])
      expect(record).toMatchObject({ outcome: 'held', drain: { tailUnknownSinceMs: startMs } });
    expect(marks.flatMap(({ marked }) => marked)).toEqual([]);
    expect(state.workers).toBe(5);
  });

  test.each([
    [dayMs - 1, 'is still not trusted after most of a day', { workers: 5, marked: [] }],
    [dayMs, 'is trusted again after a day', { workers: 3, marked: ['worker.2', 'worker.3'] }],
  ])('%i ms later the order %s', async (elapsedMs, _what, { workers, marked }) => {
    const { state, tick } = world();
    state.memory = remembering({ tailUnknownSinceMs: startMs - elapsedMs });
    state.busy = ['worker.3'];
    const { drain } = await tick();
    expect(drain?.marked.toSorted()).toEqual(marked);
    expect(state.workers).toBe(workers);
    expect(state.memory.tailUnknownSinceMs === null).toBe(marked.length > 0);
  });

  test('a clock that was set back does not make the distrust last', async () => {
    const { state, tick } = world();
    state.memory = remembering({ tailUnknownSinceMs: startMs + 10 * dayMs });
    state.readyJobs = 500;
    await tick();
    expect(state.memory).toMatchObject({ tailUnknownSinceMs: startMs });
  });

  test('a hold says so too', async () => {
    const { state, tick } = world();
    Object.assign(state, { memory: removed(), readyJobs: 500, listed: [...numbered(4), survivor] });
    expect(await tick()).toMatchObject({ outcome: 'held', drain: { tailUnknownSinceMs: startMs } });
  });

  test('the list is not looked at before all that went can have gone', async () => {
    const { state, events, tick } = world();
    const memory = removed({ removal: { workers: 5, madeAtMs: startMs - 39_000 } });
    Object.assign(state, { memory, readyJobs: 500, listed: [...numbered(4), survivor] });
    await tick();
    expect(events).toEqual(['save']);
    expect(state.memory).toMatchObject({ removal: { workers: 5 }, tailUnknownSinceMs: null });
  });

  test('it is forgotten when somebody has scaled since', async () => {
    const { state, events, tick } = world();
    const memory = removed({ removal: { workers: 3, madeAtMs: startMs - 40_000 } });
    Object.assign(state, { memory, readyJobs: 500 });
    await tick();
    expect(events).toEqual(['save']);
    expect(state.memory).toMatchObject({ removal: null, tailUnknownSinceMs: null });
  });

  test('it is forgotten when somebody scaled just before the list was made', async () => {
    const { state, target, tick } = world();
    Object.assign(state, { memory: removed(), readyJobs: 500, listed: numbered(8) });
    target.currentWorkers = (maxAgeMs) => Promise.resolve(maxAgeMs === 0 ? 8 : 5);
    await tick();
    expect(state.memory).toMatchObject({ removal: null, tailUnknownSinceMs: null });
  });

  test('scaling up does not wait for it', async () => {
    const { state, target, tick } = world();
    Object.assign(state, { memory: removed(), readyJobs: 900 });
    target.listWorkers = trouble('TARGET_UNAVAILABLE');
    expect(await tick()).toMatchObject({ outcome: 'scaled', error: null });
  });

  test('a list that never comes does not keep the tick from ending', async () => {
    const { state, target, tick } = world({ parts: { deadlineMs: 200 } });
    Object.assign(state, { memory: removed(), readyJobs: 500 });
    target.listWorkers = never;
    expect(await tick()).toMatchObject({
      ...{ outcome: 'held', error: null },
    });
  });
});
