import type { PolicyKind } from '../policy.ts';
import { awsDefault } from './peers/aws-like.ts';
import { ds2, ds2Held } from './peers/ds2-like.ts';
import { flinkDefault } from './peers/flink-like.ts';
import { hirefireDefault, hirefireFast } from './peers/hirefire-like.ts';
import { judoscaleDefault, judoscaleFast } from './peers/judoscale-like.ts';
import { kedaDefault } from './peers/keda-like.ts';
import { knativeDefault } from './peers/knative-like.ts';
import { queueAutoscaleDefault } from './peers/queue-autoscale-like.ts';

/**
 * What other autoscalers do, written anew from their public documentation: the formula, not the product. Where that
 * leaves something open, the reading that serves them best is taken.
 */
export const peerPolicies: readonly PolicyKind[] = [
  kedaDefault,
  judoscaleDefault,
  judoscaleFast,
  hirefireDefault,
  hirefireFast,
  awsDefault,
  knativeDefault,
  flinkDefault,
  ds2,
  ds2Held,
  queueAutoscaleDefault,
];
