import type { PolicyKind } from '../../policy.ts';
import { createFlows } from './flow.ts';
import { mostOf, orderOf } from './order.ts';
import { createWindow } from './window.ts';

const policySeconds = 10;
const rateSeconds = 60;
const serviceWindowSeconds = 300;

type Tuning = {
  /** The time in which a backlog shall be gone, as a share of the target wait. */
  readonly drain: number;
  readonly holdSeconds: number;
};

/**
 * DS2 (Kalavri et al., "Three steps is all you need", OSDI 2018): the target rate divided by the true processing rate,
 * which is the one of a worker that never waits, in one step. The paper has no backlog; so that there is a reason to
 * drain one, it is added to the target rate so that it is gone within a share of the target wait.
 */
export function ds2Like(name: string, source: string, tuning: Tuning): PolicyKind {
  return {
    name,
    source,
    create: ({ minWorkers, concurrency, meanServiceSeconds, targetWaitSeconds }) => {
      const flowOf = createFlows(rateSeconds, serviceWindowSeconds, meanServiceSeconds);
      const held = createWindow(tuning.holdSeconds);
      return {
        pollSeconds: policySeconds,
        minWorkers,
        look({ observation: { observedAtMs, queues } }) {
          const workers = mostOf(queues, (queue) => {
            const { jobsPerSecond, serviceSeconds } = flowOf(observedAtMs, queue);
            const targetRate = jobsPerSecond + queue.readyJobs / (tuning.drain * targetWaitSeconds);
            return Math.ceil((targetRate * serviceSeconds) / concurrency);
          });
          held.add(observedAtMs, workers);
          return orderOf(held.most());
        },
      };
    },
  };
}

export const ds2 = ds2Like(
  'ds2-like',
  'DS2 (OSDI 2018) in one step, with the backlog to be gone within a quarter of the target wait: (arrivals + backlog ÷ (T ÷ 4)) × service time.',
  { drain: 1 / 4, holdSeconds: 0 },
);

export const ds2Held = ds2Like(
  'ds2-hold-like',
  'The same, down only to the highest result of the last 60 s.',
  { drain: 1 / 4, holdSeconds: 60 },
);
