import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Memory } from '../../src/decision/types.ts';
import type { DrainBoard } from '../../src/drain/board.ts';
import { guardBoard } from '../../src/drain/guarded-board.ts';
import { OperationalError, type ErrorCode } from '../../src/errors.ts';
import { noOverrides } from '../../src/decision/overrides.ts';
import { createLoop, type LoopParts } from '../../src/loop.ts';
import { LeaseLost } from '../../src/state/claim.ts';
import { goodTickAtMs } from '../../src/telemetry/health.ts';
import type { ScaleResult } from '../../src/targets/target.ts';
import {
  memory,
  noAccount,
  observation,
  ownLease,
  policy,
  reading,
  startMs,
} from '../support/builders.ts';

const trouble = (code: ErrorCode) =>
  Promise.reject(new OperationalError(code, `${code} happened`, { hint: 'wait' }));
const lost = () => Promise.reject(new LeaseLost('gone'));
const never = () => new Promise<never>(() => undefined);

/** A pool of two workers whose backlog needs nine, in which everything that is done is written down. */
function world(
  known: {
    lease?: Partial<LoopParts['lease']>;
    save?: (memory: Memory, saves: number) => Promise<void>;
    scaleTo?: (workers: number) => Promise<ScaleResult>;
    /** The workers that each look at the platform finds; the last one goes on. */
    looks?: readonly number[];
    memory?: Partial<Memory>;
    deadlineMs?: number;
  } = {},
) {
  const done: string[] = [];
  const ages: number[] = [];
  const saved: Memory[] = [];
  const looks = [...(known.looks ?? [2])];
  let saves = 0;
  const tick = () =>
    createLoop({
      ...{ pool: 'worker', isDryRun: false, protection: null, nowMs: () => startMs },
      policy: policy({ maxWorkers: 50, manualHoldSeconds: 1800 }),
      deadlineMs: known.deadlineMs ?? 300,
      overrides: { read: () => Promise.resolve(noOverrides) },
      queues: {
        read() {
          done.push('read');
          return Promise.resolve({ queues: [reading({ readyJobs: 900 })], unreadableQueues: [] });
        },
      },
      target: {
        currentWorkers(maxAgeMs) {
          done.push('look');
          ages.push(maxAgeMs);
          return Promise.resolve((looks.length > 1 ? looks.shift() : looks[0]) ?? 0);
        },
        workerDollarsPerHour: () => null,
        listWorkers: () => Promise.resolve([]),
        scaleTo(workers) {
          done.push(`scale to ${String(workers)}`);
          return known.scaleTo?.(workers) ?? Promise.resolve({ kind: 'scaled', workers });
        },
      },
      workers: { read: () => Promise.resolve(observation(0).workers) },
      lease: { ...ownLease, ...known.lease },
      costs: noAccount,
      budgets: null,
      memories: {
        load() {
          done.push('load');
          return Promise.resolve(memory(known.memory));
        },
        save(next) {
          done.push('save');
          saves += 1;
          saved.push(next);
          return known.save?.(next, saves) ?? Promise.resolve();
        },
      },
    })(new AbortController().signal);
  return { tick, done, ages, saved };
}

describe('a tick without the lease', () => {
  test('stands by: it reads nothing, asks nothing and counts as good', async () => {
    const { tick, done } = world({ lease: { take: () => Promise.resolve(false) } });
    const record = await tick();
    expect(record).toMatchObject({
      ...{ outcome: 'not-leader', error: null, observation: null, decision: null, drain: null },
    });
    expect(goodTickAtMs(record)).not.toBeNull();
    expect(done).toEqual([]);
  });

  test('changes nothing when the right to act cannot be asked for, and tells what it sees', async () => {
    const { tick, done } = world({ lease: { take: () => trouble('STATE_UNAVAILABLE') } });
    expect(await tick()).toMatchObject({
      ...{ outcome: 'failed', currentWorkers: 2, error: { code: 'STATE_UNAVAILABLE' } },
    });
    expect(done.filter((each) => each === 'save' || each.startsWith('scale'))).toEqual([]);
  });

  test('is no shorter-sighted when the question is never answered', async () => {
    const { tick } = world({ lease: { take: never } });
    expect(await tick()).toMatchObject({
      ...{ outcome: 'failed', currentWorkers: 2, observation: { queues: { length: 1 } } },
    });
  });
});

describe('a lease that is lost in the middle of a tick', () => {
  test('is noticed by saving, and nothing is asked of the platform', async () => {
    const { tick, done } = world({ save: lost });
    expect(await tick()).toMatchObject({ outcome: 'not-leader', decision: null, error: null });
    expect(done).not.toContain('scale to 9');
  });

  test('is noticed after saving too, at the last moment', async () => {
    let isHeld = true;
    const { tick, done } = world({
      save() {
        isHeld = false;
        return Promise.resolve();
      },
      lease: {
        assertHeld() {
          if (!isHeld) throw new LeaseLost('slept');
        },
      },
    });
    expect(await tick()).toMatchObject({ outcome: 'not-leader' });
    expect(done).toContain('save');
    expect(done).not.toContain('scale to 9');
  });

  test('keeps marks from being made or lifted', async () => {
    const done: string[] = [];
    const board: DrainBoard = {
      read: () => Promise.resolve({ processes: [], isJoined: false, handedBackJobs: null }),
      mark: () => Promise.resolve(void done.push('mark')),
    };
    let isHeld = true;
    const guarded = guardBoard(board, () => {
      if (!isHeld) throw new LeaseLost('gone');
    });
    const { signal } = new AbortController();
    await guarded.mark(['worker.1'], [], signal);
    isHeld = false;
    await expect(guarded.mark(['worker.1'], [], signal)).rejects.toThrow(LeaseLost);
    expect(done).toEqual(['mark']);
  });
});

test('what was read before the lease was taken is not relied on', async () => {
  const { tick, ages } = world({ lease: { heldForMs: () => 3 } });
  await tick();
  expect(ages[0]).toBe(3);
  const settled = world();
  await settled.tick();
  expect(settled.ages[0]).toBe(10_000);
});

describe('what was asked for', () => {
  const asked = { workers: 9, madeAtMs: startMs };

  test('is written down before, and that it was obeyed after', async () => {
    const { tick, done, saved } = world();
    await tick();
    expect(done.slice(-3)).toEqual(['save', 'scale to 9', 'save']);
    expect(saved.map(({ intent }) => intent)).toEqual([
      { ...asked, formerWorkers: 2 },
      { ...asked, formerWorkers: null },
    ]);
  });

  test('stays in doubt when the reply does not come', async () => {
    const { tick, saved } = world({ scaleTo: never });
    expect(await tick()).toMatchObject({ error: { code: 'TARGET_UNAVAILABLE' } });
    expect(saved.map(({ intent }) => intent)).toEqual([{ ...asked, formerWorkers: 2 }]);
  });

  test.each([
    ['the state cannot be written', () => trouble('STATE_UNAVAILABLE')],
    ['another daemon took over', lost],
  ])('was done although %s right after it', async (_what, fail) => {
    const { tick } = world({
      save: (_memory, saves) => (saves === 2 ? fail() : Promise.resolve()),
    });
    expect(await tick()).toMatchObject({ outcome: 'scaled', error: null });
  });

  test('is the lower number when the platform allows no more', async () => {
    const { tick, saved } = world({
      scaleTo: (workers) =>
        Promise.resolve(
          workers === 9
            ? { kind: 'limited', limitWorkers: 5, why: 'plan' }
            : { kind: 'scaled', workers },
        ),
    });
    await tick();
    expect(saved.at(-1)).toMatchObject({
      intent: { workers: 5, formerWorkers: null },
      manual: null,
    });
  });
});

describe('a person who scales between the look and the change', () => {
  test.each([
    ['in a pool that is known', { intent: { workers: 2, formerWorkers: null, madeAtMs: startMs } }],
    ['in a pool that is seen for the first time', {}],
  ])('is noticed %s', async (_what, known) => {
    const { tick, done, saved } = world({ looks: [2, 12], memory: known });
    expect(await tick()).toMatchObject({
      outcome: 'held',
      decision: { desiredWorkers: 12, limitedBy: 'manual-scale' },
    });
    expect(done.some((each) => each.startsWith('scale'))).toBe(false);
    expect(saved.at(-1)?.manual).toMatchObject({ workers: 12 });
  });

  test('is not imagined when it was a change of the daemon’s own, obeyed late', async () => {
    const known = { intent: { workers: 9, formerWorkers: 2, madeAtMs: startMs - 1_000 } };
    const { tick, saved } = world({ looks: [2, 9], memory: known });
    expect(await tick()).toMatchObject({ outcome: 'held' });
    expect(saved.at(-1)).toMatchObject({ manual: null, intent: { formerWorkers: null } });
  });
});

test('a tick ends by its deadline although the lease is never answered', async () => {
  const { tick } = world({ lease: { take: never }, deadlineMs: 200 });
  expect(await Promise.race([tick(), sleep(2_000)])).toMatchObject({ outcome: 'failed' });
});
