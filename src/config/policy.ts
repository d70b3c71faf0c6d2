import type { Policy, PolicyName } from '../decision/types.ts';
import type { PoolConfig } from './load.ts';

/** What the learned policy would aim at in a pool that has no target of its own. */
const targetWaitMsDefault = 120_000;

/** How long scaling down waits, in milliseconds, unless somebody says so: the learned policy holds by itself. */
const stabilizationMsDefault: Readonly<Record<PolicyName, number>> = { ratio: 300_000, learned: 0 };

function stabilizationOf(pool: PoolConfig, leading: PolicyName): number {
  return pool.SCALE_DOWN_STABILIZATION ?? stabilizationMsDefault[leading];
}

/** The config vars in the words and units of the decision. */
export function policyOf(pool: PoolConfig, isPeriodic: boolean): Policy {
  const leading = pool.TARGET_WAIT === null ? 'ratio' : 'learned';
  const stabilizationMs = stabilizationOf(pool, leading);
  const gapMs = Math.max(stabilizationMs, 2 * pool.POLL_INTERVAL);
  return {
    leading,
    targetWaitSeconds: (pool.TARGET_WAIT ?? targetWaitMsDefault) / 1000,
    intervalSeconds: pool.POLL_INTERVAL / 1000,
    continuitySeconds: isPeriodic ? gapMs / 1000 : Infinity,
    minWorkers: pool.MIN_WORKERS,
    maxWorkers: pool.MAX_WORKERS,
    eventsPerWorker: pool.EVENTS_PER_WORKER,
    concurrency: pool.CONCURRENCY,
    scaleDownStabilizationSeconds: stabilizationMs / 1000,
    stabilizationWithTargetSeconds: stabilizationOf(pool, 'learned') / 1000,
    scaleUpStep: pool.SCALE_UP_STEP,
    scaleDownStep: pool.SCALE_DOWN_STEP,
    // To a dry run everybody who scales is somebody else, also the daemon that it watches.
    manualHoldSeconds: pool.DRY_RUN ? 0 : pool.MANUAL_SCALE_HOLD / 1000,
    schedule: pool.SCHEDULE ?? [],
    window: null,
    nextChangeAtMs: null,
    origins: {},
    pause: null,
  };
}
