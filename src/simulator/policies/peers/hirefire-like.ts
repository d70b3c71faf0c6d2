import type { PolicyKind } from '../../policy.ts';
import { orderOf } from './order.ts';

type Tuning = {
  readonly ratio: number;
  readonly checkupSeconds: number;
  readonly isDecrementable: boolean;
};

/**
 * HireFire's job queue manager (help.hirefire.io: "Manager checkup frequency", "Decrementable option"): jobs, running
 * ones among them, divided by a ratio that is the user's to choose. Unless it is made decrementable, it never removes a
 * dyno while there is a job, and then all down to the minimum.
 */
export function hirefireLike(name: string, source: string, tuning: Tuning): PolicyKind {
  const { ratio, checkupSeconds, isDecrementable } = tuning;
  return {
    name,
    source,
    create: ({ minWorkers }) => ({
      pollSeconds: checkupSeconds,
      minWorkers,
      look({ observation: { queues, currentWorkers } }) {
        const jobs = queues.reduce(
          (sum, { readyJobs, activeJobs }) => sum + readyJobs + activeJobs,
          0,
        );
        const wanted = Math.ceil(jobs / ratio);
        if (jobs === 0) return orderOf(minWorkers);
        return orderOf(isDecrementable ? wanted : Math.max(currentWorkers ?? 0, wanted));
      },
    }),
  };
}

export const hirefireDefault = hirefireLike(
  'hirefire-like',
  'HireFire by queue size with its defaults: ceil(jobs ÷ 100) every minute, down to the minimum only when no job is left.',
  { ratio: 100, checkupSeconds: 60, isDecrementable: false },
);

export const hirefireFast = hirefireLike(
  'hirefire-r25-like',
  'HireFire with four times the dynos and its shortest rhythm: ceil(jobs ÷ 25) every 15 seconds, down only when no job is left.',
  { ratio: 25, checkupSeconds: 15, isDecrementable: false },
);
