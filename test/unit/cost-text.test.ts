import { expect, test } from 'vitest';
import { costLines } from '../../src/commands/cost-text.ts';
import { tickReport } from '../../src/telemetry/report.ts';
import { bounds, tick, ticksOfAllKinds, withinBudget } from '../support/tick-records.ts';

test('budgets that limit nothing are told with why, and costs beside what they would have been', () => {
  expect(costLines(tickReport(withinBudget(), bounds))).toEqual([
    '  (connection-budget: ?, Redis does not say it)',
    '  (worker-budget: 12, all pools together may have 40)',
    '  cost: $4.17 today, $1.04 an hour now; $31.25 this month (at the maximum $104.17, with the bare ratio $20.83)',
  ]);
});

test('costs are told in hours without a price, and not before anything was counted', () => {
  const unpriced = ticksOfAllKinds().at(-1) ?? tick();
  expect(costLines(tickReport(unpriced, bounds))).toEqual([
    '  cost: 12.00 worker-hours today; 90.00 worker-hours this month (at the maximum 300.00 worker-hours, with the bare ratio 60.00 worker-hours)',
  ]);
  const { cost } = withinBudget();
  const nothing = cost && { ...cost, today: cost.counted, month: cost.counted };
  expect(costLines(tickReport(tick({ cost: nothing }), bounds))).toEqual([]);
});
