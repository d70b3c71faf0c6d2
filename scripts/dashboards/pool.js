import { annotation, dashboard, labelVariable, scrapeVariables, uids } from './dashboard.js';
import { costChart } from './cost-chart.js';
import { chart, stat, timeline } from './panels.js';
import {
  demand,
  gauge,
  goodTickAge,
  goodTickAgeInIntervals,
  growth,
  increase,
  oldestWait,
  quantile,
  series,
} from './queries.js';
import { workersChart } from './workers-chart.js';

/** Everything about one pool. */
export const pool = () =>
  dashboard({
    uid: uids.pool,
    title: 'Backlog autoscaler: pool',
    description: 'One pool: its queues, its workers, every decision, and what went wrong.',
    variables: [
      ...scrapeVariables,
      labelVariable('pool', {
        from: 'autoscaler_workers_max{job=~"$job", instance=~"$instance"}',
        title: 'Pool',
        isMany: false,
      }),
      labelVariable('queue', {
        from: 'autoscaler_queue_jobs{job=~"$job", instance=~"$instance", pool=~"$pool"}',
        title: 'Queue',
      }),
    ],
    links: [{ title: 'All pools', uid: uids.overview }],
    annotations: [
      annotation('Scaled up', { color: 'green', query: `${changeOfWanted} > 0`, text: '{{pool}}' }),
      annotation('Scaled down', {
        color: 'blue',
        query: `${changeOfWanted} < 0`,
        text: '{{pool}}',
      }),
    ],
    rows: {
      Now: now,
      'Workers and decisions': workers,
      Queues: queues,
      'Jobs that ended': jobTimes,
      'Removing workers': drains,
      Cost: cost,
      'Daemon and Heroku': daemon,
    },
  });

const changeOfWanted = `max by (pool) (delta(${series('autoscaler_workers_desired')}[$__rate_interval]))`;
const byQueue = { by: 'queue', where: 'queue=~"$queue"' };
const jobs = (states, by) =>
  gauge('autoscaler_queue_jobs', { by, where: `queue=~"$queue", state=~"${states}"` });

const now = [
  stat('Workers now', {
    description: 'Workers asked of Heroku, as the last tick found them.',
    unit: 'none',
    query: gauge('autoscaler_workers_current'),
  }),
  stat('Wanted now', {
    description: 'Workers the last tick wanted, after every limit.',
    unit: 'none',
    query: gauge('autoscaler_workers_desired'),
  }),
  stat('Demand now', {
    description: 'Jobs that are ready or running, in all queues of the pool.',
    unit: 'short',
    query: demand,
  }),
  stat('Oldest wait now', {
    description: 'How long the job that waits longest has been ready.',
    unit: 's',
    query: oldestWait,
  }),
  stat('Blocked workers', {
    description: 'Dynos that should go but are not idle yet, or not known to be.',
    unit: 'none',
    query: gauge('autoscaler_blocked_workers'),
  }),
  stat('Intervals since a good tick', {
    description: 'Time since the last good tick. From 3 intervals on /healthz answers 503.',
    unit: 'none',
    decimals: 1,
    query: goodTickAgeInIntervals,
    thresholds: [
      [null, 'green'],
      [2, 'orange'],
      [3, 'red'],
    ],
  }),
];

const workers = [
  workersChart('Workers'),
  timeline('What changed the number of workers', {
    description: 'The limits between what the formula asked for and what was wanted.',
    queries: [['{{reason}}', gauge('autoscaler_limited', { by: 'reason' })]],
    whenTrue: 'limits',
  }),
  chart('What each policy would have', {
    description:
      'Workers by EVENTS_PER_WORKER (ratio) and by what was learned of the jobs (learned); one of them leads.',
    unit: 'none',
    shape: 'steps',
    queries: [['{{policy}}', gauge('autoscaler_policy_workers', { by: 'policy' })]],
  }),
  timeline('By hand', {
    description:
      'While a number that a person set is respected (MANUAL_SCALE_HOLD), the pool is paused (`pause`), or a setting is changed (`set`).',
    queries: [
      ['number', gauge('autoscaler_manual_hold')],
      ['paused', gauge('autoscaler_paused')],
      ['{{setting}}', gauge('autoscaler_override', { by: 'setting' })],
    ],
    whenTrue: 'by hand',
    color: 'blue',
  }),
  chart('Decisions', {
    description:
      'What the ticks decided. A scale-down that waits for a drain is decided at each tick anew.',
    unit: 'none',
    shape: 'bars',
    queries: [['{{action}}', increase('autoscaler_decisions_total', { by: 'action' })]],
  }),
  chart('Outcomes', {
    description: 'What became of the ticks.',
    unit: 'none',
    shape: 'bars',
    queries: [['{{outcome}}', increase('autoscaler_ticks_total', { by: 'outcome' })]],
    styles: { failed: { color: 'red' } },
  }),
];

const queues = [
  chart('Ready jobs', {
    description: 'Jobs that a free worker could start now. None while the queue is paused.',
    unit: 'short',
    shape: 'areas',
    queries: [['{{queue}}', jobs('ready', 'queue')]],
  }),
  chart('Oldest wait by queue', {
    description:
      'How long the job that waits longest has been ready, and the target if there is one.',
    unit: 's',
    queries: [
      ['{{queue}}', gauge('autoscaler_queue_oldest_wait_seconds', byQueue)],
      ['target', gauge('autoscaler_target_wait_seconds')],
    ],
    dashed: '/^target$/',
  }),
  chart('Running jobs', {
    description: 'Jobs that a live worker holds.',
    unit: 'short',
    shape: 'areas',
    queries: [['{{queue}}', jobs('active', 'queue')]],
  }),
  chart('Jobs that ask for nobody', {
    description:
      'Delayed: ready later. Paused: ready but for the pause. Orphaned: running, but the worker is gone.',
    unit: 'short',
    queries: [['{{queue}}: {{state}}', jobs('delayed|paused|orphaned', 'queue, state')]],
  }),
  chart('Queues with stuck work', {
    description:
      'Orphaned: nobody recovers the jobs of a dead worker. No progress: workers are up, and no job ends or none starts. Stalling: workers die or hang with its jobs, again and again.',
    unit: 'none',
    shape: 'steps',
    queries: [['{{kind}}', gauge('autoscaler_stuck_queues', { by: 'kind' })]],
  }),
  timeline('Paused queues', {
    description: 'While a queue is paused, its jobs ask for nobody.',
    queries: [['{{queue}}', gauge('autoscaler_queue_paused', byQueue)]],
    whenTrue: 'paused',
    color: 'blue',
  }),
];

const timesOfJobs = (title, name, description) =>
  chart(title, {
    description: `${description} A sample of the jobs that ended.`,
    unit: 's',
    width: 8,
    queries: [
      ['{{queue}}: median', quantile(0.5, name, byQueue)],
      ['{{queue}}: 95th percentile', quantile(0.95, name, byQueue)],
    ],
  });

const jobTimes = [
  timesOfJobs(
    'Time to delivery',
    'autoscaler_job_total_seconds',
    'From the moment a job was ready until it ended.',
  ),
  timesOfJobs(
    'How long jobs had waited',
    'autoscaler_job_wait_seconds',
    'From the moment a job was ready until its last start.',
  ),
  timesOfJobs(
    'How long jobs took',
    'autoscaler_job_service_seconds',
    'From the last start of a job until it ended.',
  ),
];

const drains = [
  chart('Draining and blocked workers', {
    description:
      'Draining: asked to take no more jobs. Blocked: should go but are not idle yet, or not known to be.',
    unit: 'none',
    shape: 'steps',
    queries: [
      ['draining', gauge('autoscaler_draining_workers')],
      ['blocked', gauge('autoscaler_blocked_workers')],
    ],
  }),
  chart('How long drains took', {
    description: 'From the moment a dyno was asked to drain until it was removed.',
    unit: 's',
    shape: 'points',
    queries: [
      ['median', quantile(0.5, 'autoscaler_drain_duration_seconds')],
      ['95th percentile', quantile(0.95, 'autoscaler_drain_duration_seconds')],
    ],
  }),
  chart('Drains cancelled', {
    description: 'Dynos that were draining and went on, because demand was back.',
    unit: 'none',
    shape: 'bars',
    queries: [['cancelled', increase('autoscaler_drains_cancelled_total')]],
  }),
  chart('Jobs handed back', {
    description:
      'Jobs that ending workers gave back to their queue, and that begin anew elsewhere. Needs the companion in the workers.',
    unit: 'none',
    shape: 'bars',
    queries: [['handed back', increase('autoscaler_jobs_handed_back_total')]],
  }),
  chart('Jobs nobody can place', {
    description:
      'Running jobs whose worker is not named after its dyno: only a companion can tell which dyno runs them.',
    unit: 'short',
    queries: [['jobs', gauge('autoscaler_unnamed_jobs')]],
  }),
  timeline('Drains switched off', {
    description:
      'Heroku once removed other dynos than those with the highest numbers: nobody knows which would go.',
    queries: [['tail unknown', gauge('autoscaler_tail_unknown')]],
    whenTrue: 'off',
    color: 'red',
  }),
];

const cost = [
  chart('Dollars since the first of the month', {
    description:
      'What the pool has cost since the first of the month (UTC), at list price, and its budget if there is one.',
    unit: 'currencyUSD',
    queries: [
      ['this month', gauge('autoscaler_cost_month_dollars')],
      ['budget', gauge('autoscaler_cost_budget_dollars')],
    ],
    dashed: '/^budget$/',
  }),
  chart('Workers that the budgets are enough for', {
    description:
      'As many workers as the money, the connections and the share of the pool are enough for, and those it has.',
    unit: 'none',
    shape: 'steps',
    queries: [
      ['{{budget}}', gauge('autoscaler_budget_workers', { by: 'budget' })],
      ['current', gauge('autoscaler_workers_current')],
    ],
    dashed: '/budget$/',
  }),
  costChart('Dollars an hour'),
  chart('Time that was not counted', {
    description: 'Time in which the number of workers was not known, so that no cost was counted.',
    unit: 's',
    shape: 'bars',
    queries: [['not counted', increase('autoscaler_uncounted_seconds_total')]],
  }),
  chart('Workers on average', {
    description:
      'What was used, what the most workers allowed would have been all along, and what the bare ratio asked for.',
    unit: 'none',
    queries: [
      ['used', `sum(${growth('autoscaler_worker_seconds_total')})`],
      [
        'with {{alternative}}',
        `sum by (alternative) (${growth('autoscaler_alternative_worker_seconds_total')})`,
      ],
    ],
    dashed: '/^with /',
  }),
];

const daemon = [
  chart('Errors', {
    description:
      'Ticks that were not good, by the code of their error; README says what to do about each.',
    unit: 'none',
    shape: 'bars',
    queries: [['{{code}}', increase('autoscaler_tick_errors_total', { by: 'code' })]],
  }),
  timeline('Blind', {
    description: 'While a queue or the workers cannot be seen. A blind pool never shrinks.',
    queries: [['blind', gauge('autoscaler_blind')]],
    whenTrue: 'blind',
    color: 'red',
  }),
  timeline('A daemon acts', {
    description: 'While a daemon holds the lease of the pool; without one nobody scales it.',
    queries: [['acts', gauge('autoscaler_leader')]],
    whenTrue: 'acts',
    color: 'green',
  }),
  chart('Event loop lag', {
    description: 'How long the daemon kept its own timers waiting; the worst of the last minute.',
    unit: 's',
    queries: [['lag', `max(${series('autoscaler_event_loop_lag_seconds')})`]],
  }),
  chart('Time since the last good tick', {
    description: 'Grows while ticks fail or end no more; from 3 intervals on /healthz answers 503.',
    unit: 's',
    queries: [
      ['age', goodTickAge],
      ['3 intervals', `3 * ${gauge('autoscaler_poll_interval_seconds')}`],
    ],
    dashed: '/intervals/',
  }),
  chart('Duration of ticks', {
    description: 'How long ticks took. None may take longer than 20 s.',
    unit: 's',
    queries: [
      ['median', quantile(0.5, 'autoscaler_tick_duration_seconds')],
      ['99th percentile', quantile(0.99, 'autoscaler_tick_duration_seconds')],
    ],
  }),
  chart('Calls left to the Heroku account', {
    description: 'All programs of the account, and all pools, share 4,500 calls an hour.',
    unit: 'short',
    queries: [['calls', `min(${series('autoscaler_heroku_remaining_calls')})`]],
  }),
  chart('Requests to Heroku', {
    description: 'Answers of the Platform API by method and status, for all pools together.',
    unit: 'none',
    shape: 'bars',
    queries: [
      [
        '{{method}} {{status}}',
        increase('autoscaler_heroku_requests_total', { by: 'method, status' }),
      ],
    ],
  }),
  chart('Answer times of Heroku (95th percentile)', {
    description: 'How long the Platform API took to answer, for all pools together.',
    unit: 's',
    queries: [
      [
        '{{method}}',
        quantile(0.95, 'autoscaler_heroku_request_duration_seconds', { by: 'method' }),
      ],
    ],
  }),
  timeline('Version that runs', {
    description: 'Changes at each deploy of another version.',
    queries: [
      ['{{version}} on Node.js {{node}}', gauge('autoscaler_build_info', { by: 'version, node' })],
    ],
    whenTrue: 'runs',
    color: 'green',
  }),
];
