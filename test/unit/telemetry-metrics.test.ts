import { expect, test } from 'vitest';
import { noUsage, usageByDay } from '../../src/cost/usage.ts';
import { limits, type Policy } from '../../src/decision/types.ts';
import { errorCodes } from '../../src/errors.ts';
import { outcomes } from '../../src/tick-record.ts';
import { lastsMsMax, noOverrides } from '../../src/decision/overrides.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { metricFamilies } from '../../src/telemetry/metric-families.ts';
import { policy } from '../support/builders.ts';
import {
  bounds,
  hold,
  observation,
  orphans,
  reading,
  redisGone,
  refused,
  tick,
} from '../support/tick-records.ts';

const fixedFamilies = [
  ['autoscaler_queue_jobs', ['pool', 'queue', 'state']],
  ['autoscaler_queue_oldest_wait_seconds', ['pool', 'queue']],
  ['autoscaler_workers_current', ['pool']],
  ['autoscaler_workers_recommended', ['pool']],
  ['autoscaler_workers_desired', ['pool']],
  ['autoscaler_policy_workers', ['pool', 'policy']],
  ['autoscaler_workers_min', ['pool']],
  ['autoscaler_workers_max', ['pool']],
  ['autoscaler_decisions_total', ['pool', 'action']],
  ['autoscaler_limited', ['pool', 'reason']],
  ['autoscaler_tick_errors_total', ['pool', 'code']],
  ['autoscaler_tick_duration_seconds', ['pool']],
  ['autoscaler_last_good_tick_timestamp_seconds', ['pool']],
] as const;

function twoPools() {
  return createMetrics(
    [
      { pool: 'worker', policy: bounds },
      {
        pool: 'other',
        policy: {
          minWorkers: 0,
          maxWorkers: 4,
          intervalSeconds: 15,
          targetWaitSeconds: 120,
          costBudgetDollars: 200,
        },
      },
    ],
    { version: '1.2.3' },
  );
}

/** The lines of the text without comments, as a map from series to value. */
async function seriesOf(metrics: { registry: { metrics(): Promise<string> } }) {
  const lines = (await metrics.registry.metrics()).split('\n');
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end), Number(line.slice(end + 1))] as const;
      }),
  );
}

test('costs are counted up, and dollars are absent until a price is known', async () => {
  const metrics = twoPools();
  const [day] = usageByDay(0, 3_600_000, {
    workers: 4,
    max: 10,
    ratio: 3,
    workerDollarsPerHour: 0.5,
  });
  const usage = day?.usage ?? noUsage;
  const cost = { counted: usage, today: usage, month: usage, dollarsPerHour: 2 };
  metrics.recordTick(tick({ cost }));
  metrics.recordTick(tick({ cost }));
  const series = await seriesOf(metrics);
  expect(series.get('autoscaler_worker_seconds_total{pool="worker"}')).toBe(8 * 3600);
  expect(series.get('autoscaler_cost_dollars_total{pool="worker"}')).toBe(4);
  const max = 'autoscaler_alternative_cost_dollars_total{pool="worker",alternative="max"}';
  expect(series.get(max)).toBe(10);
  expect(series.get('autoscaler_cost_month_dollars{pool="worker"}')).toBe(2);
  expect(series.get('autoscaler_worker_seconds_total{pool="other"}')).toBe(0);
  expect([...series.keys()].filter((name) => /(total|month).*dollars.*"other"/.test(name))).toEqual(
    [],
  );
  metrics.recordTick(tick({ cost: null }));
  expect(await seriesOf(metrics)).not.toContain('autoscaler_cost_dollars_per_hour{pool="worker"}');
});

test('budgets tell for how many workers they are enough, and are absent while that is not known', async () => {
  const metrics = twoPools();
  const budgets = [
    { limit: 'cost-budget', workers: 3, why: '' },
    { limit: 'connection-budget', workers: null, why: '' },
  ] as const;
  metrics.recordTick(tick({ observation: observation({ budgets }) }));
  const series = await seriesOf(metrics);
  const of = (budget: string) => `autoscaler_budget_workers{pool="worker",budget="${budget}"}`;
  expect(series.get(of('cost-budget'))).toBe(3);
  expect(series.has(of('connection-budget'))).toBe(false);
  expect(series.get('autoscaler_cost_budget_dollars{pool="other"}')).toBe(200);
  expect(series.has('autoscaler_cost_budget_dollars{pool="worker"}')).toBe(false);
  metrics.recordTick(tick({ observation: null }));
  expect((await seriesOf(metrics)).has(of('cost-budget'))).toBe(false);
});

test('the fixed metrics have their names and labels', () => {
  expect(Object.entries(metricFamilies).map(([name, { labels }]) => [name, [...labels]])).toEqual(
    expect.arrayContaining(fixedFamilies.map(([name, labels]) => [name, [...labels]])),
  );
});

test('every family is there before the first tick, and even without a pool', async () => {
  const text = await createMetrics([], { version: '1.2.3' }).registry.metrics();
  for (const [name, { type }] of Object.entries(metricFamilies)) {
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
  }
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('nodejs_eventloop_lag_seconds');
  expect(text).not.toMatch(/nodejs_active_\w+_total/);
});

test('starts closed sets of labels at 0 for every pool, and leaves out what is not known', async () => {
  const series = await seriesOf(twoPools());
  for (const pool of ['worker', 'other']) {
    const start = `{pool="${pool}"`;
    for (const reason of limits)
      expect(series.get(`autoscaler_limited${start},reason="${reason}"}`)).toBe(0);
    for (const code of errorCodes)
      expect(series.get(`autoscaler_tick_errors_total${start},code="${code}"}`)).toBe(0);
    for (const outcome of outcomes)
      expect(series.get(`autoscaler_ticks_total${start},outcome="${outcome}"}`)).toBe(0);
    for (const action of ['scale-up', 'scale-down', 'hold'])
      expect(series.get(`autoscaler_decisions_total${start},action="${action}"}`)).toBe(0);
    expect(series.get(`autoscaler_tick_duration_seconds_count${start}}`)).toBe(0);
  }
  expect(series.get('autoscaler_workers_min{pool="worker"}')).toBe(1);
  expect(series.get('autoscaler_workers_max{pool="other"}')).toBe(4);
  expect(series.get('autoscaler_poll_interval_seconds{pool="worker"}')).toBe(60);
  expect(series.get('autoscaler_poll_interval_seconds{pool="other"}')).toBe(15);
  expect(series.get('autoscaler_target_wait_seconds{pool="other"}')).toBe(120);
  expect(series.has('autoscaler_target_wait_seconds{pool="worker"}')).toBe(false);
  const unknown = [...series.keys()].filter((name) =>
    /workers_(current|recommended|desired)|queue_|last_good|autoscaler_blind|heroku/.test(name),
  );
  expect(unknown).toEqual([]);
});

test('a tick shows what was seen and decided', async () => {
  const metrics = twoPools();
  metrics.recordTick(tick());
  const series = await seriesOf(metrics);
  const expected = {
    'autoscaler_queue_jobs{pool="worker",queue="mail",state="ready"}': 1240,
    'autoscaler_queue_jobs{pool="worker",queue="mail",state="active"}': 30,
    'autoscaler_queue_jobs{pool="worker",queue="mail",state="orphaned"}': 2,
    'autoscaler_queue_jobs{pool="worker",queue="mail",state="delayed"}': 7,
    'autoscaler_queue_jobs{pool="worker",queue="mail",state="paused"}': 0,
    'autoscaler_queue_oldest_wait_seconds{pool="worker",queue="mail"}': 41.5,
    'autoscaler_queue_paused{pool="worker",queue="mail"}': 0,
    'autoscaler_workers_current{pool="worker"}': 3,
    'autoscaler_workers_recommended{pool="worker"}': 13,
    'autoscaler_workers_desired{pool="worker"}': 10,
    'autoscaler_policy_workers{pool="worker",policy="ratio"}': 13,
    'autoscaler_policy_workers{pool="worker",policy="learned"}': 4,
    'autoscaler_limited{pool="worker",reason="max-workers"}': 1,
    'autoscaler_limited{pool="worker",reason="min-workers"}': 0,
    'autoscaler_limited{pool="other",reason="max-workers"}': 0,
    'autoscaler_blind{pool="worker"}': 0,
    'autoscaler_decisions_total{pool="worker",action="scale-up"}': 1,
    'autoscaler_decisions_total{pool="other",action="scale-up"}': 0,
    'autoscaler_ticks_total{pool="worker",outcome="scaled"}': 1,
    'autoscaler_tick_duration_seconds_sum{pool="worker"}': 0.25,
    'autoscaler_last_good_tick_timestamp_seconds{pool="worker"}':
      Date.UTC(2026, 0, 5, 12) / 1000 + 0.25,
  };
  for (const [name, value] of Object.entries(expected)) expect(series.get(name), name).toBe(value);
});

test('a limit that no longer applies goes back to 0', async () => {
  const metrics = twoPools();
  metrics.recordTick(tick());
  metrics.recordTick(tick({ decision: hold, outcome: 'held' }));
  const series = await seriesOf(metrics);
  expect(series.get('autoscaler_limited{pool="worker",reason="max-workers"}')).toBe(0);
});

test('the wait is 0 when nothing is ready, and absent when its age cannot be told', async () => {
  const metrics = twoPools();
  const name = 'autoscaler_queue_oldest_wait_seconds{pool="worker",queue="mail"}';
  const queues = (changes: Parameters<typeof reading>[0]) =>
    tick({ observation: observation({ queues: [reading(changes)] }) });

  metrics.recordTick(queues({ readyJobs: 0, oldestWaitSeconds: null }));
  expect((await seriesOf(metrics)).get(name)).toBe(0);
  metrics.recordTick(queues({ readyJobs: 5, oldestWaitSeconds: null }));
  expect((await seriesOf(metrics)).has(name)).toBe(false);
  metrics.recordTick(queues({ readyJobs: 5, oldestWaitSeconds: 3 }));
  expect((await seriesOf(metrics)).get(name)).toBe(3);
});

test('a queue that vanished or cannot be read takes its series along, and no other pool’s', async () => {
  const metrics = twoPools();
  const both = observation({ queues: [reading(), reading({ queue: 'sms' })] });
  metrics.recordTick(tick({ observation: both }));
  metrics.recordTick(tick({ pool: 'other', observation: both }));
  metrics.recordTick(
    tick({ observation: observation({ unreadableQueues: [{ queue: 'sms', why: '?' }] }) }),
  );

  const names = [...(await seriesOf(metrics)).keys()].filter((name) => name.includes('"sms"'));
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !name.includes('pool="other"'))).toEqual([]);
  expect((await seriesOf(metrics)).get('autoscaler_blind{pool="worker"}')).toBe(1);
});

test('a failed tick counts its error, removes what it could not see and keeps the last good time', async () => {
  const metrics = twoPools();
  metrics.recordTick(tick());
  metrics.recordTick(
    tick({
      outcome: 'failed',
      observation: null,
      decision: null,
      error: redisGone(),
      startedAtMs: Date.UTC(2026, 0, 6),
    }),
  );
  const series = await seriesOf(metrics);
  expect(series.get('autoscaler_tick_errors_total{pool="worker",code="QUEUE_UNREADABLE"}')).toBe(1);
  expect(series.get('autoscaler_ticks_total{pool="worker",outcome="failed"}')).toBe(1);
  expect(series.get('autoscaler_blind{pool="worker"}')).toBe(1);
  expect(series.get('autoscaler_last_good_tick_timestamp_seconds{pool="worker"}')).toBe(
    Date.UTC(2026, 0, 5, 12) / 1000 + 0.25,
  );
  const stale = [...series.keys()].filter(
    (name) => /workers_(current|recommended|desired)|queue_/.test(name) && name.includes('worker"'),
  );
  expect(stale).toEqual([]);
});

test('an error of the platform does not hide what was decided', async () => {
  const metrics = twoPools();
  metrics.recordTick(tick({ outcome: 'failed', error: refused() }));
  const series = await seriesOf(metrics);
  expect(series.get('autoscaler_tick_errors_total{pool="worker",code="TARGET_REJECTED"}')).toBe(1);
  expect(series.get('autoscaler_workers_desired{pool="worker"}')).toBe(10);
  expect(series.has('autoscaler_last_good_tick_timestamp_seconds{pool="worker"}')).toBe(false);
});

test('takes over how many jobs companions handed back, and lets the count begin anew when it was lost', async () => {
  const metrics = twoPools();
  const name = 'autoscaler_jobs_handed_back_total{pool="worker"}';
  const seen: (number | undefined)[] = [(await seriesOf(metrics)).get(name)];
  // A tick that did not look says nothing of the count.
  for (const handedBackJobs of [0, 57, null, 60, 2]) {
    const workers = { ...observation().workers, handedBackJobs };
    metrics.recordTick(tick({ observation: observation({ workers }) }));
    seen.push((await seriesOf(metrics)).get(name));
  }
  expect(seen).toEqual([undefined, 0, 57, 57, 60, 2]);
});

test('says for how long the tail is not relied on', async () => {
  const metrics = twoPools();
  const seen: (number | undefined)[] = [];
  const drain = {
    ...{ marked: [], cancelled: [], blocked: [], unknown: [], freedAfterSeconds: [] },
    tailUnknownSinceMs: 0,
  };
  const failed = { drain: null, outcome: 'failed', error: refused() } as const;
  for (const record of [tick({ drain }), tick(failed), tick({ drain: null })]) {
    metrics.recordTick(record);
    seen.push((await seriesOf(metrics)).get('autoscaler_tail_unknown{pool="worker"}'));
  }
  expect(seen).toEqual([1, 1, 0]);
});

test('replies of Heroku are counted, and an unknown number of remaining calls leaves the last known', async () => {
  const metrics = twoPools();
  const reply = { method: 'GET', status: 200, durationSeconds: 0.12, remainingCalls: 4321 };
  metrics.recordHerokuReply(reply);
  metrics.recordHerokuReply({ ...reply, method: 'PATCH', status: 422, remainingCalls: null });
  const series = await seriesOf(metrics);
  expect(series.get('autoscaler_heroku_requests_total{method="GET",status="200"}')).toBe(1);
  expect(series.get('autoscaler_heroku_requests_total{method="PATCH",status="422"}')).toBe(1);
  expect(series.get('autoscaler_heroku_request_duration_seconds_sum{method="GET"}')).toBe(0.12);
  expect(series.get('autoscaler_heroku_remaining_calls')).toBe(4321);
});

test('names of queues are escaped, not trusted', async () => {
  const metrics = twoPools();
  metrics.recordTick(
    tick({ observation: observation({ queues: [reading({ queue: 'a"b\\c\nd' })] }) }),
  );
  const text = await metrics.registry.metrics();
  expect(text).toContain('queue="a\\"b\\\\c\\nd"');
});

test('who acts for a pool is told, and how often that changed', async () => {
  const metrics = twoPools();
  for (const isLeader of [false, true, true, false, true])
    metrics.recordLeadership('worker', isLeader);
  const series = await seriesOf(metrics);
  expect(series.get('autoscaler_leader{pool="worker"}')).toBe(1);
  expect(series.get('autoscaler_lease_changes_total{pool="worker"}')).toBe(3);
  expect(series.get('autoscaler_leader{pool="other"}')).toBe(0);
  expect(series.get('autoscaler_lease_changes_total{pool="other"}')).toBe(0);
});

test('a person’s number is told as long as it is respected, also while a tick comes to no decision', async () => {
  const metrics = twoPools();
  const respected = { ...hold, manualHold: { workers: 3, untilMs: 1, why: 'someone set 3' } };
  const told = async () => (await seriesOf(metrics)).get('autoscaler_manual_hold{pool="worker"}');
  expect(await told()).toBe(0);
  metrics.recordTick(tick({ decision: respected }));
  expect(await told()).toBe(1);
  metrics.recordTick(
    tick({ decision: null, observation: null, error: redisGone(), outcome: 'failed' }),
  );
  expect(await told()).toBe(1);
  metrics.recordTick(tick({ decision: hold }));
  expect(await told()).toBe(0);
});

test('shows what operators changed, also while a tick cannot tell what they did', async () => {
  const metrics = twoPools();
  const by = { by: 'anna', setAtMs: 1, untilMs: 2 };
  const settings = [{ ...by, setting: 'minWorkers', text: '5', value: 5 } as const];
  const pause = { ...by, why: 'paused by anna' };
  const changed = policy({ minWorkers: 5, maxWorkers: 20, leading: 'learned', pause });
  const told = async () => {
    const series = await seriesOf(metrics);
    return [
      series.get('autoscaler_workers_min{pool="worker"}'),
      series.get('autoscaler_workers_max{pool="worker"}'),
      series.get('autoscaler_target_wait_seconds{pool="worker"}'),
      series.get('autoscaler_paused{pool="worker"}'),
      series.get('autoscaler_override{pool="worker",setting="minWorkers"}'),
      series.get('autoscaler_override{pool="worker",setting="maxWorkers"}'),
    ];
  };
  expect(await told()).toEqual([1, 10, undefined, 0, 0, 0]);
  metrics.recordTick(tick({ policy: changed, overrides: { ...noOverrides, pause: by, settings } }));
  expect(await told()).toEqual([5, 20, 120, 1, 1, 0]);
  metrics.recordTick(
    tick({ policy: null, overrides: null, decision: null, error: redisGone(), outcome: 'failed' }),
  );
  expect(await told()).toEqual([5, 20, 120, 1, 1, 0]);
  metrics.recordTick(tick());
  expect(await told()).toEqual([1, 10, undefined, 0, 0, 0]);
});

test('shows until when the pool is paused, unless nobody said so', async () => {
  const metrics = twoPools();
  const toldOf = async (pause: Policy['pause']) => {
    metrics.recordTick(tick({ policy: policy({ pause }), overrides: noOverrides }));
    const series = await seriesOf(metrics);
    return series.get('autoscaler_pause_end_timestamp_seconds{pool="worker"}');
  };
  const by = { by: 'anna', why: 'paused by anna', setAtMs: 1_000 };
  expect(await toldOf({ ...by, untilMs: 1_000 + lastsMsMax - 1_000 })).toBe(lastsMsMax / 1000);
  expect(await toldOf({ ...by, untilMs: 1_000 + lastsMsMax })).toBeUndefined();
  expect(await toldOf({ ...by, untilMs: 61_000 })).toBe(61);
  expect(await toldOf({ ...by, by: null, setAtMs: null, untilMs: null })).toBeUndefined();
  expect(await toldOf({ ...by, untilMs: 61_000 })).toBe(61);
  expect(await toldOf(null)).toBeUndefined();
});

test('queues with stuck work are counted by kind, also while a tick comes to no decision', async () => {
  const metrics = twoPools();
  const counts = async () => {
    const series = await seriesOf(metrics);
    return ['orphaned', 'no-progress'].map((kind) =>
      series.get(`autoscaler_stuck_queues{pool="worker",kind="${kind}"}`),
    );
  };
  expect(await counts()).toEqual([0, 0]);
  const stuck = [orphans, { ...orphans, queue: 'sms' }];
  metrics.recordTick(tick({ decision: { ...hold, stuck } }));
  expect(await counts()).toEqual([2, 0]);
  metrics.recordTick(
    tick({ decision: null, observation: null, error: redisGone(), outcome: 'failed' }),
  );
  expect(await counts()).toEqual([2, 0]);
  metrics.recordTick(tick({ decision: null, observation: null, outcome: 'not-leader' }));
  expect(await counts()).toEqual([0, 0]);
});

test('the lag of the event loop is absent before it was measured', async () => {
  const metrics = twoPools();
  const lag = async () => (await seriesOf(metrics)).get('autoscaler_event_loop_lag_seconds');
  expect(await lag()).toBeUndefined();
  metrics.recordEventLoopLag(0.25);
  expect(await lag()).toBe(0.25);
});

test('the times of jobs that ended are counted by queue, over failures too, until the queue is gone', async () => {
  const metrics = twoPools();
  const finished = [
    { jobName: 'a', durationSeconds: 2, waitSeconds: 40 },
    { jobName: null, durationSeconds: 3, waitSeconds: null },
  ];
  metrics.recordTick(tick({ observation: observation({ queues: [reading({ finished })] }) }));
  metrics.recordTick(tick({ observation: null, decision: null, error: redisGone() }));
  const blind = observation({
    queues: [],
    unreadableQueues: [{ queue: 'mail', why: 'WRONGTYPE' }],
  });
  metrics.recordTick(tick({ observation: blind }));
  const series = await seriesOf(metrics);
  const labels = '{pool="worker",queue="mail"}';
  expect(series.get(`autoscaler_job_service_seconds_count${labels}`)).toBe(2);
  expect(series.get(`autoscaler_job_service_seconds_sum${labels}`)).toBe(5);
  expect(series.get(`autoscaler_job_wait_seconds_sum${labels}`)).toBe(40);
  expect(series.get(`autoscaler_job_wait_seconds_count${labels}`)).toBe(1);
  expect(series.get(`autoscaler_job_total_seconds_sum${labels}`)).toBe(42);

  metrics.recordTick(tick({ observation: observation({ queues: [] }) }));
  const left = [...(await seriesOf(metrics)).keys()];
  expect(left.filter((key) => key.startsWith('autoscaler_job_'))).toEqual([]);
});

test('a pool of very many queues shows the times of fifty', async () => {
  const metrics = twoPools();
  const finished = [{ jobName: null, durationSeconds: 3, waitSeconds: null }];
  const queues = Array.from({ length: 80 }, (_, index) =>
    reading({ queue: `queue-${index}`, finished }),
  );
  metrics.recordTick(tick({ observation: observation({ queues }) }));
  const keys = [...(await seriesOf(metrics)).keys()];
  const counts = keys.filter((key) => key.startsWith('autoscaler_job_service_seconds_count'));
  expect(counts).toHaveLength(50);
});
