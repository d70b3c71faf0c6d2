import type { PolicyKind, PolicySettings, SimulatedPolicy } from '../../policy.ts';
import { mostOf, orderOf } from './order.ts';
import { createWindow } from './window.ts';

const tickSeconds = 2;
/** The panic window is a tenth of the stable one. */
const panicShare = 0.1;
const panicThreshold = 2;
const upRateMax = 1_000;
const downRateMax = 2;

type Tuning = { readonly stableSeconds: number; readonly targetUtilization: number };

/**
 * Knative's pod autoscaler (knative.dev/docs/serving/autoscaling/kpa-specific, and the algorithm in
 * knative/serving, pkg/autoscaler/scaling): mean concurrency, waiting requests among it, for pods that are so full. Mean of
 * the stable window, or while that asks for twice the ready pods of a tenth of it, and then never fewer than before.
 */
export function knativeLike(name: string, source: string, tuning: Tuning): PolicyKind {
  const { stableSeconds, targetUtilization } = tuning;
  const create = ({ minWorkers, concurrency }: PolicySettings): SimulatedPolicy => {
    const stable = createWindow(stableSeconds);
    const panic = createWindow(panicShare * stableSeconds);
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
  };
  return { name, source, create };
}

export const knativeDefault = knativeLike(
  'knative-like',
  'Knative KPA with its defaults: mean of jobs waiting and running ÷ (0.7 × concurrency) over 60 s, or over 6 s in panic (200 %).',
  { stableSeconds: 60, targetUtilization: 0.7 },
);
