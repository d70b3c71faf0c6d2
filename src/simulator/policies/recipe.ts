import type { PolicyKind, PolicySettings, SimulatedPolicy } from '../policy.ts';

type Tuning = {
  /** Null for that of the settings. */
  readonly minWorkers: number | null;
  readonly eventsPerWorker: number;
  readonly pollSeconds: number;
};

/** The script most teams begin with. It insists on its own numbers, as whoever copied it does. */
export function recipeWith(name: string, source: string, tuning: Tuning): PolicyKind {
  const { eventsPerWorker, pollSeconds } = tuning;
  const create = ({ minWorkers, maxWorkers }: PolicySettings): SimulatedPolicy => ({
    pollSeconds,
    minWorkers: Math.min(tuning.minWorkers ?? minWorkers, maxWorkers),
    look({ observation }) {
      const backlog = observation.queues.reduce((sum, { readyJobs }) => sum + readyJobs, 0);
      const workers = Math.floor(backlog / eventsPerWorker);
      return { workers, marked: [], lookAgainAfterSeconds: null };
    },
  });
  return { name, source, create };
}

export const recipe = recipeWith(
  'recipe',
  'The 40-line script: int(backlog ÷ 100), from 3 workers to the maximum, every 10 minutes, whatever runs.',
  { minWorkers: 3, eventsPerWorker: 100, pollSeconds: 600 },
);
