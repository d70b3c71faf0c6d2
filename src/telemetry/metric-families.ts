import {
  Counter,
  Gauge,
  Histogram,
  type Aggregator,
  type Metric,
  type Registry,
} from 'prom-client';

/**
 * Every metric of the program's own; process and runtime metrics (`process_…`, `nodejs_…`) come from prom-client.
 * All are registered from the start. A series whose value is not known is absent, never 0.
 */
export const metricFamilies = {
  autoscaler_queue_jobs: {
    type: 'gauge',
    labels: ['pool', 'queue', 'state'],
    help: 'Jobs of a queue: ready, active, orphaned, delayed or paused. Absent while the queue cannot be read.',
  },
  autoscaler_queue_oldest_wait_seconds: {
    type: 'gauge',
    labels: ['pool', 'queue'],
    help: 'How long the job that waits longest has been ready; 0 when none is. Absent when that is not known.',
  },
  autoscaler_queue_paused: {
    type: 'gauge',
    labels: ['pool', 'queue'],
    help: '1 while the queue is paused, else 0.',
  },
  autoscaler_stuck_queues: {
    type: 'gauge',
    labels: ['pool', 'kind'],
    help: 'Queues with stuck work: `orphaned`, nobody recovers jobs; `no-progress`, none ends or starts; `stalling`, workers die.',
  },
  autoscaler_job_wait_seconds: {
    type: 'histogram',
    labels: ['pool', 'queue'],
    help: 'How long jobs that ended had been ready before their last start. A sample.',
    buckets: [0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3600],
  },
  autoscaler_job_service_seconds: {
    type: 'histogram',
    labels: ['pool', 'queue'],
    help: 'How long jobs that ended took, from their last start. A sample.',
    buckets: [0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3600],
  },
  autoscaler_job_total_seconds: {
    type: 'histogram',
    labels: ['pool', 'queue'],
    help: 'How long jobs that ended took from when they were ready. A sample.',
    buckets: [0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3600],
  },
  autoscaler_workers_current: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Workers asked of the platform, as the last tick found them.',
  },
  autoscaler_workers_recommended: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Workers the formula of the last tick asked for, before any limit.',
  },
  autoscaler_workers_desired: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Workers the last tick wanted, after every limit.',
  },
  autoscaler_policy_workers: {
    type: 'gauge',
    labels: ['pool', 'policy'],
    help: 'Workers each policy would have in the last tick, before any limit: the one that leads and the other.',
  },
  autoscaler_workers_min: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Fewest workers the pool may have now, whoever said so.',
  },
  autoscaler_workers_max: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Most workers the pool may have now, whoever said so.',
  },
  autoscaler_worker_seconds_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'Worker-seconds that the pool has used.',
  },
  autoscaler_alternative_worker_seconds_total: {
    type: 'counter',
    labels: ['pool', 'alternative'],
    help: 'Worker-seconds of the same time otherwise: `max`, always the maximum; `ratio`, what the bare ratio asked for.',
  },
  autoscaler_uncounted_seconds_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'Time in which the number of workers was not known, so that no worker-second and no dollar of it was counted.',
  },
  autoscaler_cost_dollars_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'Dollars for these worker-seconds, at list price. Absent while the price of a worker is not known.',
  },
  autoscaler_alternative_cost_dollars_total: {
    type: 'counter',
    labels: ['pool', 'alternative'],
    help: 'Dollars for the worker-seconds of the alternatives. Absent while the price of a worker is not known.',
  },
  autoscaler_cost_dollars_per_hour: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Dollars an hour that the workers of the last tick cost. Absent while their number or price is not known.',
  },
  autoscaler_cost_month_dollars: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Dollars that the pool has cost since the first of the month (UTC). Absent while no price is known.',
  },
  autoscaler_cost_budget_dollars: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Dollars that the pool may cost in a month (`COST_BUDGET`). Absent when nobody said so.',
  },
  autoscaler_budget_workers: {
    type: 'gauge',
    labels: ['pool', 'budget'],
    help: 'Most workers for which a budget of the pool is enough. Absent while that is not known, or there is no such budget.',
  },
  autoscaler_poll_interval_seconds: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Time between two ticks (`POLL_INTERVAL`), against which the age of the last good tick is judged.',
  },
  autoscaler_target_wait_seconds: {
    type: 'gauge',
    labels: ['pool'],
    help: 'How long jobs may wait (`TARGET_WAIT`). Absent when nobody said so.',
  },
  autoscaler_limited: {
    type: 'gauge',
    labels: ['pool', 'reason'],
    help: '1 if this limit changed the number of workers in the last tick, else 0.',
  },
  autoscaler_blind: {
    type: 'gauge',
    labels: ['pool'],
    help: '1 if the last tick could not see a queue or the workers, else 0. A blind pool never shrinks.',
  },
  autoscaler_draining_workers: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Dynos of the tail that are asked to drain.',
  },
  autoscaler_blocked_workers: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Dynos that should go but are not idle yet, or not known to be.',
  },
  autoscaler_drain_duration_seconds: {
    type: 'histogram',
    labels: ['pool'],
    help: 'From the moment a dyno was asked to drain until it was removed.',
    buckets: [1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  },
  autoscaler_drains_cancelled_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'Dynos that were draining and went on, because they were needed again.',
  },
  autoscaler_jobs_handed_back_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'Jobs that ending workers gave back to their queue. Absent while the pool has no companion.',
  },
  autoscaler_tail_unknown: {
    type: 'gauge',
    labels: ['pool'],
    help: '1 for a day after a removal took others than the dynos with the highest numbers: no tail drains then.',
  },
  autoscaler_unnamed_jobs: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Running jobs whose worker is not named after its dyno: only a companion can tell which dyno runs them.',
  },
  autoscaler_manual_hold: {
    type: 'gauge',
    labels: ['pool'],
    help: '1 while a number of workers that a person set is respected, else 0.',
  },
  autoscaler_paused: {
    type: 'gauge',
    labels: ['pool'],
    help: '1 while the pool is paused (`pause`), so that nothing is changed, else 0.',
  },
  autoscaler_pause_end_timestamp_seconds: {
    type: 'gauge',
    labels: ['pool'],
    help: 'Until when the pool is paused, in Unix time. Absent while it is not, and when nobody said until when.',
  },
  autoscaler_override: {
    type: 'gauge',
    labels: ['pool', 'setting'],
    help: '1 while somebody has changed this setting (`set`), else 0.',
  },
  autoscaler_leader: {
    type: 'gauge',
    labels: ['pool'],
    help: '1 while this daemon acts for the pool, 0 while it stands by.',
  },
  autoscaler_lease_changes_total: {
    type: 'counter',
    labels: ['pool'],
    help: 'Times this daemon began or ceased to act for the pool.',
  },
  autoscaler_decisions_total: {
    type: 'counter',
    labels: ['pool', 'action'],
    help: 'Decisions: scale-up, scale-down or hold.',
  },
  autoscaler_ticks_total: {
    type: 'counter',
    labels: ['pool', 'outcome'],
    help: 'Ticks, by what became of them.',
  },
  autoscaler_tick_errors_total: {
    type: 'counter',
    labels: ['pool', 'code'],
    help: 'Ticks that were not good, by the code of their error.',
  },
  autoscaler_tick_duration_seconds: {
    type: 'histogram',
    labels: ['pool'],
    help: 'How long ticks took. None may take longer than 20 s.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
  },
  autoscaler_last_good_tick_timestamp_seconds: {
    type: 'gauge',
    labels: ['pool'],
    help: 'When the last good tick ended, in Unix time. Absent before the first.',
  },
  autoscaler_heroku_requests_total: {
    type: 'counter',
    labels: ['method', 'status'],
    help: 'Requests to the Heroku Platform API that were answered, by HTTP status.',
  },
  autoscaler_heroku_request_duration_seconds: {
    type: 'histogram',
    labels: ['method'],
    help: 'How long the Heroku Platform API took to answer.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  autoscaler_heroku_remaining_calls: {
    type: 'gauge',
    labels: [],
    help: 'Calls left to the Heroku account, which all programs of that account share.',
  },
  autoscaler_deliveries_total: {
    type: 'counter',
    labels: ['to', 'result'],
    help: 'What was sent to a Pushgateway, by remote write or to a webhook: delivered, or failed.',
  },
  autoscaler_event_loop_lag_seconds: {
    type: 'gauge',
    labels: [],
    help: 'By how much the event loop of the daemon was late at most within the last minute.',
  },
  autoscaler_build_info: {
    type: 'gauge',
    labels: ['version', 'node'],
    help: 'Always 1; the labels say which version runs.',
  },
} as const satisfies Record<string, Family>;

type Family = {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  readonly buckets?: readonly number[];
};
type MetricName = keyof typeof metricFamilies;

/** The metric objects under their own names; their label names are checked by the compiler. */
export type Metrics = {
  [Name in MetricName]: {
    gauge: Gauge<(typeof metricFamilies)[Name]['labels'][number]>;
    counter: Counter<(typeof metricFamilies)[Name]['labels'][number]>;
    histogram: Histogram<(typeof metricFamilies)[Name]['labels'][number]>;
  }[(typeof metricFamilies)[Name]['type']];
};

export function registerFamilies(registry: Registry): Metrics {
  const metrics = Object.entries<Family>(metricFamilies).map(([name, family]) => [
    name,
    createMetric(name, family, registry),
  ]);
  return Object.fromEntries(metrics) as Metrics;
}

function createMetric(
  name: string,
  { type, labels, help, buckets }: Family,
  registry: Registry,
): Metric {
  // What several snapshots say of one process is said best by the newest, which comes first.
  const aggregator: Aggregator = labels.includes('pool') ? 'sum' : 'first';
  const options = { name, help, labelNames: labels, aggregator, registers: [registry] };
  switch (type) {
    case 'gauge':
      return new Gauge(options);
    case 'counter':
      return new Counter(options);
    case 'histogram':
      return new Histogram({
        ...options,
        ...(buckets === undefined ? {} : { buckets: [...buckets] }),
      });
  }
}
