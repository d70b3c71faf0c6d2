import type { PolicyKind, PolicySettings } from '../../policy.ts';
import { mostOf, orderOf } from './order.ts';

type Tuning = {
  /** The range that the queue time is kept in, as shares of the target wait. */
  readonly upAbove: number;
  readonly downBelow: number;
  readonly upBy: number;
  readonly betweenUpsSeconds: number;
  readonly downDelaySeconds: number;
};

const metricsSeconds = 10;

/**
 * Judoscale (judoscale.com/guides/autoscaling-behavior, judoscale.com/docs/tuning-your-application): more dynos when the
 * queue time of any queue leaves its range, again only after a while; one fewer when it was below the range all the time
 * of the delay, and again after each further delay. The range is the user's to choose. For BullMQ the product reports
 * queue depth; here it may see the queue time, which its documentation prefers.
 */
export function judoscaleLike(name: string, source: string, tuning: Tuning): PolicyKind {
  return {
    name,
    source,
    create: (settings: PolicySettings) => {
      const upAboveSeconds = tuning.upAbove * settings.targetWaitSeconds;
      const downBelowSeconds = tuning.downBelow * settings.targetWaitSeconds;
      let upAtMs = -Infinity;
      /** Since when the queue time is below the range, or the last dyno was taken away. */
      let calmSinceMs: number | null = null;
      return {
        pollSeconds: metricsSeconds,
        minWorkers: settings.minWorkers,
        look({ observation: { observedAtMs, queues, currentWorkers } }) {
          const current = currentWorkers ?? 0;
          const queueTime = mostOf(queues, ({ oldestWaitSeconds }) => oldestWaitSeconds ?? 0);
          if (queueTime >= downBelowSeconds) calmSinceMs = null;
          else calmSinceMs ??= observedAtMs;
          if (queueTime > upAboveSeconds) {
            const isTooSoon = observedAtMs - upAtMs < tuning.betweenUpsSeconds * 1000;
            if (isTooSoon || current >= settings.maxWorkers) return orderOf(current);
            upAtMs = observedAtMs;
            return orderOf(current + tuning.upBy);
          }
          const isCalm =
            calmSinceMs !== null && observedAtMs - calmSinceMs >= tuning.downDelaySeconds * 1000;
          if (!isCalm || current <= settings.minWorkers) return orderOf(current);
          calmSinceMs = observedAtMs;
          return orderOf(current - 1);
        },
      };
    },
  };
}

export const judoscaleDefault = judoscaleLike(
  'judoscale-like',
  'Judoscale with its defaults: 1 more when a queue time exceeds half the target wait, at most every 3 minutes; 1 fewer after 10 calm minutes.',
  { upAbove: 1 / 2, downBelow: 1 / 12, upBy: 1, betweenUpsSeconds: 180, downDelaySeconds: 600 },
);

export const judoscaleFast = judoscaleLike(
  'judoscale-fast-like',
  'Judoscale tuned for bursts: 5 more when a queue time exceeds a quarter of the target wait, at most every minute; 1 fewer after 3 calm minutes.',
  { upAbove: 1 / 4, downBelow: 1 / 12, upBy: 5, betweenUpsSeconds: 60, downDelaySeconds: 180 },
);
