import { describe, expect, test } from 'vitest';
import type { Held } from '../../src/cost/usage.ts';
import { emptyMemory } from '../../src/decision/decide.ts';
import type { Memory } from '../../src/decision/types.ts';
import { OperationalError, type ErrorCode } from '../../src/errors.ts';
import { noOverrides, type Overrides, type Setting } from '../../src/decision/overrides.ts';
import { createLoop, type Budgets, type LoopParts } from '../../src/loop.ts';
import type { QueuesReading } from '../../src/queues/queue-source.ts';
import type { ListedWorker, ScaleResult } from '../../src/targets/target.ts';
import { noAccount, observation, ownLease, policy, reading, startMs } from '../support/builders.ts';

const trouble = (code: ErrorCode) =>
  new OperationalError(code, `${code} happened`, { hint: 'wait' });
const never = () => new Promise<never>(() => undefined);

/** A pool whose world is plain values: what is read, and what was asked for. */
function world(changes: Partial<LoopParts> = {}) {
  const asked: number[] = [];
  const saved: Memory[] = [];
  let workers = 2;
  const parts: LoopParts = {
    pool: 'worker',
    policy: policy({ maxWorkers: 50 }),
    overrides: { read: () => Promise.resolve(noOverrides) },
    queues: { read: () => Promise.resolve(backlog(900)) },
    workers: { read: () => Promise.resolve(observation(0).workers) },
    target: {
      currentWorkers: () => Promise.resolve(workers),
      workerDollarsPerHour: (): number | null => null,
      listWorkers: () => Promise.resolve(numbered(workers)),
      scaleTo(count) {
        asked.push(count);
        workers = count;
        return Promise.resolve({ kind: 'scaled', workers: count });
      },
    },
    isDryRun: false,
    protection: null,
    lease: ownLease,
    costs: noAccount,
    budgets: null,
    memories: {
      load: () => Promise.resolve(saved.at(-1) ?? emptyMemory),
      save(memory) {
        saved.push(memory);
        return Promise.resolve();
      },
    },
    nowMs: () => startMs,
    deadlineMs: 200,
    ...changes,
  };
  return { tick: () => createLoop(parts)(new AbortController().signal), asked, saved, parts };
}

/** What an operator changed a while ago, still in force. */
function set(values: Readonly<Partial<Record<Setting, number>>>): Overrides {
  const settings = Object.entries(values).map(([setting, value]) => ({
    ...{ setting: setting as Setting, value, text: String(value) },
    ...{ by: 'anna@mac', setAtMs: startMs - 1_000, untilMs: startMs + 1_000 },
  }));
  return { ...noOverrides, settings };
}

function backlog(readyJobs: number, known: Partial<QueuesReading> = {}): QueuesReading {
  return { queues: [reading({ readyJobs })], unreadableQueues: [], ...known };
}

/** Workers as a platform that numbers them lists them, all old enough to have said something. */
function numbered(count: number): readonly ListedWorker[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `worker.${String(index + 1)}`,
    ordinal: index + 1,
    ageSeconds: 3600,
  }));
}

function target(parts: { current: readonly number[]; answers?: readonly ScaleResult[] }) {
  const asked: number[] = [];
  let reads = 0;
  return {
    asked,
    currentWorkers: () =>
      Promise.resolve(parts.current[Math.min(reads++, parts.current.length - 1)] ?? 0),
    workerDollarsPerHour: (): number | null => null,
    listWorkers: () => Promise.resolve(numbered(parts.current[0] ?? 0)),
    scaleTo(workers: number): Promise<ScaleResult> {
      asked.push(workers);
      return Promise.resolve(parts.answers?.[asked.length - 1] ?? { kind: 'scaled', workers });
    },
  };
}

describe('a tick', () => {
  test('counts its time with the workers it found, and beside it what the ratio asked for', async () => {
    const counted: Held[] = [];
    const costs = {
      ...noAccount,
      count(_: number, held: Held) {
        counted.push(held);
        return null;
      },
    };
    await world({ costs }).tick();
    const away = { read: () => Promise.reject(trouble('QUEUE_UNREADABLE')) };
    await world({ costs, queues: away }).tick();
    await world({ costs, lease: { ...ownLease, take: () => Promise.resolve(false) } }).tick();
    expect(counted).toEqual([
      { workers: 2, max: 50, ratio: 9, workerDollarsPerHour: null },
      { workers: 2, max: 50, ratio: 2, workerDollarsPerHour: null },
    ]);
  });

  test('counts it against the bounds in force, and with the ratio although a target was set to lead', async () => {
    const counted: Held[] = [];
    const costs = {
      ...noAccount,
      count(_: number, held: Held) {
        counted.push(held);
        return null;
      },
    };
    await world({
      costs,
      overrides: { read: () => Promise.resolve(set({ maxWorkers: 7 })) },
    }).tick();
    const targeted = set({ maxWorkers: 60, targetWait: 60_000 });
    await world({ costs, overrides: { read: () => Promise.resolve(targeted) } }).tick();
    expect(counted).toMatchObject([
      { max: 7, ratio: 7 },
      { max: 60, ratio: 9 },
    ]);
  });

  test('asks for what was decided', async () => {
    const { tick, asked } = world();
    expect(await tick()).toMatchObject({
      outcome: 'scaled',
      error: null,
      decision: { desiredWorkers: 9 },
    });
    expect(asked).toEqual([9]);
  });

  test('asks its budgets how many it may have when it knows how many it wants', async () => {
    const asked: unknown[] = [];
    const budgets: Budgets = ({ wantedWorkers, currentWorkers, minWorkers }) => {
      asked.push([wantedWorkers, currentWorkers, minWorkers]);
      return Promise.resolve([{ limit: 'cost-budget', workers: 4, why: 'enough for 4' }]);
    };
    const overrides = { read: () => Promise.resolve(set({ minWorkers: 3 })) };
    const limited = world({ budgets, overrides });
    const { decision, observation: seen } = await limited.tick();
    expect(asked).toEqual([[9, 2, 3]]);
    expect(decision?.steps.at(-1)).toMatchObject({ step: 'cost-budget', why: 'enough for 4' });
    expect(seen?.budgets).toHaveLength(1);
    expect(limited.asked).toEqual([4]);
  });

  test('holds without asking when the number is right', async () => {
    const { tick, asked, saved } = world({ queues: { read: () => Promise.resolve(backlog(200)) } });
    expect(await tick()).toMatchObject({ outcome: 'held', error: null });
    expect(asked).toEqual([]);
    expect(saved).toHaveLength(1);
  });

  test('changes nothing in a dry run', async () => {
    const { tick, asked } = world({ isDryRun: true });
    expect(await tick()).toMatchObject({ outcome: 'dry-run', decision: { action: 'scale-up' } });
    expect(asked).toEqual([]);
  });

  test('says what it would want even when it knows no platform', async () => {
    const { tick } = world({ isDryRun: true, target: null });
    const { outcome, decision } = await tick();
    expect(outcome).toBe('dry-run');
    expect(decision).toMatchObject({ currentWorkers: null, desiredWorkers: 9, action: 'hold' });
  });

  test('leaves the workers alone when Redis cannot be reached', async () => {
    const { tick, asked } = world({
      queues: { read: () => Promise.reject(trouble('QUEUE_UNREADABLE')) },
    });
    const { outcome, error, observation, currentWorkers } = await tick();
    expect(outcome).toBe('failed');
    expect(error?.code).toBe('QUEUE_UNREADABLE');
    expect(observation).toBeNull();
    expect(currentWorkers).toBe(2);
    expect(asked).toEqual([]);
  });

  test.each(['load', 'save'] as const)(
    'leaves the workers alone when its own state fails to %s',
    async (verb) => {
      const { parts } = world();
      const memories = {
        ...parts.memories,
        [verb]: () => Promise.reject(trouble('STATE_UNAVAILABLE')),
      };
      const { tick, asked } = world({ memories });
      expect(await tick()).toMatchObject({
        outcome: 'failed',
        error: { code: 'STATE_UNAVAILABLE' },
      });
      expect(asked).toEqual([]);
    },
  );

  test('enforces the bounds, and says what it could not see, while a queue is unreadable', async () => {
    const unreadableQueues = [{ queue: 'broken', why: 'wrong type' }];
    const read = () => Promise.resolve(backlog(0, { unreadableQueues }));
    const { tick, asked } = world({ queues: { read }, policy: policy({ minWorkers: 3 }) });
    const { outcome, error } = await tick();
    expect(outcome).toBe('scaled');
    expect(error).toMatchObject({
      code: 'QUEUE_UNREADABLE',
      message: 'queue "broken": wrong type',
    });
    expect(asked).toEqual([3]);
  });

  test('changes nothing while somebody has paused the pool, and is a good one', async () => {
    const pause = { by: 'anna', setAtMs: startMs, untilMs: startMs + 1 };
    const { tick, asked } = world({
      overrides: { read: () => Promise.resolve({ ...noOverrides, pause }) },
    });
    expect(await tick()).toMatchObject({
      ...{ outcome: 'held', error: null, overrides: { pause } },
      decision: { recommendedWorkers: 9, desiredWorkers: 2, limitedBy: 'pause' },
    });
    expect(asked).toEqual([]);
  });

  test('follows what somebody set, and records the policy that it followed', async () => {
    const by = { by: 'anna', setAtMs: startMs, untilMs: startMs + 1 };
    const settings = [{ ...by, setting: 'maxWorkers', text: '4', value: 4 } as const];
    const { tick, asked } = world({
      overrides: { read: () => Promise.resolve({ ...noOverrides, settings }) },
    });
    expect(await tick()).toMatchObject({ policy: { maxWorkers: 4 }, overrides: { settings } });
    expect(asked).toEqual([4]);
  });

  test('changes nothing when nobody can tell what was set', async () => {
    const { tick, asked } = world({
      overrides: { read: () => Promise.reject(trouble('STATE_UNAVAILABLE')) },
    });
    expect(await tick()).toMatchObject({
      ...{ outcome: 'failed', error: { code: 'STATE_UNAVAILABLE' } },
      ...{ decision: null, policy: null, overrides: null },
    });
    expect(asked).toEqual([]);
  });

  test('still says what it would want when the platform cannot be read, and remembers no start', async () => {
    const unreachable = {
      ...target({ current: [] }),
      currentWorkers: () => Promise.reject(trouble('TARGET_UNAVAILABLE')),
    };
    const { tick, saved } = world({ target: unreachable });
    const { outcome, error, decision } = await tick();
    expect({ outcome, code: error?.code, desired: decision?.desiredWorkers }).toEqual({
      outcome: 'failed',
      code: 'TARGET_UNAVAILABLE',
      desired: 9,
    });
    expect(saved.at(-1)).toMatchObject({ lastSeenAtMs: null, recommendations: [] });
  });

  test('keeps what it saw and decided when only the change fails', async () => {
    const refusing = {
      ...target({ current: [2] }),
      scaleTo: () => Promise.reject(trouble('TARGET_REJECTED')),
    };
    const { outcome, decision, observation } = await world({ target: refusing }).tick();
    expect(outcome).toBe('failed');
    expect(decision?.desiredWorkers).toBe(9);
    expect(observation?.queues).toHaveLength(1);
  });

  test('decides again when somebody scaled between the look and the change', async () => {
    const scaledByHand = target({ current: [20, 9] });
    expect(await world({ target: scaledByHand }).tick()).toMatchObject({ outcome: 'held' });
    expect(scaledByHand.asked).toEqual([]);
  });

  test('gives up on a formation that never stands still', async () => {
    const restless = target({ current: [20, 21, 22, 23, 24, 25] });
    expect(await world({ target: restless }).tick()).toMatchObject({
      error: { code: 'TARGET_UNREADABLE' },
    });
    expect(restless.asked).toEqual([]);
  });

  test('asks again in the same tick with the limit that a refusal named, and remembers it', async () => {
    const limited = target({
      current: [2],
      answers: [{ kind: 'limited', limitWorkers: 5, why: 'plan' }],
    });
    const { tick, saved } = world({ target: limited });
    expect(await tick()).toMatchObject({
      outcome: 'scaled',
      decision: { desiredWorkers: 5, limitedBy: 'platform-limit' },
    });
    expect(limited.asked).toEqual([9, 5]);
    expect(saved.at(-1)?.platformLimit).toEqual({ workers: 5, learnedAtMs: startMs });
  });

  test('holds when the limit leaves no room', async () => {
    const limited = target({
      current: [2],
      answers: [{ kind: 'limited', limitWorkers: 2, why: 'plan' }],
    });
    expect(await world({ target: limited }).tick()).toMatchObject({ outcome: 'held', error: null });
    expect(limited.asked).toEqual([9]);
  });

  test.each([
    ['the queues', { queues: { read: never } }, 'QUEUE_UNREADABLE'],
    ['its state', { memories: { load: never, save: never } }, 'STATE_UNAVAILABLE'],
    [
      'the platform',
      {
        target: {
          currentWorkers: never,
          listWorkers: never,
          scaleTo: never,
          workerDollarsPerHour: (): number | null => null,
        },
      },
      'TARGET_UNAVAILABLE',
    ],
    ['a change', { target: { ...target({ current: [2] }), scaleTo: never } }, 'TARGET_UNAVAILABLE'],
  ])('ends by its deadline although %s never answers', async (_what, changes, code) => {
    expect(await world(changes).tick()).toMatchObject({ outcome: 'failed', error: { code } });
  });

  test('is abandoned when the process must end', async () => {
    const { parts } = world({ queues: { read: never }, deadlineMs: 60_000 });
    expect(await createLoop(parts)(AbortSignal.timeout(50))).toMatchObject({ outcome: 'failed' });
  });

  test('lets a bug through', async () => {
    const { tick } = world({ queues: { read: () => Promise.reject(new TypeError('a bug')) } });
    await expect(tick()).rejects.toThrow('a bug');
  });
});
