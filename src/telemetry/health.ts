import type { TickRecord } from '../tick-record.ts';
import { iso } from './iso.ts';

export type Health = {
  readonly isHealthy: boolean;
  readonly pools: readonly {
    readonly pool: string;
    readonly isHealthy: boolean;
    /** In ISO 8601; null before the first good tick. */
    readonly lastGoodTickAt: string | null;
    readonly ageSeconds: number | null;
  }[];
};

/** When a good tick ended, in Unix milliseconds; null for a tick with an error. */
export function goodTickAtMs({ startedAtMs, durationSeconds, error }: TickRecord): number | null {
  return error === null ? startedAtMs + durationSeconds * 1000 : null;
}

/** One late tick is nobody's emergency; and at short intervals a second or two is noise. */
const healthyIntervals = 3;
const healthyAgeMsMin = 3_000;

/** Healthy while every pool's last good tick is younger than three intervals (at least 3 s). Without pools: not healthy. */
export function healthOf(
  pools: readonly {
    readonly pool: string;
    readonly intervalMs: number;
    readonly lastGoodTickAtMs: number | null;
  }[],
  nowMs: number,
): Health {
  const reports = pools.map(({ pool, intervalMs, lastGoodTickAtMs }) => {
    const sinceMs = lastGoodTickAtMs === null ? null : nowMs - lastGoodTickAtMs;
    return {
      pool,
      isHealthy:
        // Clocks of two machines differ by a little; after one was set back, nobody knows how long ago it was.
        sinceMs !== null &&
        Math.abs(sinceMs) < Math.max(healthyIntervals * intervalMs, healthyAgeMsMin),
      lastGoodTickAt: iso(lastGoodTickAtMs),
      ageSeconds: sinceMs === null ? null : Math.max(0, sinceMs) / 1000,
    };
  });
  return {
    isHealthy: reports.length > 0 && reports.every(({ isHealthy }) => isHealthy),
    pools: reports,
  };
}
