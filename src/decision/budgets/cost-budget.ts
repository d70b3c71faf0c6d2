import type { Budget } from '../types.ts';
import { counted } from '../words.ts';

/** What was saved may be spent within so many hours; as much of the month’s money is there in advance. */
const spreadHours = 6;
const hourMs = 3_600_000;

/**
 * The money of a month of UTC comes in evenly, six hours in advance. What has come in and was not spent pays for as many
 * workers as it lasts for six hours (until the end of the month in its last six): a pool that has used less than its
 * part may burst, one that has used more waits, and the month never costs more, whatever the demand.
 */
export function costBudget({
  dollarsPerMonth,
  spentDollars,
  workerDollarsPerHour,
  nowMs,
}: {
  readonly dollarsPerMonth: number;
  /** Since the first of the month; null when that is not known. */
  readonly spentDollars: number | null;
  readonly workerDollarsPerHour: number | null;
  readonly nowMs: number;
}): Budget {
  const limit = 'cost-budget';
  if (workerDollarsPerHour === null || spentDollars === null) {
    const what =
      workerDollarsPerHour === null ? 'what a worker costs' : 'what this month has cost so far';
    return { limit, workers: null, why: `${what} is not known: COST_BUDGET limits nothing` };
  }
  const { beginMs, endMs } = monthOf(nowMs);
  const share = (nowMs + spreadHours * hourMs - beginMs) / (endMs - beginMs);
  const left = Math.max(0, dollarsPerMonth * Math.min(1, share) - spentDollars);
  const hours = Math.min(spreadHours, Math.max(endMs - nowMs, 1) / hourMs);
  // Money that is just enough for a worker must not fail to be by a rounding of fractions.
  const workers = Math.floor(left / (workerDollarsPerHour * hours) + 1e-9);
  const spent = `${money(spentDollars)} of ${money(dollarsPerMonth)} are spent this month (COST_BUDGET)`;
  const pays = `what has come in pays ${counted(workers, 'worker')} for the next ${spoken(hours)}`;
  return { limit, workers, why: `${spent}: ${pays}` };
}

function monthOf(nowMs: number): { readonly beginMs: number; readonly endMs: number } {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { beginMs: Date.UTC(year, month, 1), endMs: Date.UTC(year, month + 1, 1) };
}

function money(dollars: number): string {
  return `$${dollars.toFixed(Number.isInteger(dollars) ? 0 : 2)}`;
}

function spoken(hours: number): string {
  return hours >= 1 ? `${String(Math.round(hours))}h` : `${String(Math.ceil(hours * 60))}m`;
}
