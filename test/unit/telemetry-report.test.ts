import { describe, expect, test } from 'vitest';
import { healthOf } from '../../src/telemetry/health.ts';
import { tickReport } from '../../src/telemetry/report.ts';
import { bounds, hold, orphans, redisGone, refused, tick } from '../support/tick-records.ts';

describe('the report of a tick', () => {
  test('has the numbers, the steps and the outcome, and no error when there was none', () => {
    const report = tickReport(tick(), bounds);
    expect(report).toMatchObject({
      pool: 'worker',
      at: '2026-01-05T12:00:00.000Z',
      currentWorkers: 3,
      recommendedWorkers: 13,
      desiredWorkers: 10,
      minWorkers: 1,
      maxWorkers: 10,
      action: 'scale-up',
      limitedBy: 'max-workers',
      outcome: 'scaled',
      steps: [
        { step: 'recommend', workers: 13 },
        { step: 'max-workers', workers: 10 },
      ],
      alternative: { policy: 'learned', workers: 4, why: 'a wait under 2 min takes 4' },
    });
    expect(report).not.toHaveProperty('error');
    expect(report.queues).toEqual([
      {
        queue: 'mail',
        readyJobs: 1240,
        activeJobs: 30,
        orphanedJobs: 2,
        delayedJobs: 7,
        pausedJobs: 0,
        isPaused: false,
        oldestWaitSeconds: 41.5,
      },
    ]);
  });

  test('of a tick without a decision says null, holds, and gives the error as the reason', () => {
    const record = tick({
      observation: null,
      decision: null,
      outcome: 'failed',
      error: redisGone(),
    });
    expect(tickReport(record, bounds)).toMatchObject({
      currentWorkers: null,
      recommendedWorkers: null,
      desiredWorkers: null,
      action: 'hold',
      limitedBy: 'none',
      alternative: null,
      steps: [{ step: 'recommend', workers: null, why: 'Redis at 127.0.0.1:1: ECONNREFUSED' }],
      outcome: 'failed',
      error: {
        code: 'QUEUE_UNREADABLE',
        message: 'Redis at 127.0.0.1:1: ECONNREFUSED',
        hint: 'No server answers there.',
      },
    });
  });

  test('of a tick that failed to act keeps its decision', () => {
    const report = tickReport(tick({ outcome: 'failed', error: refused() }), bounds);
    expect(report).toMatchObject({ desiredWorkers: 10, error: { code: 'TARGET_REJECTED' } });
  });

  test('names stuck work with its jobs, since when and why', () => {
    const report = tickReport(tick({ decision: { ...hold, stuck: [orphans] } }), bounds);
    expect(report.stuck).toEqual([
      {
        queue: 'mail',
        kind: 'orphaned',
        since: '2026-01-05T11:48:00.000Z',
        jobIds: ['8', '9'],
        why: 'nobody has recovered 2 orphaned jobs of mail for 12m',
      },
    ]);
  });

  test('of a daemon that stands by says so', () => {
    const record = tick({ observation: null, decision: null, outcome: 'not-leader' });
    expect(tickReport(record, bounds).steps).toEqual([
      { step: 'recommend', workers: null, why: 'another daemon acts for this pool' },
    ]);
  });
});

describe('health', () => {
  const nowMs = Date.UTC(2026, 0, 5, 12);
  const pool = (ageMs: number | null, intervalMs: number) => ({
    pool: 'worker',
    intervalMs,
    lastGoodTickAtMs: ageMs === null ? null : nowMs - ageMs,
  });

  test.each([
    ['2.9 intervals', pool(29_000, 10_000), true],
    ['3 intervals', pool(30_000, 10_000), false],
    ['under 3 s at a short interval', pool(2_999, 500), true],
    ['3 s at a short interval', pool(3_000, 500), false],
    ['never', pool(null, 10_000), false],
    ['in the future, by another clock', pool(-5_000, 10_000), true],
    ['far in the future, since the clock was set back', pool(-3_600_000, 10_000), false],
  ])('with a last good tick of %s', (_, given, expected) => {
    expect(healthOf([given], nowMs).isHealthy).toBe(expected);
  });

  test('is that of the worst pool, and says when each was last good', () => {
    expect(healthOf([pool(1_500, 10_000), pool(60_000, 10_000)], nowMs)).toEqual({
      isHealthy: false,
      pools: [
        {
          pool: 'worker',
          isHealthy: true,
          lastGoodTickAt: '2026-01-05T11:59:58.500Z',
          ageSeconds: 1.5,
        },
        {
          pool: 'worker',
          isHealthy: false,
          lastGoodTickAt: '2026-01-05T11:59:00.000Z',
          ageSeconds: 60,
        },
      ],
    });
  });

  test('is bad when there is no pool to be healthy', () => {
    expect(healthOf([], nowMs).isHealthy).toBe(false);
  });
});
