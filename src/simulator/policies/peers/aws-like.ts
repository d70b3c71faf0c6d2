import type { PolicyKind, PolicySettings, SimulatedPolicy } from '../../policy.ts';
import { mostOf, orderOf } from './order.ts';

const datapointSeconds = 60;
const inShare = 0.9;

type Tuning = {
  /** The acceptable latency, as a share of the target wait. */
  readonly latency: number;
  /** Datapoints above the target before the group grows, and below 90 % of it before it shrinks. */
  readonly outDatapoints: number;
  readonly inDatapoints: number;
};

/**
 * Target tracking of the backlog per instance (docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html): the
 * acceptable backlog is the acceptable latency divided by the average processing time, of which the owner is taken to
 * know the true mean and that an instance does several at once. The group grows in proportion after some datapoints
 * above the target, and shrinks after more below 90 % of it, here no further than the highest of them asks.
 */
export function awsLike(name: string, source: string, tuning: Tuning): PolicyKind {
  const { latency, outDatapoints, inDatapoints } = tuning;
  const create = (settings: PolicySettings): SimulatedPolicy => {
    const { minWorkers, targetWaitSeconds, meanServiceSeconds, concurrency } = settings;
    const acceptable = (latency * targetWaitSeconds * concurrency) / meanServiceSeconds;
    const datapoints: { readonly perInstance: number; readonly wanted: number }[] = [];
    return {
      pollSeconds: datapointSeconds,
      minWorkers,
      look({ observation: { queues, currentWorkers, workers } }) {
        const current = currentWorkers ?? 0;
        const inService = Math.max(1, workers.readyWorkers ?? current);
        const backlog = mostOf(queues, ({ readyJobs }) => readyJobs);
        const perInstance = backlog / inService;
        datapoints.unshift({
          perInstance,
          wanted: Math.ceil((inService * perInstance) / acceptable),
        });
        datapoints.splice(inDatapoints);
        const wanted = datapoints.map((datapoint) => datapoint.wanted);
        const isOver = streak(datapoints, outDatapoints, (value) => value > acceptable);
        if (isOver) return orderOf(Math.max(current, wanted[0] ?? current));
        const isUnder = streak(datapoints, inDatapoints, (value) => value < inShare * acceptable);
        return orderOf(isUnder ? Math.min(current, Math.max(...wanted)) : current);
      },
    };
  };
  return { name, source, create };
}

export const awsDefault = awsLike(
  'aws-like',
  'AWS target tracking of the backlog per instance: ceil(jobs × mean service time ÷ target wait), out after 3 minutes, in after 15.',
  { latency: 1, outDatapoints: 3, inDatapoints: 15 },
);

/** Whether that was true of the latest datapoints, all of them. */
function streak(
  datapoints: readonly { readonly perInstance: number }[],
  length: number,
  isTrue: (perInstance: number) => boolean,
): boolean {
  const latest = datapoints.slice(0, length);
  return latest.length === length && latest.every(({ perInstance }) => isTrue(perInstance));
}
