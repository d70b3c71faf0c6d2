import { describe, expect, test } from 'vitest';
import { decide, emptyMemory } from '../../src/decision/decide.ts';
import type { Policy, QueueReading } from '../../src/decision/types.ts';
import { observation, policy, reading, startMs } from '../support/builders.ts';

function again(known: Partial<Policy>, ...queues: Partial<QueueReading>[]): number | null {
  const seen = observation(0, { queues: queues.map(reading) });
  const asked = policy({ leading: 'learned', targetWaitSeconds: 120, ...known });
  return decide(seen, asked, emptyMemory).decision.lookAgainAfterSeconds;
}

describe('the look after this one', () => {
  test('comes within a twelfth of the target wait while jobs wait in any queue', () => {
    expect(again({}, { queue: 'mail' }, { queue: 'render', readyJobs: 1 })).toBe(10);
    expect(again({ targetWaitSeconds: 600 }, { readyJobs: 1 })).toBe(50);
  });

  test('comes as soon when delayed jobs are about to be due', () => {
    expect(again({}, { dueSoon: [{ dueAtMs: startMs + 70_000, jobs: 1 }] })).toBe(10);
  });

  test('comes with the interval while no job waits', () => {
    expect(again({}, { activeJobs: 50, delayedJobs: 3 })).toBeNull();
  });

  test('never comes later than with the interval, nor sooner than after five seconds', () => {
    expect(again({ intervalSeconds: 10 }, { readyJobs: 1 })).toBeNull();
    expect(again({ targetWaitSeconds: 30 }, { readyJobs: 1 })).toBe(5);
  });

  test('comes with the interval where the ratio leads, whose formula needs no haste', () => {
    expect(again({ leading: 'ratio' }, { readyJobs: 5000 })).toBeNull();
  });
});
