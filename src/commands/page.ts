import { statusPage, type PageView } from '../telemetry/page/status-page.ts';
import type { TickReport } from '../telemetry/report.ts';
import type { ReadPast } from './past.ts';

/** The status page of what is known: the last tick of every pool, and those before. */
export async function renderPage(
  known: Omit<PageView, 'pools'> & {
    readonly reports: readonly TickReport[];
    readonly intervalMsOf: (pool: string) => number;
    readonly readPast: ReadPast;
  },
): Promise<string> {
  const { reports, intervalMsOf, readPast, ...rest } = known;
  const pools = await Promise.all(
    reports.map(async (report) => ({
      report,
      health: rest.health.pools.find(({ pool }) => pool === report.pool),
      intervalMs: intervalMsOf(report.pool),
      span: rest.span,
      past: await readPast(report, rest.span),
    })),
  );
  return statusPage({ pools, ...rest });
}
