import type { Problem } from './problem.ts';

/** What cannot be right about the pools that share WORKER_BUDGET; null where a value is missing or was refused already. */
export function sharedBudgetProblems(
  {
    WORKER_BUDGET,
    STATE_REDIS_URL,
  }: Record<'WORKER_BUDGET', number | null> & Record<'STATE_REDIS_URL', string | null>,
  pools: readonly { readonly MIN_WORKERS: number | null; readonly REDIS_URL: string | null }[],
): readonly Problem[] {
  if (WORKER_BUDGET === null) return [];
  const value = String(WORKER_BUDGET);
  const least = pools.reduce((sum, { MIN_WORKERS }) => sum + (MIN_WORKERS ?? 0), 0);
  const places = new Set(pools.map(({ REDIS_URL }) => REDIS_URL));
  return [
    ...(least > WORKER_BUDGET
      ? [
          {
            ...{ variable: 'WORKER_BUDGET', value },
            message: `is below the sum of MIN_WORKERS of all pools, ${String(least)}: raise the one or lower the others`,
          },
        ]
      : []),
    ...(places.size > 1 && STATE_REDIS_URL === null
      ? [
          {
            ...{ variable: 'STATE_REDIS_URL', value: null },
            message:
              'is not set. Pools with different REDIS_URL can share WORKER_BUDGET only if their state is in one place; heroku config:set STATE_REDIS_URL=…',
          },
        ]
      : []),
  ];
}
