import type { PolicyKind } from '../policy.ts';

/** No scaling: `fixed` runs the maximum, `fixed-5` five. */
export function fixed(workers: number | null): PolicyKind {
  return {
    name: workers === null ? 'fixed' : `fixed-${String(workers)}`,
    source: 'The same number of workers at any time, which is what most queues have.',
    create({ maxWorkers, pollSeconds }) {
      const always = Math.min(workers ?? maxWorkers, maxWorkers);
      return {
        pollSeconds,
        minWorkers: always,
        look: () => ({ workers: always, marked: [], lookAgainAfterSeconds: null }),
      };
    },
  };
}
