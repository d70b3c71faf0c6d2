import { aboveAppLimit, aboveSizeLimit, invalidParams, notFound } from './api-error.ts';
import { maxDynosPerApp, sizeOf, type DynoSize } from './sizes.ts';

/** One row of the formation: how many dynos of which size run this command. A row stays when its quantity is 0. */
export type ProcessType = {
  readonly id: string;
  readonly type: string;
  readonly command: string;
  readonly quantity: number;
  readonly size: DynoSize;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

export type FormationUpdate = {
  /** Name or id. */
  readonly type: string;
  /** A count, the same as text, or a change such as "+2" and "-1". */
  readonly quantity?: number | string | undefined;
  /** Name or id. */
  readonly size?: string | undefined;
};

/**
 * The formation after all the updates together; the rows that no update names are the same objects.
 * @throws {ApiError} 404 or 422 when one of them is refused, and then none counts
 */
export function updateFormation(
  formation: readonly ProcessType[],
  updates: readonly FormationUpdate[],
  nowMs: number,
): readonly ProcessType[] {
  const updated = updates.reduce((rows, update) => {
    const named = findProcessType(rows, update.type);
    return rows.map((row) => (row === named ? updateRow(row, update, nowMs) : row));
  }, formation);
  checkMix(updated);
  checkLimits(updated);
  return updated;
}

/** @throws {ApiError} 404 */
export function findProcessType(formation: readonly ProcessType[], identity: string): ProcessType {
  const found = formation.find(({ id, type }) => id === identity || type === identity);
  if (found === undefined) throw notFound('formation');
  return found;
}

function updateRow(row: ProcessType, update: FormationUpdate, nowMs: number): ProcessType {
  return {
    ...row,
    quantity: update.quantity === undefined ? row.quantity : resolve(update.quantity, row.quantity),
    size: update.size === undefined ? row.size : sizeOf(update.size),
    updatedAtMs: nowMs,
  };
}

function resolve(requested: number | string, current: number): number {
  const isRelative = typeof requested === 'string' && /^[+-]/.test(requested);
  const quantity = Number(requested) + (isRelative ? current : 0);
  if (!Number.isInteger(quantity) || quantity < 0)
    throw invalidParams('Quantity must be a positive integer or zero.');
  return quantity;
}

function checkMix(formation: readonly ProcessType[]): void {
  const running = formation.filter(({ quantity }) => quantity > 0).map(({ size }) => size);
  if (new Set(running.map(({ tier }) => tier)).size <= 1) return;
  const names = [...new Set(running.map(({ name }) => name))].join(' and ');
  throw invalidParams(`Cannot use the following dyno types in the same app: ${names}`);
}

function checkLimits(formation: readonly ProcessType[]): void {
  for (const { quantity, size } of formation) {
    if (size.maxPerType !== null && quantity > size.maxPerType)
      throw aboveSizeLimit(size.name, size.maxPerType, quantity);
    const sameSize = total(formation.filter((row) => row.size === size));
    if (size.maxPerApp !== null && sameSize > size.maxPerApp)
      throw aboveSizeLimit(size.name, size.maxPerApp, sameSize);
  }
  const all = total(formation);
  if (all > maxDynosPerApp) throw aboveAppLimit(maxDynosPerApp, all);
}

function total(rows: readonly ProcessType[]): number {
  return rows.reduce((sum, { quantity }) => sum + quantity, 0);
}
