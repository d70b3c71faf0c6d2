import { randomUUID } from 'node:crypto';
import { invalidParams } from './api-error.ts';

export type DynoSize = {
  readonly id: string;
  readonly name: string;
  /** Sizes of different tiers cannot run in one app. */
  readonly tier: 'eco' | 'basic' | 'production';
  readonly memoryGb: number;
  /** Least share of processor time, in the unit of the API's `compute`. */
  readonly compute: number;
  readonly dedicated: boolean;
  readonly centsPerMonth: number;
  readonly dynoUnits: number;
  /** Most dynos that one process type may have, unless only the app's total limits it. */
  readonly maxPerType: number | null;
  /** Most dynos of this size that an app may run, where that is less than for other sizes. */
  readonly maxPerApp: number | null;
  /** Most one-off dynos of this size at a time. */
  readonly maxOneOffs: number;
};

/** Most dynos of all process types together, one-off dynos not counted. */
export const maxDynosPerApp = 100;

const eco = { tier: 'eco', dedicated: false, maxPerType: 1, maxPerApp: 2, maxOneOffs: 1 } as const;
const basic = { ...eco, tier: 'basic', maxPerApp: null, maxOneOffs: 50 } as const;
const standard = { ...basic, tier: 'production', maxPerType: null } as const;
const performance = { ...standard, dedicated: true, maxPerType: 10, maxOneOffs: 5 } as const;

/**
 * The usual sizes of the Common Runtime, with the prices and default limits of December 2024.
 * @see https://devcenter.heroku.com/articles/dyno-scaling-and-process-limits
 */
export const dynoSizes: readonly DynoSize[] = [
  // Name, family, memory in GB, compute, cents a month, dyno units.
  row('Eco', eco, 0.5, 1, 0, 0),
  row('Basic', basic, 0.5, 1, 700, 0.28),
  row('Standard-1X', standard, 0.5, 1, 2_500, 1),
  row('Standard-2X', standard, 1, 2, 5_000, 2),
  row('Performance-M', performance, 2.5, 11, 25_000, 8),
  row('Performance-L', performance, 14, 46, 50_000, 16),
];

function row(
  name: string,
  family: Pick<DynoSize, 'tier' | 'dedicated' | 'maxPerType' | 'maxPerApp' | 'maxOneOffs'>,
  memoryGb: number,
  compute: number,
  centsPerMonth: number,
  dynoUnits: number,
): DynoSize {
  return { id: randomUUID(), name, ...family, memoryGb, compute, centsPerMonth, dynoUnits };
}

export const defaultSize = sizeOf('Standard-1X');

/**
 * The size with this name, in any case as Heroku's own client sends it in lower case, or with this id.
 * @throws {ApiError} 422 when there is none
 */
export function sizeOf(identity: string): DynoSize {
  const wanted = identity.toLowerCase();
  const size = dynoSizes.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
  if (size === undefined) {
    const names = dynoSizes.map(({ name }) => name).join(', ');
    throw invalidParams(`No such size as ${identity}. Available dyno sizes are ${names}.`);
  }
  return size;
}
