import { describe, expect, test } from 'vitest';
import { changesOf } from '../../src/commands/explain/changes.ts';
import { noonMs, reportAt, scaledAt } from '../support/history.ts';
import { hold } from '../support/tick-records.ts';

const heldAt = (minute: number, currentWorkers: number | null) =>
  reportAt(noonMs + minute * 60_000, {
    decision: { ...hold, currentWorkers, desiredWorkers: currentWorkers ?? 3 },
    currentWorkers,
  });
const scaled = (minute: number, from: number, to: number) =>
  scaledAt(noonMs + minute * 60_000, from, to);
/** `minute: from → to`, with who did it. */
const told = (...reports: Parameters<typeof changesOf>[0]) =>
  changesOf(reports).map(
    ({ atMs, from, to, cause }) =>
      `${(atMs - noonMs) / 60_000}: ${from} → ${to}${cause === null ? ' by others' : ''}`,
  );

describe('the number of workers changed', () => {
  test('when a tick scaled, also if the next one could not see it', () => {
    expect(told(heldAt(0, 3), scaled(1, 3, 5), heldAt(2, null), heldAt(3, 5))).toEqual([
      '1: 3 → 5',
    ]);
  });

  test('when a tick scaled and none has followed yet', () => {
    expect(told(heldAt(0, 3), scaled(1, 3, 5))).toEqual(['1: 3 → 5']);
  });

  test('by others when no tick did it, or one that went the other way', () => {
    expect(told(heldAt(0, 3), heldAt(1, 7))).toEqual(['1: 3 → 7 by others']);
    expect(told(scaled(0, 3, 5), heldAt(1, 2))).toEqual(['1: 3 → 2 by others']);
  });

  test('as far as workers have drained', () => {
    const decision = {
      ...hold,
      action: 'scale-down',
      currentWorkers: 5,
      desiredWorkers: 2,
    } as const;
    const draining = reportAt(noonMs, { outcome: 'draining', decision });
    expect(told(draining, heldAt(1, 4))).toEqual(['1: 5 → 4']);
  });

  test('never, as far as is known', () => {
    expect(told()).toEqual([]);
    expect(told(heldAt(0, null), heldAt(1, 3), heldAt(2, 3))).toEqual([]);
  });
});
