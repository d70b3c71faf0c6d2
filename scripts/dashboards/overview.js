import { dashboard, labelVariable, scrapeVariables, uids } from './dashboard.js';
import { costChart } from './cost-chart.js';
import { chart, poolTable, stat } from './panels.js';
import {
  demand,
  gauge,
  goodTickAge,
  goodTickAgeInIntervals,
  increase,
  oldestWait,
  quantile,
  series,
} from './queries.js';
import { workersChart } from './workers-chart.js';

/** All pools at a glance. */
export const overview = () =>
  dashboard({
    uid: uids.overview,
    title: 'Backlog autoscaler: overview',
    description: 'All pools: what is asked of them, what they got, and what stood in between.',
    variables: [
      ...scrapeVariables,
      labelVariable('pool', {
        from: 'autoscaler_workers_max{job=~"$job", instance=~"$instance"}',
        title: 'Pool',
      }),
    ],
    links: [{ title: 'One pool', uid: uids.pool }],
    rows: {
      Now: now,
      Pools: pools,
      Cost: cost,
      'What stands in between': limits,
      Daemon: daemon,
    },
  });

const lateAfterIntervals = [
  [null, 'green'],
  [2, 'orange'],
  [3, 'red'],
];

const now = [
  stat('Workers now', {
    description: 'Workers asked of Heroku, all pools together.',
    unit: 'none',
    query: `sum(${gauge('autoscaler_workers_current')})`,
  }),
  stat('Workers on average', {
    description:
      'Mean number of workers over the time shown: times its hours, the dyno-hours that were paid for.',
    unit: 'none',
    decimals: 1,
    query: `sum(${gauge('autoscaler_workers_current')})`,
    calculation: 'mean',
  }),
  stat('Demand now', {
    description: 'Jobs that are ready or running, all pools together.',
    unit: 'short',
    query: `sum(${demand})`,
  }),
  stat('Oldest wait now', {
    description: 'How long the job that waits longest has been ready, in whichever pool.',
    unit: 's',
    query: `max(${oldestWait})`,
  }),
  stat('Blind pools', {
    description: 'Pools whose last tick could not see a queue or the workers. They never shrink.',
    unit: 'none',
    query: `sum(${gauge('autoscaler_blind')})`,
    thresholds: [
      [null, 'green'],
      [1, 'red'],
    ],
  }),
  stat('Longest without a good tick', {
    description:
      'Time since the last good tick as a multiple of the interval, in the pool that is worst off. From 3 on /healthz answers 503.',
    unit: 'none',
    decimals: 1,
    query: `max(${goodTickAgeInIntervals})`,
    thresholds: lateAfterIntervals,
  }),
  poolTable('Pools now', {
    description: 'Each pool as its last tick left it. The name leads to the dashboard of the pool.',
    link: {
      title: 'Show the pool',
      url: `/d/${uids.pool}?var-pool=\${__value.raw}&\${datasource:queryparam}&\${job:queryparam}&\${instance:queryparam}&\${__url_time_range}`,
    },
    columns: [
      ['Workers', gauge('autoscaler_workers_current'), 'none'],
      ['Wanted', gauge('autoscaler_workers_desired'), 'none'],
      ['At least', gauge('autoscaler_workers_min'), 'none'],
      ['At most', gauge('autoscaler_workers_max'), 'none'],
      ['Demand', demand, 'short'],
      ['Oldest wait', oldestWait, 's'],
      ['Draining', gauge('autoscaler_draining_workers'), 'none'],
      ['Blocked', gauge('autoscaler_blocked_workers'), 'none'],
      ['Dollars an hour', gauge('autoscaler_cost_dollars_per_hour'), 'currencyUSD'],
      ['This month', gauge('autoscaler_cost_month_dollars'), 'currencyUSD'],
      ['Of a budget of', gauge('autoscaler_cost_budget_dollars'), 'currencyUSD'],
      ['Since a good tick', goodTickAge, 's'],
      ['In intervals', goodTickAgeInIntervals, 'none', lateAfterIntervals],
    ],
  }),
];

const pools = [
  workersChart('Workers of $pool', { repeat: 'pool', width: 24 }),
  chart('Demand', {
    description: 'Jobs that are ready or running.',
    unit: 'short',
    shape: 'areas',
    queries: [['{{pool}}', demand]],
  }),
  chart('Oldest wait', {
    description:
      'How long the job that waits longest has been ready, and the target of the pools that have one.',
    unit: 's',
    queries: [
      ['{{pool}}', oldestWait],
      ['{{pool}}: target', gauge('autoscaler_target_wait_seconds')],
    ],
    dashed: '/: target$/',
  }),
  chart('Time to delivery (95th percentile)', {
    description:
      'From the moment a job was ready until it ended. Of twenty jobs that ended, nineteen were faster. A sample.',
    unit: 's',
    width: 24,
    queries: [['{{pool}}', quantile(0.95, 'autoscaler_job_total_seconds')]],
  }),
];

const cost = [
  costChart('Dollars an hour'),
  chart('Dollars since the first of the month', {
    description: 'What each pool has cost since the first of the month (UTC), at list price.',
    unit: 'currencyUSD',
    shape: 'areas',
    queries: [['{{pool}}', gauge('autoscaler_cost_month_dollars')]],
  }),
];

const limits = [
  chart('Pools held by each limit', {
    description:
      'How many pools had their number of workers changed by each limit in the last tick.',
    unit: 'none',
    shape: 'bars',
    queries: [
      ['{{reason}}', `sum by (reason) (${gauge('autoscaler_limited', { by: 'pool, reason' })})`],
    ],
  }),
  chart('Workers that should go and cannot yet', {
    description: 'Dynos that are not idle yet, or not known to be.',
    unit: 'none',
    shape: 'steps',
    queries: [['{{pool}}', gauge('autoscaler_blocked_workers')]],
  }),
];

const daemon = [
  chart('Errors', {
    description:
      'Ticks that were not good, by the code of their error; README says what to do about each.',
    unit: 'none',
    shape: 'bars',
    queries: [
      ['{{pool}}: {{code}}', increase('autoscaler_tick_errors_total', { by: 'pool, code' })],
    ],
  }),
  chart('Time since the last good tick', {
    description: 'Grows while ticks fail or end no more.',
    unit: 's',
    queries: [['{{pool}}', goodTickAge]],
  }),
  chart('Calls left to the Heroku account', {
    description:
      'All programs of the account share 4,500 calls an hour. At 0 nothing can be scaled for a while.',
    unit: 'short',
    queries: [['calls', `min(${series('autoscaler_heroku_remaining_calls')})`]],
  }),
  chart('Duration of ticks (99th percentile)', {
    description: 'How long ticks took. None may take longer than 20 s.',
    unit: 's',
    queries: [['{{pool}}', quantile(0.99, 'autoscaler_tick_duration_seconds')]],
  }),
];
