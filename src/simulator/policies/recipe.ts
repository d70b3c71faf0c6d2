import type { PolicyKind } from '../policy.ts';

const minWorkers = 3;
const eventsPerWorker = 100;
const pollSeconds = 600;

/** The script most teams begin with. It insists on its own numbers, as whoever copied it does. */
export const recipe: PolicyKind = {
  name: 'recipe',
  source:
    'The 40-line script: int(backlog ÷ 100), from 3 workers to the maximum, every 10 minutes, whatever runs.',
  create: ({ maxWorkers }) => ({
    pollSeconds,
    minWorkers: Math.min(minWorkers, maxWorkers),
    look({ observation }) {
      const backlog = observation.queues.reduce((sum, { readyJobs }) => sum + readyJobs, 0);
      const workers = Math.floor(backlog / eventsPerWorker);
      return { workers, marked: [], lookAgainAfterSeconds: null };
    },
  }),
};
