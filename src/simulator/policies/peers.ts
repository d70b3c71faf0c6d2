import type { PolicyKind } from '../policy.ts';
import { awsLike } from './peers/aws-like.ts';
import { ds2, ds2Held } from './peers/ds2-like.ts';
import { flinkLike } from './peers/flink-like.ts';
import { hirefireDefault, hirefireFast } from './peers/hirefire-like.ts';
import { judoscaleDefault, judoscaleFast } from './peers/judoscale-like.ts';
import { kedaLike } from './peers/keda-like.ts';
import { knativeLike } from './peers/knative-like.ts';
import { queueAutoscaleLike } from './peers/queue-autoscale-like.ts';

/**
 * What other autoscalers do, written anew from their public documentation: the formula, not the product. Where that
 * leaves something open, the reading that serves them best is taken.
 */
export const peerPolicies: readonly PolicyKind[] = [
  kedaLike,
  judoscaleDefault,
  judoscaleFast,
  hirefireDefault,
  hirefireFast,
  awsLike,
  knativeLike,
  flinkLike,
  ds2,
  ds2Held,
  queueAutoscaleLike,
];
