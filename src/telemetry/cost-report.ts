import type { CostReading } from '../cost/ledger.ts';
import { alternatives, dollarsOf, type Alternative, type Usage } from '../cost/usage.ts';

/** What some time was spent on, as people are told of it: hours and dollars. */
export type UsageReport = {
  readonly workerHours: number;
  /** Null when the price of a worker was never known. */
  readonly dollars: number | null;
  /** The same time with the most workers allowed all along, and with what the bare ratio asked for. */
  readonly alternatives: {
    readonly [Name in Alternative]: {
      readonly workerHours: number;
      readonly dollars: number | null;
    };
  };
  /** Time in which the number of workers was not known: it is in no sum. */
  readonly uncountedHours: number;
  /** Of the time that was counted, the part whose price was not known: it is in no dollars. */
  readonly unpricedHours: number;
};

/** What the workers of a pool cost, in dollars at list price. */
export type CostReport = {
  /** Null when the number of workers or their price is not known. */
  readonly dollarsPerHour: number | null;
  /** Since midnight, and since the first of the month, of UTC. */
  readonly today: UsageReport;
  readonly month: UsageReport;
};

export function costReport({ dollarsPerHour, today, month }: CostReading): CostReport {
  return {
    dollarsPerHour: figure(dollarsPerHour),
    today: usageReport(today),
    month: usageReport(month),
  };
}

export function usageReport(usage: Usage): UsageReport {
  const amount = (of: 'used' | Alternative) => ({
    workerHours: hours(usage[of].workerSeconds),
    dollars: figure(dollarsOf(usage, of)),
  });
  const others = Object.fromEntries(alternatives.map((of) => [of, amount(of)] as const));
  return {
    ...amount('used'),
    alternatives: others as UsageReport['alternatives'],
    uncountedHours: hours(usage.unknownSeconds),
    unpricedHours: hours(usage.unpricedSeconds),
  };
}

function hours(seconds: number): number {
  return rounded(seconds / 3600);
}

function figure(dollars: number | null): number | null {
  return dollars === null ? null : rounded(dollars);
}

/** A hundredth of a cent: what a worker costs in a second or two. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
