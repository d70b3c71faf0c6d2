import type { UsageReport } from './cost-report.ts';

const exact = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' });
const twoDigits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
const grouped = new Intl.NumberFormat('en', twoDigits);

/** Dollars as people write them; what is more than nothing does not look like nothing. */
export function money(dollars: number): string {
  return dollars > 0 && dollars < 0.005 ? 'under $0.01' : exact.format(dollars);
}

export function hours(value: number): string {
  return grouped.format(value);
}

/** Whether any time was counted: before the first there is nothing to tell. */
export function isCounted({ workerHours, alternatives }: UsageReport): boolean {
  return Math.max(workerHours, alternatives.max.workerHours) > 0;
}

/** What workers cost, or where their price is not known how long they were there. */
export function costWords({
  workerHours,
  dollars,
}: {
  readonly workerHours: number;
  readonly dollars: number | null;
}): string {
  return dollars === null ? `${hours(workerHours)} worker-hours` : money(dollars);
}
