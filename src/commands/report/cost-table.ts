import type { UsageReport } from '../../telemetry/cost-report.ts';
import { hours, money } from '../../telemetry/cost-words.ts';

/** What `report` tells of a pool. */
export type PoolCosts = UsageReport & {
  readonly pool: string;
  /** Null in a dry run without an app. */
  readonly app: string | null;
  readonly processType: string;
  readonly isDryRun: boolean;
  /** The first day, of UTC. */
  readonly since: string;
  /** The days of which something was counted, oldest first. */
  readonly days: readonly ({ readonly day: string } & UsageReport)[];
};

/** The costs of each pool as a person reads them in a terminal. */
export function costTable(pools: readonly PoolCosts[]): string {
  if (pools.length === 0)
    return 'Nothing was counted yet. Counting begins with the first tick of a daemon that acts for a pool.\n';
  return pools.map(paragraph).join('\n');
}

function paragraph(costs: PoolCosts): string {
  const { pool, app, processType, isDryRun, since, alternatives } = costs;
  const where = app === null ? '' : ` (${processType} of ${app})`;
  const head = `${pool}${where}${isDryRun ? ', seen by a dry run' : ''}, since ${since}:`;
  const rows = [
    ['', 'worker-hours', 'dollars', ''],
    ['used', ...figures(costs), ''],
    ['at the maximum all along', ...figures(alternatives.max), share(costs, alternatives.max)],
    ['with the bare ratio', ...figures(alternatives.ratio), share(costs, alternatives.ratio)],
  ];
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((text, at) =>
        at === 1 || at === 2 ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  );
  return [head, ...lines.map((line) => `  ${line}`), ...gaps(costs), ''].join('\n');
}

function figures({ workerHours, dollars }: Pick<UsageReport, 'workerHours' | 'dollars'>): string[] {
  return [hours(workerHours), dollars === null ? '?' : money(dollars)];
}

/** How much of an alternative was used. */
function share({ workerHours }: PoolCosts, other: { readonly workerHours: number }): string {
  if (other.workerHours === 0) return '';
  return `used was ${String(Math.round((workerHours / other.workerHours) * 100))}% of it`;
}

function gaps({ uncountedHours, unpricedHours }: PoolCosts): readonly string[] {
  return [
    ...(uncountedHours >= 0.05
      ? [
          `  The number of workers was not known for ${hours(uncountedHours)} h, which are in no figure.`,
        ]
      : []),
    ...(unpricedHours >= 0.05
      ? [
          `  The price of a worker was not known for ${hours(unpricedHours)} h, which are in no dollars.`,
        ]
      : []),
  ];
}
