import { connectRedis } from '../../src/redis.ts';
import { createHistoryStore } from '../../src/state/history-store.ts';
import { tickReport, type TickReport } from '../../src/telemetry/report.ts';
import type { TickRecord } from '../../src/tick-record.ts';
import { bounds, hold, observation, reading, tick } from './tick-records.ts';

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;
/** An hour that begins no day, so that no step of the history begins with it by chance. */
export const noonMs = Date.UTC(2026, 10, 28, 12);

/** What a daemon says of a tick at this time: that it held, unless a test says more. */
export function reportAt(atMs: number, changes: Partial<TickRecord> = {}): TickReport {
  const record = tick({ decision: hold, outcome: 'held', ...changes, startedAtMs: atMs });
  return tickReport(record, bounds);
}

/** One that scaled, from one number of workers to another. */
export function scaledAt(atMs: number, currentWorkers: number, desiredWorkers: number): TickReport {
  return reportAt(atMs, {
    outcome: 'scaled',
    decision: {
      ...hold,
      action: desiredWorkers > currentWorkers ? 'scale-up' : 'scale-down',
      ...{ currentWorkers, desiredWorkers, recommendedWorkers: desiredWorkers },
      steps: [
        { step: 'recommend', workers: desiredWorkers, why: `the queues need ${desiredWorkers}` },
      ],
    },
  });
}

/** One whose numbers of jobs are its own, as they are in life. */
export function variedReportAt(atMs: number, queues: number): TickReport {
  const readyJobs = (seed: number) => Math.floor((atMs / 1000) * (seed + 7)) % 997;
  return reportAt(atMs, {
    observation: observation({
      queues: Array.from({ length: queues }, (_, place) =>
        reading({
          queue: `queue-${place}`,
          readyJobs: readyJobs(place),
          oldestWaitSeconds: readyJobs(place + 1) / 7,
        }),
      ),
    }),
  });
}

export const acting = { isDryRun: false, intervalMs: minuteMs };
export const everything = { sinceMs: 0, untilMs: 8.64e15, entriesMax: 100_000 };

/** A store on a connection of its own, as a daemon or a command has it. */
export function historyOn(url: string) {
  const connection = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
  return {
    ...createHistoryStore(connection),
    close: () => {
      connection.close();
    },
  };
}
