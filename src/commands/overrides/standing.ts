import {
  originOf,
  overridesInForce,
  pauseOf,
  type Overrides,
  type Setting,
} from '../../decision/overrides.ts';
import { timeOfDay } from '../../decision/words.ts';
import { shortest } from '../../config/kinds.ts';
import {
  overrideReports,
  pauseReport,
  type OverrideReport,
  type PauseReport,
} from '../../telemetry/override-report.ts';
import type { KnownPool } from './known-pools.ts';

/** What `--json` tells of a pool. */
export type Standing = {
  readonly pool: string;
  readonly pause: PauseReport | null;
  readonly overrides: readonly OverrideReport[];
  /** The bounds in force; null when neither the environment nor a daemon has told those that are configured. */
  readonly minWorkers: number | null;
  readonly maxWorkers: number | null;
};

/** How a pool stands with what operators changed about it. */
export function standingOf(pool: KnownPool, stored: Overrides, nowMs: number): Standing {
  const overrides = overridesInForce(stored, nowMs);
  const bound = (setting: 'minWorkers' | 'maxWorkers') =>
    valueOf(overrides, setting) ?? pool.configured?.[setting] ?? null;
  return {
    pool: pool.name,
    pause: pauseReport(pauseOf(overrides, nowMs)),
    overrides: overrideReports(overrides.settings),
    minWorkers: bound('minWorkers'),
    maxWorkers: bound('maxWorkers'),
  };
}

function valueOf({ settings }: Overrides, setting: Setting): number | null {
  return settings.find((override) => override.setting === setting)?.value ?? null;
}

/** Why these bounds cannot be; null when they can, or nobody can tell. */
export function contradiction(pool: KnownPool, stored: Overrides, nowMs: number): string | null {
  const { minWorkers, maxWorkers, overrides } = standingOf(pool, stored, nowMs);
  if (minWorkers === null || maxWorkers === null || minWorkers <= maxWorkers) return null;
  const told = (setting: 'minWorkers' | 'maxWorkers', value: number) => {
    const isSet = overrides.some((override) => override.setting === setting);
    return `${isSet ? '' : 'the configured '}${setting}=${String(value)}`;
  };
  return `${told('minWorkers', minWorkers)} is above ${told('maxWorkers', maxWorkers)}`;
}

/** `backlog-autoscaler overrides` for people. */
export function readable({ pool, pause, overrides, ...bounds }: Standing, nowMs: number): string {
  const rows = [
    ...(pause === null ? [] : [[pause.why]]),
    ...overrides.map((override) => [
      `${override.setting}=${String(override.value)}`,
      originOfReport(override, nowMs),
    ]),
  ];
  const width = Math.max(...rows.map(([first = '', second]) => (second ? first.length : 0)));
  const lines = rows.map(
    (row) => `  ${row[0]?.padEnd(row.length > 1 ? width + 2 : 0) ?? ''}${row[1] ?? ''}`,
  );
  const head = `${pool}: ${rows.length === 0 ? 'nothing is set' : pause === null ? 'changed by hand' : 'paused'}${between(bounds)}`;
  return [head, ...lines, ''].join('\n');
}

export function originOfReport({ by, until }: OverrideReport, nowMs: number): string {
  return originOf({ by, untilMs: Date.parse(until) }, nowMs);
}

/** ` (5 to 20 workers)`, or nothing where that is not known. */
export function between({
  minWorkers,
  maxWorkers,
}: Pick<Standing, 'minWorkers' | 'maxWorkers'>): string {
  if (minWorkers === null || maxWorkers === null) return '';
  return ` (${String(minWorkers)} to ${String(maxWorkers)} workers)`;
}

/** When the daemon will obey, or what speaks against its doing so. */
export function whenObeyed({ name, last }: KnownPool, nowMs: number): string {
  if (last === null)
    return `No daemon has published a pool "${name}" in this Redis yet: it is obeyed when one starts.`;
  const ageMs = nowMs - last.publishedAtMs;
  if (ageMs > 3 * Math.max(last.intervalMs, 1_000))
    return `The daemon was last heard of at ${timeOfDay(last.publishedAtMs, ageMs > 86_400_000)}: is it running? It is obeyed when it is back.`;
  return `The daemon obeys at its next tick, within ${shortest(last.intervalMs)}.`;
}
