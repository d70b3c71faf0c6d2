import type { PolicyKind } from '../../policy.ts';
import { mostOf, orderOf } from './order.ts';
import { createWindow } from './window.ts';

const tickSeconds = 2;
const stableSeconds = 60;
const panicSeconds = 6;
const panicThreshold = 2;
const targetUtilization = 0.7;
const upRateMax = 1_000;
const downRateMax = 2;

/**
 * Knative's pod autoscaler with its defaults (knative.dev/docs/serving/autoscaling/kpa-specific, and the algorithm in
 * knative/serving, pkg/autoscaler/scaling): mean concurrency, waiting requests among it, for pods that are 70 % full. Mean
 * of a minute, or while that asks for twice the ready pods of six seconds, and then never fewer than before.
 */
export const knativeLike: PolicyKind = {
  name: 'knative-like',
  source:
    'Knative KPA with its defaults: mean of jobs waiting and running ÷ (0.7 × concurrency) over 60 s, or over 6 s in panic (200 %).',
  create: ({ minWorkers, concurrency }) => {
    const stable = createWindow(stableSeconds);
    const panic = createWindow(panicSeconds);
    let panickedAtMs: number | null = null;
    let panicPods = 0;
    return {
      pollSeconds: tickSeconds,
      minWorkers,
      look({ observation: { observedAtMs, queues, currentWorkers, workers } }) {
        const demand = mostOf(queues, ({ readyJobs, activeJobs }) => readyJobs + activeJobs);
        stable.add(observedAtMs, demand);
        panic.add(observedAtMs, demand);
        const ready = Math.max(1, workers.readyWorkers ?? currentWorkers ?? 0);
        const podsFor = (jobs: number) => Math.ceil(jobs / (targetUtilization * concurrency));
        const limited = (pods: number) =>
          Math.min(Math.max(pods, Math.floor(ready / downRateMax)), upRateMax * ready);
        const panicWanted = podsFor(panic.mean());
        const stableWanted = limited(podsFor(stable.mean()));
        if (panicWanted / ready >= panicThreshold) panickedAtMs = observedAtMs;
        else if (panickedAtMs !== null && observedAtMs - panickedAtMs > stableSeconds * 1000) {
          panickedAtMs = null;
          panicPods = 0;
        }
        if (panickedAtMs === null) return orderOf(stableWanted);
        panicPods = Math.max(panicPods, stableWanted, limited(panicWanted));
        return orderOf(panicPods);
      },
    };
  },
};
