import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/state/history-entry.ts';
import type { QueueReport } from '../../src/telemetry/queue-report.ts';
import { tickReport, type TickReport } from '../../src/telemetry/report.ts';
import { noonMs, reportAt, variedReportAt } from '../support/history.ts';
import { bounds, observation, refused, withinBudget } from '../support/tick-records.ts';

describe('an entry of the history', () => {
  test('of version 1 can be read as long as there is such a version', () => {
    const report = reportAt(noonMs, { outcome: 'failed', error: refused() });
    const written =
      'rdVbCsIwEIXhrZwNKE0movjqiwtwA9FMMcQmkqZk+0WhFlu13lYwD/Nx/lcwhJjJ1U7In2DQYxg0hkF/hEHd36Qq3rRBn9pQ3Q2NrG1C4w1HSFTWI2nHNdSUmtueDIszHva+N1uOwTWIXF4+v4YqCGWIe2sM+z4+m8g6MTRScOyRbTqiPoQzI0eb+BqVKa6Vtqd7skKqgVoasZUDtsuv2CoxXzxl2wI=';
    // It was written before anybody could change bounds by hand, so it does not tell which were configured.
    const configured = { minWorkers: 0, maxWorkers: 10_000 };
    expect(decode(Buffer.from(written, 'base64'))).toEqual({ ...report, configured });
  });

  test('has no costs, which are kept by day', () => {
    const report = tickReport(withinBudget(), bounds);
    expect(decode(encode(report))).toEqual({ ...report, cost: null });
  });

  test('is a fraction of the report', () => {
    const report = reportAt(noonMs);
    expect(encode(report).length * 4).toBeLessThan(JSON.stringify(report).length);
  });

  test('of very many queues names the busiest and keeps the sums', () => {
    const report = variedReportAt(noonMs, 300);
    const entry = encode(report);
    expect(entry.length).toBeLessThanOrEqual(1_000);
    const kept = decode(entry)?.queues ?? [];
    expect(kept.length).toBeLessThan(30);
    expect(kept.at(-1)?.queue).toBe(`${300 - kept.length + 1} other queues`);
    const readyJobsOf = (queues: typeof kept) =>
      queues.reduce((sum, { readyJobs }) => sum + readyJobs, 0);
    expect(readyJobsOf(kept)).toBe(readyJobsOf(report.queues));
    const longest = Math.max(...report.queues.map((queue) => queue.oldestWaitSeconds ?? 0));
    expect(Math.max(...kept.map((queue) => queue.oldestWaitSeconds ?? 0))).toBe(longest);
    expect(kept[0]?.readyJobs).toBe(Math.max(...report.queues.map(({ readyJobs }) => readyJobs)));
  });

  test('tells all of what fits, and the same number of everything when it does not', () => {
    const words = (place: number) =>
      `word ${(place * 7919) % 100_003} ${(place * 104_729) % 9_973}`;
    const job = (place: number) => ({
      ...{ queue: words(place), jobId: words(place + 1), startedAt: null },
    });
    const longReport = (count: number): TickReport => ({
      ...reportAt(noonMs),
      blocked: Array.from({ length: count }, (_, place) => ({
        ...{ dyno: `worker.${place}`, verdict: 'busy' as const, since: null },
        jobs: Array.from({ length: count }, (_, index) => job(100 * place + index)),
      })),
      stuck: Array.from({ length: count }, (_, place) => ({
        ...{ queue: words(place), kind: 'stalling' as const, jobIds: [] },
        ...{ why: words(place), since: new Date(noonMs).toISOString() },
      })),
      unreadableQueues: Array.from({ length: count }, (_, place) => ({
        ...{ queue: words(place), why: words(place + 1) },
      })),
    });
    const few = longReport(2);
    expect(decode(encode(few))).toEqual(few);
    const many = longReport(40);
    const kept = decode(encode(many)) ?? expect.unreachable();
    const length = kept.unreadableQueues.length;
    expect([2, 8]).toContain(length);
    expect(kept).toEqual({
      ...many,
      blocked: many.blocked
        .slice(0, length)
        .map((dyno) => ({ ...dyno, jobs: dyno.jobs.slice(0, length) })),
      stuck: many.stuck.slice(0, length),
      unreadableQueues: many.unreadableQueues.slice(0, length),
    });
  });

  test('of very many queues tells of the others what is true of all of them', () => {
    const queue = (place: number, known: Partial<QueueReport> = {}): QueueReport => ({
      ...{ queue: `a queue of its own ${(place * 7919) % 100_003}`, pausedJobs: 1 },
      ...{ readyJobs: 0, activeJobs: 0, orphanedJobs: 0, delayedJobs: 0 },
      ...{ isPaused: true, oldestWaitSeconds: null, ...known },
    });
    const busy = ['readyJobs', 'activeJobs', 'orphanedJobs', 'delayedJobs'] as const;
    const rest = (known: (place: number) => Partial<QueueReport>) => {
      const idle = Array.from({ length: 500 }, (_, place) => queue(place, known(place)));
      const loaded = busy.map((count, place) => queue(1000 + place, { [count]: 9 }));
      const report = { ...reportAt(noonMs), queues: [...idle, ...loaded] };
      const kept = decode(encode(report))?.queues ?? [];
      expect(kept.slice(0, 4)).toEqual(loaded);
      expect(kept.at(-1)?.pausedJobs).toBe(504 - kept.length + 1);
      return kept.at(-1);
    };
    expect(rest(() => ({}))).toMatchObject({ isPaused: true, oldestWaitSeconds: null });
    expect(rest((place) => ({ isPaused: place % 2 === 0 }))?.isPaused).toBe(false);
    const waits = rest((place) => ({ oldestWaitSeconds: place % 3 === 0 ? null : place }));
    expect(waits?.oldestWaitSeconds).toBe(499);
  });

  test('of very many queues that cannot be read names some', () => {
    const unreadableQueues = Array.from({ length: 500 }, (_, place) => ({
      queue: `queue-${(place * 7919) % 1000}`,
      why: `a reason of its own, number ${(place * 104729) % 9973}`,
    }));
    const entry = encode(reportAt(noonMs, { observation: observation({ unreadableQueues }) }));
    expect(entry.length).toBeLessThanOrEqual(1_000);
    expect(decode(entry)?.unreadableQueues[0]).toEqual(unreadableQueues[0]);
  });

  test.each([Buffer.alloc(0), Buffer.from('{}'), Buffer.alloc(100, 255)])(
    'that is damaged is none',
    (bytes) => {
      expect(decode(bytes)).toBeNull();
    },
  );
});
