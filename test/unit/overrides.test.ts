import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { policyOf } from '../../src/config/policy.ts';
import { schedule } from '../../src/config/schedule.ts';
import { decide } from '../../src/decision/decide.ts';
import {
  noOverrides,
  pauseOf,
  settings,
  type Override,
  type Overrides,
} from '../../src/decision/overrides.ts';
import { policyInForce } from '../../src/decision/policy-in-force.ts';
import type { Policy } from '../../src/decision/types.ts';
import { memory, observation, policy, startMs } from '../support/builders.ts';

const hourMs = 3_600_000;
const by = { by: 'anna@mac', setAtMs: startMs - hourMs, untilMs: startMs + 2 * hourMs };

function override(changes: Pick<Override, 'setting' | 'value'> & Partial<Override>): Override {
  return { ...by, text: String(changes.value), ...changes };
}

function overrides(...list: Override[]): Overrides {
  return { ...noOverrides, settings: list };
}

const configured = policy({ minWorkers: 1, maxWorkers: 10 });
const inForce = (stored: Overrides, base: Policy = configured) =>
  policyInForce(base, stored, { nowMs: startMs, startSeconds: 40 });

describe('the policy in force', () => {
  test('is the configured one while nobody changed anything', () => {
    expect(inForce(noOverrides)).toEqual(configured);
  });

  test.each([
    ['minWorkers', 5, { minWorkers: 5 }],
    ['maxWorkers', 20, { maxWorkers: 20 }],
    ['eventsPerWorker', 7, { eventsPerWorker: 7 }],
    ['targetWait', 90_000, { targetWaitSeconds: 90, leading: 'learned' }],
    ['scaleDownStabilization', 60_000, { scaleDownStabilizationSeconds: 60 }],
    ['scaleUpStep', 3, { scaleUpStep: 3 }],
    ['scaleDownStep', 2, { scaleDownStep: 2 }],
  ] as const)('has what was set for %s', (setting, value, expected) => {
    expect(inForce(overrides(override({ setting, value })))).toMatchObject(expected);
  });

  test('scales down with a target as it does where the target is configured', () => {
    const ratio = policy({ scaleDownStabilizationSeconds: 300, stabilizationWithTargetSeconds: 0 });
    const target = override({ setting: 'targetWait', value: 90_000 });
    expect(inForce(overrides(target), ratio).scaleDownStabilizationSeconds).toBe(0);
    const always = schedule.parse('mon-sun 00:00-24:00 UTC targetWait=90s');
    expect(inForce(noOverrides, { ...ratio, schedule: always }).scaleDownStabilizationSeconds).toBe(
      0,
    );
    const told = { ...ratio, stabilizationWithTargetSeconds: 300 };
    expect(inForce(overrides(target), told).scaleDownStabilizationSeconds).toBe(300);
  });

  test('forgets what it saw before a gap as it does where the same is configured', () => {
    const gapSeconds = (environment: Readonly<Record<string, string>>, ...set: Override[]) => {
      const least = { REDIS_URL: 'redis://localhost', QUEUES: 'emails', DRY_RUN: 'true' };
      const [pool] = loadConfig({ ...least, ...environment }, () => '').pools;
      if (pool === undefined) throw new Error('There is always one pool.');
      return [true, false].map(
        (isPeriodic) => inForce(overrides(...set), policyOf(pool, isPeriodic)).continuitySeconds,
      );
    };
    for (const [variable, setting, text, value] of [
      ['TARGET_WAIT', 'targetWait', '90s', 90_000],
      ['SCALE_DOWN_STABILIZATION', 'scaleDownStabilization', '1m', 60_000],
      ['SCALE_DOWN_STABILIZATION', 'scaleDownStabilization', '1h', hourMs],
    ] as const)
      expect(gapSeconds({}, override({ setting, value, text }))).toEqual(
        gapSeconds({ [variable]: text }),
      );
    expect(gapSeconds({ TARGET_WAIT: '90s' })).toEqual([120, Infinity]);
  });

  test('has the stabilization that was set beside a target, whichever was set first', () => {
    const target = override({ setting: 'targetWait', value: 90_000 });
    const patience = override({ setting: 'scaleDownStabilization', value: 60_000 });
    for (const both of [overrides(target, patience), overrides(patience, target)])
      expect(inForce(both).scaleDownStabilizationSeconds).toBe(60);
  });

  test('is seen without a gap for as long as the window that was set', () => {
    const setting = 'scaleDownStabilization';
    expect(inForce(overrides(override({ setting, value: hourMs })))).toMatchObject({
      continuitySeconds: 3600,
    });
  });

  test('says of each bound who set it until when', () => {
    const set = inForce(overrides(override({ setting: 'minWorkers', value: 5 })));
    const { decision } = decide(observation(0), set, memory());
    expect(decision).toMatchObject({ desiredWorkers: 5, limitedBy: 'min-workers' });
    expect(decision.steps.at(-1)?.why).toBe('at least 5 (set by anna@mac until 02:00 UTC)');
  });

  test('names the day where the time alone would leave it open', () => {
    const untilMs = startMs + 48 * hourMs;
    const set = inForce(overrides(override({ setting: 'maxWorkers', value: 3, untilMs })));
    const { decision } = decide(observation(900), set, memory());
    expect(decision.steps.at(-1)?.why).toBe(
      'at most 3 (set by anna@mac until 2026-01-03 00:00 UTC)',
    );
  });

  test('leaves out what has come to its end', () => {
    const ended = override({ setting: 'minWorkers', value: 5, untilMs: startMs });
    expect(inForce({ ...overrides(ended), pause: { ...by, untilMs: startMs } })).toEqual(
      configured,
    );
  });

  test('has the maximum where a maximum was configured below a minimum that was set before', () => {
    const set = inForce(overrides(override({ setting: 'minWorkers', value: 15 })));
    expect(set).toMatchObject({ minWorkers: 10, maxWorkers: 10 });
    const { decision } = decide(observation(0), set, memory());
    expect(decision.desiredWorkers).toBe(10);
    expect(decision.steps.at(-1)?.why).toBe(
      'at least 10 (MAX_WORKERS; minWorkers=15 (set by anna@mac until 02:00 UTC) is above it)',
    );
  });

  test('never has a minimum above the maximum, whatever was set and configured', () => {
    const stored = fc.array(
      fc.record({
        setting: fc.constantFrom('minWorkers' as const, 'maxWorkers' as const),
        value: fc.integer({ min: 0, max: 10_000 }),
        untilMs: fc.integer({ min: startMs - 5, max: startMs + 5 }),
      }),
    );
    const bounds = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(stored, bounds, (list, [one, other]) => {
        const base = policy({
          minWorkers: Math.min(one, other),
          maxWorkers: Math.max(one, other),
        });
        const { minWorkers, maxWorkers } = inForce(overrides(...list.map(override)), base);
        expect(minWorkers).toBeLessThanOrEqual(maxWorkers);
      }),
    );
  });
});

describe('a pause', () => {
  const paused = inForce({ ...noOverrides, pause: by });

  test.each([
    ['a backlog', observation(900)],
    ['more workers than the maximum', observation(0, { currentWorkers: 30 })],
    ['fewer workers than the minimum', observation(0, { currentWorkers: 0 })],
  ])('changes nothing, whatever is found: %s', (_, seen) => {
    const { decision } = decide(seen, paused, memory());
    expect(decision).toMatchObject({
      action: 'hold',
      desiredWorkers: seen.currentWorkers,
      limitedBy: 'pause',
    });
    expect(decision.steps.at(-1)?.why).toBe('paused by anna@mac until 02:00 UTC');
  });

  test('tells what would have been done', () => {
    const { decision } = decide(observation(900), paused, memory());
    expect(decision.recommendedWorkers).toBe(9);
  });

  test('lets the number that is found afterwards count as nobody’s', () => {
    const before = memory({ intent: { workers: 5, formerWorkers: null, madeAtMs: startMs } });
    const holding = { ...paused, manualHoldSeconds: 1800 };
    const during = decide(observation(0, { currentWorkers: 0 }), holding, before);
    expect(during.decision.manualHold).toBeNull();
    const after = decide(
      observation(0, { currentWorkers: 7, observedAtMs: startMs + 1_000 }),
      { ...configured, manualHoldSeconds: 1800 },
      during.memory,
    );
    expect(after.decision.manualHold).toBeNull();
    expect(after.decision.desiredWorkers).toBeLessThanOrEqual(7);
  });

  test('is also what a setting that cannot be understood leads to', () => {
    const damaged = inForce({ ...noOverrides, damaged: ['maxWorkers'] });
    const { decision } = decide(observation(900), damaged, memory());
    expect(decision).toMatchObject({ action: 'hold', limitedBy: 'pause' });
    expect(decision.steps.at(-1)?.why).toContain('`backlog-autoscaler unset maxWorkers`');
    expect(pauseOf({ ...noOverrides, damaged: ['pause', 'maxWorkers'] }, startMs)).toEqual({
      ...{ by: null, setAtMs: null, untilMs: null },
      why: 'what was set for pause cannot be understood, so nothing is changed until `backlog-autoscaler resume`',
    });
  });

  test('that can be understood is what is told, with the day if it is another', () => {
    const untilMs = startMs + 24 * hourMs;
    const stored: Overrides = {
      ...noOverrides,
      pause: { ...by, untilMs },
      damaged: ['maxWorkers'],
    };
    expect(pauseOf(stored, startMs)).toEqual({
      ...{ ...by, untilMs },
      why: 'paused by anna@mac until 2026-01-02 00:00 UTC',
    });
    expect(pauseOf(stored, startMs + 1)?.why).toBe('paused by anna@mac until 00:00 UTC');
    expect(pauseOf(noOverrides, startMs)).toBeNull();
  });
});

test('every setting that can be set changes the policy', () => {
  for (const setting of settings)
    expect(inForce(overrides(override({ setting, value: 8 })))).not.toEqual(configured);
});
