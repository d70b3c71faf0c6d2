import { alternatives, dollarsOf } from '../cost/usage.ts';
import { budgetLimits, type Budget } from '../decision/types.ts';
import type { TickRecord } from '../tick-record.ts';
import type { Metrics } from './metric-families.ts';

/** Of dollars there is no series before a price is known. */
export function initialiseCost(metrics: Metrics, pool: string, budgetDollars: number | null): void {
  if (budgetDollars !== null) metrics.autoscaler_cost_budget_dollars.set({ pool }, budgetDollars);
  metrics.autoscaler_worker_seconds_total.inc({ pool }, 0);
  metrics.autoscaler_uncounted_seconds_total.inc({ pool }, 0);
  for (const alternative of alternatives)
    metrics.autoscaler_alternative_worker_seconds_total.inc({ pool, alternative }, 0);
}

/** What the time since the tick before was spent on, what the month has cost, and what the budgets are enough for. */
export function recordCost(metrics: Metrics, { pool, cost, observation }: TickRecord): void {
  recordBudgets(metrics, pool, observation?.budgets ?? []);
  metrics.autoscaler_cost_dollars_per_hour.remove({ pool });
  metrics.autoscaler_cost_month_dollars.remove({ pool });
  if (cost === null) return;
  const { counted, month, dollarsPerHour } = cost;
  metrics.autoscaler_worker_seconds_total.inc({ pool }, counted.used.workerSeconds);
  metrics.autoscaler_uncounted_seconds_total.inc({ pool }, counted.unknownSeconds);
  for (const alternative of alternatives) {
    const { workerSeconds } = counted[alternative];
    metrics.autoscaler_alternative_worker_seconds_total.inc({ pool, alternative }, workerSeconds);
    const dollars = dollarsOf(counted, alternative);
    if (dollars !== null)
      metrics.autoscaler_alternative_cost_dollars_total.inc({ pool, alternative }, dollars);
  }
  const dollars = dollarsOf(counted, 'used');
  if (dollars !== null) metrics.autoscaler_cost_dollars_total.inc({ pool }, dollars);
  const monthDollars = dollarsOf(month, 'used');
  if (monthDollars !== null) metrics.autoscaler_cost_month_dollars.set({ pool }, monthDollars);
  if (dollarsPerHour !== null)
    metrics.autoscaler_cost_dollars_per_hour.set({ pool }, dollarsPerHour);
}

/** A tick that saw nothing did not ask for them either. */
function recordBudgets(metrics: Metrics, pool: string, budgets: readonly Budget[]): void {
  for (const budget of budgetLimits) metrics.autoscaler_budget_workers.remove({ pool, budget });
  for (const { limit: budget, workers } of budgets)
    if (workers !== null) metrics.autoscaler_budget_workers.set({ pool, budget }, workers);
}
