import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { Memory } from '../../src/decision/types.ts';
import { memory, observation, policy, startMs } from '../support/builders.ts';

const minuteMs = 60_000;
const wishes = policy({ minWorkers: 1, maxWorkers: 20, manualHoldSeconds: 1800 });
type Intent = NonNullable<Memory['intent']>;

/** An intent that was carried out, unless a test says that nobody knows. */
const intent = (workers: number, known: Partial<Intent> = {}): Intent => ({
  ...{ workers, formerWorkers: null, madeAtMs: startMs - minuteMs },
  ...known,
});

/** One tick with a backlog that asks for `needed` workers. */
function tick(
  currentWorkers: number | null,
  needed: number,
  remembered: Partial<Memory> = {},
  known: { atMs?: number; policy?: typeof wishes } = {},
) {
  return decide(
    observation(needed * 100, { currentWorkers, observedAtMs: known.atMs ?? startMs }),
    known.policy ?? wishes,
    memory(remembered),
  );
}

const isPersons = (workers: number, remembered: Partial<Memory>, atMs = startMs) =>
  tick(workers, 3, remembered, { atMs }).memory.manual !== null;

describe('a number that nobody asked for', () => {
  test('is a person’s: a floor, said with its time', () => {
    const { decision, memory: next } = tick(12, 3, { intent: intent(5) });
    expect(decision).toMatchObject({
      action: 'hold',
      desiredWorkers: 12,
      limitedBy: 'manual-scale',
    });
    expect(decision.steps.at(-1)).toEqual({
      ...{ step: 'manual-scale', workers: 12 },
      why: 'someone set 12 workers at 00:00 UTC, respected until 00:30 UTC',
    });
    expect(decision.manualHold).toMatchObject({ workers: 12, untilMs: startMs + 30 * minuteMs });
    expect(next).toMatchObject({ manual: { workers: 12 }, intent: { workers: 12 } });
  });

  test('is no ceiling: demand above it is met, and who is in charge is still told', () => {
    const { decision } = tick(2, 8, { intent: intent(5) });
    expect(decision).toMatchObject({ action: 'scale-up', desiredWorkers: 8, limitedBy: 'none' });
    expect(decision.manualHold).toMatchObject({ workers: 2 });
  });

  test('is kept within the bounds', () => {
    expect(tick(30, 3, { intent: intent(5) }).decision).toMatchObject({
      ...{ desiredWorkers: 20, limitedBy: 'max-workers' },
    });
  });

  test('that is 0 is a pause, also below the minimum and with a backlog', () => {
    const { decision } = tick(0, 8, { intent: intent(5) });
    expect(decision).toMatchObject({
      action: 'hold',
      desiredWorkers: 0,
      limitedBy: 'manual-scale',
    });
    expect(decision.steps.at(-1)?.why).toBe(
      'someone set 0 workers at 00:00 UTC, paused until 00:30 UTC',
    );
  });

  test('is respected as long as the hold, and not longer', () => {
    const first = tick(12, 3, { intent: intent(5) });
    const at = (minutes: number, currentWorkers = 12) =>
      tick(currentWorkers, 3, first.memory, { atMs: startMs + minutes * minuteMs }).decision;
    expect(at(29.9)).toMatchObject({ desiredWorkers: 12 });
    expect(at(30)).toMatchObject({ desiredWorkers: 3, limitedBy: 'none', manualHold: null });
  });

  test('is replaced by the next that a person sets', () => {
    const first = tick(12, 3, { intent: intent(5) });
    const second = tick(7, 3, first.memory, { atMs: startMs + 20 * minuteMs });
    expect(second.decision).toMatchObject({ desiredWorkers: 7 });
    expect(second.memory.manual).toMatchObject({ untilMs: startMs + 50 * minuteMs });
  });

  test('is nothing special when the hold is switched off, also one that was noticed before', () => {
    const off = { policy: { ...wishes, manualHoldSeconds: 0 } };
    expect(tick(12, 3, { intent: intent(5) }, off).decision).toMatchObject({ desiredWorkers: 3 });
    const noticed = tick(12, 3, { intent: intent(5) }).memory;
    expect(tick(12, 3, noticed, off).decision).toMatchObject({ desiredWorkers: 3 });
  });

  test('names the day when the hold is long', () => {
    const long = { policy: { ...wishes, manualHoldSeconds: 2 * 86_400 } };
    expect(tick(12, 3, { intent: intent(5) }, long).decision.manualHold?.why).toBe(
      'someone set 12 workers at 2026-01-01 00:00 UTC, respected until 2026-01-03 00:00 UTC',
    );
  });

  test('never outlasts the hold because a clock was set back', () => {
    const noticed = tick(12, 3, { intent: intent(5) }).memory;
    const before = tick(12, 3, noticed, { atMs: startMs - 600 * minuteMs });
    expect(before.memory.manual?.untilMs).toBe(startMs - 570 * minuteMs);
  });
});

describe('what is never taken for a person', () => {
  test.each<[string, number, Partial<Memory>]>([
    ['a pool seen for the first time', 12, { intent: null }],
    ['what was asked for', 5, { intent: intent(5) }],
    [
      'a request that nobody knows the fate of, obeyed',
      8,
      { intent: intent(8, { formerWorkers: 5 }) },
    ],
    ['the same, not obeyed', 5, { intent: intent(8, { formerWorkers: 5 }) }],
    ['the same, obeyed in part', 6, { intent: intent(8, { formerWorkers: 5 }) }],
    ['a removal of unknown fate', 5, { intent: intent(3, { formerWorkers: 5 }) }],
  ])('%s', (_what, currentWorkers, remembered) => {
    expect(isPersons(currentWorkers, remembered)).toBe(false);
    // However long nobody looked.
    expect(isPersons(currentWorkers, remembered, startMs + 60 * minuteMs)).toBe(false);
  });

  test('a request that is obeyed after it was seen not to be', () => {
    const young = { intent: intent(8, { formerWorkers: 5, madeAtMs: startMs - 1_000 }) };
    const first = tick(5, 3, young);
    expect(isPersons(8, first.memory, startMs + 5_000)).toBe(false);
  });

  test('workers that could not be counted', () => {
    expect(tick(null, 3, { intent: intent(5) }).memory).toMatchObject({
      ...{ manual: null, intent: { workers: 5 } },
    });
  });
});

describe('what is a person’s all the same', () => {
  test.each<[string, number, Partial<Memory>]>([
    [
      'back to the number before, once it was known that the request was obeyed',
      5,
      { intent: intent(8) },
    ],
    ['a number beyond what was asked for', 9, { intent: intent(8, { formerWorkers: 5 }) }],
    ['a number below the one before', 4, { intent: intent(8, { formerWorkers: 5 }) }],
  ])('%s', (_what, currentWorkers, remembered) => {
    expect(isPersons(currentWorkers, remembered)).toBe(true);
  });

  test('the old number, long after a request was seen not to be obeyed', () => {
    const first = tick(5, 3, { intent: intent(8, { formerWorkers: 5 }) });
    expect(isPersons(8, first.memory, startMs + minuteMs)).toBe(true);
  });
});

test('whatever a person sets, the decision is within the bounds or a pause, and demand is met', () => {
  const count = fc.nat(30);
  fc.assert(
    fc.property(count, count, count, (asked, set, needed) => {
      fc.pre(asked !== set);
      const { desiredWorkers } = tick(set, needed, { intent: intent(asked) }).decision;
      expect(desiredWorkers).toBe(set === 0 ? 0 : Math.min(20, Math.max(1, set, needed)));
    }),
  );
});
