import { AggregatorRegistry, collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import { lastsMsMax, settings } from '../decision/overrides.ts';
import {
  limits,
  policyNames,
  type Action,
  type Observation,
  type Policy,
} from '../decision/types.ts';
import { receiverNames, type ReceiverName } from '../delivery/receiver.ts';
import { isDynoName } from '../drain/verdict.ts';
import { errorCodes } from '../errors.ts';
import { outcomes, type TickRecord } from '../tick-record.ts';
import { createJobTimes } from './job-times.ts';
import { metricFamilies, registerFamilies, type Metrics } from './metric-families.ts';
import { initialiseCost, recordCost } from './cost-metrics.ts';
import { createQueueMetrics, initialiseQueues } from './queue-metrics.ts';
import { goodTickAtMs } from './health.ts';
import { setOrForget } from './set-or-forget.ts';

/** Series as plain values, so that they can be published and rendered by another process. */
type PublishedMetrics = readonly {
  readonly name: string;
  readonly values: readonly Series[];
}[];

type Series = {
  /** The series of a histogram have names of their own. */
  readonly metricName?: string | undefined;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
};

type HerokuReply = {
  readonly method: string;
  readonly status: number;
  readonly durationSeconds: number;
  /** Calls left to the account; null when the reply did not say. */
  readonly remainingCalls: number | null;
};

export type MetricsRecorder = {
  readonly registry: Registry;
  recordTick(record: TickRecord): void;
  recordHerokuReply(reply: HerokuReply): void;
  recordLeadership(pool: string, isLeader: boolean): void;
  recordDelivery(to: ReceiverName, isDelivered: boolean): void;
  readonly recordEventLoopLag: (seconds: number) => void;
  /** The series of one pool and those of the whole program, for publishing. */
  seriesOf(pool: string): Promise<PublishedMetrics>;
  /**
   * Prometheus text of this process together with what others published, newest first. Series of families that this
   * version does not know are left out.
   */
  render(published: readonly PublishedMetrics[]): Promise<string>;
};

/** What the owner of a pool wants, as far as it is shown beside what became of it. */
type PoolPolicy = {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly intervalSeconds: number;
  /** Null when the owner named none. */
  readonly targetWaitSeconds: number | null;
  /** For a month; null when the owner named none. */
  readonly costBudgetDollars: number | null;
};

/** Starts with every family registered, and with 0 for each label value that is known beforehand, as `rate()` needs. */
export function createMetrics(
  pools: readonly {
    readonly pool: string;
    readonly policy: PoolPolicy;
  }[],
  info: { readonly version: string },
): MetricsRecorder {
  const registry = new Registry();
  collectRuntimeMetrics(registry);
  const metrics = registerFamilies(registry);
  initialiseProgram(metrics, info.version);
  for (const { pool, policy } of pools) initialise(metrics, pool, policy);

  const all: readonly Metric[] = Object.values(metrics);
  const recordJobTimes = createJobTimes(metrics);
  const leaders = new Set<string>();
  const recordQueues = createQueueMetrics(metrics);
  return {
    registry,
    recordTick(record) {
      recordQueues(record);
      recordPolicy(metrics, record);
      if (record.observation !== null) recordJobTimes(record.pool, record.observation);
      recordWorkers(metrics, record);
      recordDrain(metrics, record);
      recordHandedBack(metrics, record);
      recordCost(metrics, record);
      countTick(metrics, record);
    },
    recordHerokuReply({ method, status, durationSeconds, remainingCalls }) {
      metrics.autoscaler_heroku_requests_total.inc({ method, status });
      metrics.autoscaler_heroku_request_duration_seconds.observe({ method }, durationSeconds);
      if (remainingCalls !== null) metrics.autoscaler_heroku_remaining_calls.set(remainingCalls);
    },
    recordLeadership(pool, isLeader) {
      if (isLeader !== leaders.has(pool)) metrics.autoscaler_lease_changes_total.inc({ pool });
      if (isLeader) leaders.add(pool);
      else leaders.delete(pool);
      metrics.autoscaler_leader.set({ pool }, isLeader ? 1 : 0);
    },
    recordDelivery(to, isDelivered) {
      metrics.autoscaler_deliveries_total.inc({ to, result: isDelivered ? 'delivered' : 'failed' });
    },
    recordEventLoopLag(seconds) {
      metrics.autoscaler_event_loop_lag_seconds.set(seconds);
    },
    async seriesOf(pool) {
      const families = await Promise.all(all.map((metric) => metric.get()));
      return families.map(({ name, values }) => ({
        name,
        // A series has all of its labels, which prom-client's types leave open.
        values: (values as readonly Series[])
          .filter(({ labels }) => labels['pool'] === undefined || labels['pool'] === pool)
          .map(({ metricName, labels, value }) => ({ metricName, labels: { ...labels }, value })),
      }));
    },
    async render(published) {
      const own = await Promise.all(all.map((metric) => metric.get()));
      const known = published.map((families) =>
        families.filter(({ name }) => Object.hasOwn(metricFamilies, name)),
      );
      const merged = AggregatorRegistry.aggregate([own, ...known]);
      for (const { name } of registry.getMetricsAsArray()) {
        const metric = registry.getSingleMetric(name);
        if (metric !== undefined && !Object.hasOwn(metricFamilies, name))
          merged.registerMetric(metric);
      }
      return merged.metrics();
    },
  };
}

function initialiseProgram(metrics: Metrics, version: string): void {
  // prom-client starts what has no labels at 0, but nothing is known of it yet.
  metrics.autoscaler_heroku_remaining_calls.remove();
  metrics.autoscaler_event_loop_lag_seconds.remove();
  metrics.autoscaler_build_info.set({ version, node: process.version }, 1);
  for (const to of receiverNames)
    for (const result of ['delivered', 'failed'])
      metrics.autoscaler_deliveries_total.inc({ to, result }, 0);
}

const actions: readonly Action[] = ['scale-up', 'scale-down', 'hold'];

function initialise(metrics: Metrics, pool: string, policy: PoolPolicy): void {
  metrics.autoscaler_workers_min.set({ pool }, policy.minWorkers);
  metrics.autoscaler_workers_max.set({ pool }, policy.maxWorkers);
  metrics.autoscaler_poll_interval_seconds.set({ pool }, policy.intervalSeconds);
  setOrForget(metrics.autoscaler_target_wait_seconds, { pool }, policy.targetWaitSeconds);
  for (const reason of limits) metrics.autoscaler_limited.set({ pool, reason }, 0);
  for (const action of actions) metrics.autoscaler_decisions_total.inc({ pool, action }, 0);
  for (const outcome of outcomes) metrics.autoscaler_ticks_total.inc({ pool, outcome }, 0);
  for (const code of errorCodes) metrics.autoscaler_tick_errors_total.inc({ pool, code }, 0);
  metrics.autoscaler_tick_duration_seconds.zero({ pool });
  metrics.autoscaler_drain_duration_seconds.zero({ pool });
  metrics.autoscaler_drains_cancelled_total.inc({ pool }, 0);
  metrics.autoscaler_tail_unknown.set({ pool }, 0);
  metrics.autoscaler_manual_hold.set({ pool }, 0);
  metrics.autoscaler_paused.set({ pool }, 0);
  for (const setting of settings) metrics.autoscaler_override.set({ pool, setting }, 0);
  metrics.autoscaler_leader.set({ pool }, 0);
  metrics.autoscaler_lease_changes_total.inc({ pool }, 0);
  initialiseQueues(metrics, pool);
  initialiseCost(metrics, pool, policy.costBudgetDollars);
}

/** A tick that does not know what operators changed leaves what was known before. */
function recordPolicy(metrics: Metrics, { pool, policy, overrides }: TickRecord): void {
  if (policy === null || overrides === null) return;
  metrics.autoscaler_workers_min.set({ pool }, policy.minWorkers);
  metrics.autoscaler_workers_max.set({ pool }, policy.maxWorkers);
  setOrForget(
    metrics.autoscaler_target_wait_seconds,
    { pool },
    policy.leading === 'learned' ? policy.targetWaitSeconds : null,
  );
  metrics.autoscaler_paused.set({ pool }, policy.pause === null ? 0 : 1);
  const endMs = namedEndMs(policy.pause);
  setOrForget(
    metrics.autoscaler_pause_end_timestamp_seconds,
    { pool },
    endMs === null ? null : endMs / 1000,
  );
  const changed = new Set(overrides.settings.map(({ setting }) => setting));
  for (const setting of settings)
    metrics.autoscaler_override.set({ pool, setting }, changed.has(setting) ? 1 : 0);
}

/** A pause of which nobody said until when lasts as long as any may. */
function namedEndMs(pause: Policy['pause']): number | null {
  const { setAtMs = null, untilMs = null } = pause ?? {};
  if (setAtMs === null || untilMs === null) return null;
  return untilMs - setAtMs < lastsMsMax ? untilMs : null;
}

function recordWorkers(
  metrics: Metrics,
  { pool, observation, currentWorkers, decision, error }: TickRecord,
): void {
  const labels = { pool };
  setOrForget(metrics.autoscaler_workers_current, labels, currentWorkers);
  setOrForget(metrics.autoscaler_workers_recommended, labels, decision?.recommendedWorkers ?? null);
  setOrForget(metrics.autoscaler_workers_desired, labels, decision?.desiredWorkers ?? null);
  const alternative = decision?.alternative;
  for (const policy of policyNames) {
    const isAlternative = policy === alternative?.policy;
    const workers = isAlternative ? alternative.workers : decision?.recommendedWorkers;
    setOrForget(metrics.autoscaler_policy_workers, { pool, policy }, workers ?? null);
  }
  const steps = new Set(decision?.steps.map(({ step }) => step));
  for (const reason of limits)
    metrics.autoscaler_limited.set({ pool, reason }, steps.has(reason) ? 1 : 0);
  // A tick without a decision did not look: what a person set may be respected still.
  if (decision !== null)
    metrics.autoscaler_manual_hold.set(labels, decision.manualHold === null ? 0 : 1);
  setOrForget(metrics.autoscaler_blind, labels, blindness(observation, error !== null));
}

function recordDrain(metrics: Metrics, { pool, observation, drain, error }: TickRecord): void {
  const unnamed = observation?.queues.flatMap(({ running }) =>
    running.filter(({ worker }) => !isDynoName(worker)),
  );
  setOrForget(metrics.autoscaler_unnamed_jobs, { pool }, unnamed?.length ?? null);
  // A tick that failed did not look: what drained before it may drain still.
  if (drain === null && error !== null) return;
  metrics.autoscaler_draining_workers.set({ pool }, drain?.marked.length ?? 0);
  metrics.autoscaler_blocked_workers.set({ pool }, drain?.blocked.length ?? 0);
  metrics.autoscaler_tail_unknown.set(
    { pool },
    (drain?.tailUnknownSinceMs ?? null) === null ? 0 : 1,
  );
  if (drain === null) return;
  metrics.autoscaler_drains_cancelled_total.inc({ pool }, drain.cancelled.length);
  for (const seconds of drain.freedAfterSeconds)
    metrics.autoscaler_drain_duration_seconds.observe({ pool }, seconds);
}

/**
 * The companions count together and over restarts of all concerned, so their count is taken over. Where it was lost it
 * begins anew, as Prometheus expects of a counter.
 */
function recordHandedBack(metrics: Metrics, { pool, observation }: TickRecord): void {
  const handedBackJobs = observation?.workers.handedBackJobs ?? null;
  if (handedBackJobs === null) return;
  metrics.autoscaler_jobs_handed_back_total.remove({ pool });
  metrics.autoscaler_jobs_handed_back_total.inc({ pool }, handedBackJobs);
}

/** A tick that stood by did not look: whether it would have seen everything is not known. */
function blindness(observation: Observation | null, isFailed: boolean): 0 | 1 | null {
  if (observation === null) return isFailed ? 1 : null;
  return observation.unreadableQueues.length > 0 || observation.currentWorkers === null ? 1 : 0;
}

function countTick(metrics: Metrics, record: TickRecord): void {
  const { pool, decision, outcome, error, durationSeconds } = record;
  if (decision !== null) metrics.autoscaler_decisions_total.inc({ pool, action: decision.action });
  if (error !== null) metrics.autoscaler_tick_errors_total.inc({ pool, code: error.code });
  metrics.autoscaler_ticks_total.inc({ pool, outcome });
  metrics.autoscaler_tick_duration_seconds.observe({ pool }, durationSeconds);
  const goodAtMs = goodTickAtMs(record);
  if (goodAtMs !== null)
    metrics.autoscaler_last_good_tick_timestamp_seconds.set({ pool }, goodAtMs / 1000);
}

/** `promtool check metrics` rejects these gauges of prom-client, because `_total` is for counters. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

function collectRuntimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
}
