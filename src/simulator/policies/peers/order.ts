import type { Order } from '../../policy.ts';

/** None of the peers can tell a dyno to take no more jobs: what the platform removes is interrupted. */
export function orderOf(workers: number): Order {
  return { workers, marked: [], lookAgainAfterSeconds: null };
}

/** What each queue asks for by itself: every worker serves all queues, each with slots of its own. */
export function mostOf<T>(items: readonly T[], workers: (item: T) => number): number {
  return Math.max(0, ...items.map(workers));
}
