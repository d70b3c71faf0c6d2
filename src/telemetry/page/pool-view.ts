import type { Health } from '../health.ts';
import type { TickReport } from '../report.ts';
import type { Span } from './span.ts';

/** What the page knows of a pool. */
export type PoolView = {
  readonly report: TickReport;
  readonly health: Health['pools'][number] | undefined;
  readonly intervalMs: number;
  /** How far back the charts reach. */
  readonly span: Span;
  /** Earlier ticks, oldest first and without the one of the report; or why they cannot be read. */
  readonly past: { readonly ticks: readonly TickReport[] } | { readonly why: string };
};
