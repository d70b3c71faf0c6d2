import { OperationalError } from '../../src/errors.ts';
import { tickReport, type TickReport } from '../../src/telemetry/report.ts';
import type { Decision } from '../../src/decision/types.ts';
import type { TickRecord } from '../../src/tick-record.ts';
import { bounds, hold, observation, reading, tick } from './tick-records.ts';

const minuteMs = 60_000;
export const at = (time: string) => Date.parse(`2026-11-28T${time}Z`);
const policy = { ...bounds, maxWorkers: 12 };

/** What one tick of the story saw and did. */
function told(
  atMs: number,
  seen: { readyJobs: number; currentWorkers: number },
  decision: Partial<Decision>,
  changes: Partial<TickRecord> = {},
): TickReport {
  const { readyJobs, currentWorkers } = seen;
  const wanted = Math.ceil(readyJobs / 100);
  const steps: Decision['steps'] = [
    {
      step: 'recommend',
      workers: wanted,
      why: `${readyJobs.toLocaleString('en')} ready jobs ÷ 100 jobs per worker → ${wanted}`,
    },
    ...(wanted > 12
      ? [{ step: 'max-workers' as const, workers: 12, why: 'at most 12 (MAX_WORKERS)' }]
      : []),
  ];
  const oldestWaitSeconds = readyJobs === 0 ? null : readyJobs / 10;
  return tickReport(
    tick({
      startedAtMs: atMs,
      observation: observation({
        currentWorkers,
        queues: [
          reading({ queue: 'mail', readyJobs, oldestWaitSeconds, activeJobs: 10, orphanedJobs: 0 }),
          reading({
            queue: 'sms',
            ...{ readyJobs: 0, activeJobs: 0, orphanedJobs: 0, delayedJobs: 0 },
            oldestWaitSeconds: null,
          }),
        ],
      }),
      decision: {
        ...hold,
        ...{ currentWorkers, recommendedWorkers: wanted, desiredWorkers: Math.min(12, wanted) },
        ...{ steps, limitedBy: wanted > 12 ? 'max-workers' : 'none' },
        ...decision,
      },
      outcome: 'held',
      ...changes,
    }),
    policy,
  );
}

const forbidden = new OperationalError('TARGET_REJECTED', 'Heroku refused: 403 forbidden', {
  hint: 'Create a token with scope write.',
});

/**
 * A tick for each minute from one o'clock to half past two: three workers, twelve at 13:58, a failure at 14:10 and 14:11,
 * six at 14:20, and at 14:25 a person who sets nine.
 */
export function afternoon(): readonly TickReport[] {
  return Array.from({ length: 91 }, (_, minute) => {
    const atMs = at('13:00:00') + minute * minuteMs;
    if (minute < 58) return told(atMs, { readyJobs: 300, currentWorkers: 3 }, {});
    if (minute === 58)
      return told(
        atMs,
        { readyJobs: 1240, currentWorkers: 3 },
        { action: 'scale-up' },
        { outcome: 'scaled' },
      );
    if (minute === 70 || minute === 71)
      return told(
        atMs,
        { readyJobs: 1230, currentWorkers: 12 },
        {},
        { outcome: 'failed', error: forbidden },
      );
    if (minute < 80) return told(atMs, { readyJobs: 1230, currentWorkers: 12 }, {});
    if (minute === 80)
      return told(
        atMs,
        { readyJobs: 550, currentWorkers: 12 },
        { action: 'scale-down' },
        { outcome: 'scaled' },
      );
    if (minute < 85) return told(atMs, { readyJobs: 550, currentWorkers: 6 }, {});
    const manualHold = {
      workers: 9,
      untilMs: at('14:55:00'),
      why: 'someone set 9 workers at 14:25 UTC, respected until 14:55 UTC',
    };
    return told(
      atMs,
      { readyJobs: 550, currentWorkers: 9 },
      {
        manualHold,
        desiredWorkers: 9,
        limitedBy: 'manual-scale',
        steps: [
          { step: 'recommend', workers: 6, why: '550 ready jobs ÷ 100 jobs per worker → 6' },
          { step: 'manual-scale', workers: 9, why: manualHold.why },
        ],
      },
    );
  });
}
