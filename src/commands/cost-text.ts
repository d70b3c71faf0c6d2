import type { UsageReport } from '../telemetry/cost-report.ts';
import { costWords, isCounted, money } from '../telemetry/cost-words.ts';
import type { TickReport } from '../telemetry/report.ts';
import { shown } from './report-text.ts';

/** For how many workers each budget is enough where no step says it, and what the workers have cost; a line each. */
export function costLines({ steps, budgets, cost }: TickReport): string[] {
  const unsaid = budgets.filter(({ limit }) => !steps.some(({ step }) => step === limit));
  const lines = unsaid.map(({ limit, workers, why }) => `  (${limit}: ${shown(workers)}, ${why})`);
  if (cost === null || !isCounted(cost.month)) return lines;
  const { dollarsPerHour, today, month } = cost;
  const now = dollarsPerHour === null ? '' : `, ${money(dollarsPerHour)} an hour now`;
  return [
    ...lines,
    `  cost: ${costWords(today)} today${now}; ${costWords(month)} this month${otherwise(month)}`,
  ];
}

function otherwise({ alternatives: { max, ratio } }: UsageReport): string {
  return ` (at the maximum ${costWords(max)}, with the bare ratio ${costWords(ratio)})`;
}
