import type { Decision } from '../../src/decision/types.ts';
import type { PoolView } from '../../src/telemetry/page/pool-view.ts';
import { spanOf, type Span } from '../../src/telemetry/page/span.ts';
import type { PageView } from '../../src/telemetry/page/status-page.ts';
import { healthOf } from '../../src/telemetry/health.ts';
import { tickReport, type TickReport } from '../../src/telemetry/report.ts';
import { bounds, hold, observation, reading, tick, ticksOfAllKinds } from './tick-records.ts';

export const pageMs = Date.UTC(2026, 0, 5, 12, 0, 4);
const minuteMs = 60_000;

/** The charts of a page whose address asks for so many hours, or for nothing. */
export function spanOfHours(hours?: number): Span {
  return spanOf(new URLSearchParams(hours === undefined ? {} : { hours: String(hours) }));
}

/** A tick at which so many workers had so much to do, and so many were wanted. */
function report(atMs: number, jobs: number, current: number, desired: number): TickReport {
  const action = desired > current ? 'scale-up' : desired < current ? 'scale-down' : 'hold';
  const decision: Decision = {
    ...{ ...hold, action, currentWorkers: current, desiredWorkers: desired },
    steps: [
      {
        step: 'recommend',
        workers: desired,
        why: `${String(jobs)} ready jobs → ${String(desired)}`,
      },
    ],
  };
  const seen = observation({
    queues: [reading({ readyJobs: jobs, activeJobs: current, oldestWaitSeconds: jobs / 10 })],
    currentWorkers: current,
  });
  const record = tick({
    ...{ startedAtMs: atMs, observation: seen, decision },
    outcome: action === 'hold' ? 'held' : 'scaled',
    policy: null,
  });
  return tickReport(record, { ...bounds, leading: 'learned', targetWaitSeconds: 60 });
}

/** Hours with a morning and a pause, in which the workers follow the jobs. */
export function pastTicks(minutes = 300): readonly TickReport[] {
  let current = 1;
  return Array.from({ length: minutes }, (_, minute) => {
    const jobs = Math.round(450 * Math.max(0, Math.sin(minute / 40)));
    const desired = Math.max(1, Math.ceil(jobs / 50));
    const told = report(pageMs - (minutes - minute) * minuteMs, jobs, current, desired);
    current = desired;
    return told;
  });
}

export function poolView(changes: Partial<PoolView> = {}): PoolView {
  const told = changes.report ?? tickReport(tick(), bounds);
  const goodMs = told.error === undefined ? pageMs - 4_000 : null;
  const { pools } = healthOf(
    [{ pool: told.pool, intervalMs: minuteMs, lastGoodTickAtMs: goodMs }],
    pageMs,
  );
  return {
    ...{ report: told, health: pools[0], intervalMs: minuteMs },
    ...{ span: spanOfHours(), past: { ticks: [] } },
    ...changes,
  };
}

export function pageView(pools: readonly PoolView[], changes: Partial<PageView> = {}): PageView {
  const health = healthOf(
    pools.map(({ report: { pool }, health: known }) => ({
      pool,
      intervalMs: minuteMs,
      lastGoodTickAtMs: known?.isHealthy === true ? pageMs - 4_000 : null,
    })),
    pageMs,
  );
  return {
    ...{ pools, health, span: spanOfHours(), isGuarded: false, outdated: null, nowMs: pageMs },
    ...changes,
  };
}

/** A page with a pool for every kind of tick, one of which has a past and one whose past cannot be read. */
export function pageOfAllKinds(): PageView {
  const views = ticksOfAllKinds().map((record, index) => {
    const pool = `pool-${String(index)}`;
    const past =
      index === 0
        ? { ticks: pastTicks() }
        : index === 1
          ? { why: 'Redis at 127.0.0.1:1: ECONNREFUSED' }
          : { ticks: [] };
    return poolView({ report: tickReport({ ...record, pool }, bounds), past });
  });
  return pageView(views, { isGuarded: true });
}
