import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/commands/check/answer.ts';
import { bullmqWorkersIn, type BullmqWorker } from '../../src/queues/bullmq/connected-workers.ts';
import {
  judgeConnectionBudget,
  judgeCost,
  judgeWorkerBudget,
} from '../../src/commands/check/budget-findings.ts';
import { judgeConfiguration, judgePool } from '../../src/commands/check/configuration-findings.ts';
import { judgeConnections } from '../../src/commands/check/connection-findings.ts';
import { fixFrom, type Remark } from '../../src/commands/check/finding.ts';
import { judgeProcessType, judgeToken } from '../../src/commands/check/heroku-findings.ts';
import { judgeOverrides } from '../../src/commands/check/override-findings.ts';
import { judgeQueues } from '../../src/commands/check/queue-findings.ts';
import type { RedisFacts, RedisInfo } from '../../src/commands/check/redis-facts.ts';
import { judgeQueueServer, judgeReach } from '../../src/commands/check/redis-findings.ts';
import { judgeSchedule } from '../../src/commands/check/schedule-findings.ts';
import { judgeInsight, judgeWorkers } from '../../src/commands/check/worker-findings.ts';
import { loadConfig, type PoolConfig } from '../../src/config/load.ts';
import { noOverrides, type Overrides, type Setting } from '../../src/decision/overrides.ts';
import { OperationalError } from '../../src/errors.ts';
import type { ProcessType } from '../../src/targets/heroku/shapes.ts';
import { reading } from '../support/builders.ts';

const howToSet = (name: string, value: string | number) => `set ${name}=${String(value)}`;

function poolWith(environment: Readonly<Record<string, string>> = {}): PoolConfig {
  const least = { REDIS_URL: 'redis://localhost', QUEUES: 'emails', DRY_RUN: 'true' };
  const [pool] = loadConfig({ ...least, ...environment }, () => '').pools;
  if (pool === undefined) throw new Error('There is always one pool.');
  return pool;
}

const levels = (remarks: readonly Remark[]) => remarks.map(({ level }) => level);
const text = (remarks: readonly Remark[]) => remarks.map(({ message }) => message).join('\n');
const fixes = (remarks: readonly Remark[]) =>
  remarks.map((remark) => (remark.level === 'ok' ? '' : remark.fix)).join('\n');
const friday = Date.parse('2026-11-27T12:00:00Z');
const answer = <T>(value: T): Answer<T> => ({ value, error: null });

describe('the workers in CLIENT LIST', () => {
  const listOf = (...names: string[]) =>
    names
      .map((name) => `id=1 addr=10.0.0.1:5000 fd=8 name=${name} age=3 lib-name=ioredis`)
      .join('\n');
  const queue = Buffer.from('emails').toString('base64');

  test('are those whose connections are named as BullMQ names them', () => {
    expect(
      bullmqWorkersIn(
        listOf(`bull:${queue}`, `a:b:${queue}:w:worker.1`, `bull:${queue}:w:x:y`, '', 'a-client'),
      ),
    ).toEqual([
      { prefix: 'bull', queue: 'emails', name: null },
      { prefix: 'a:b', queue: 'emails', name: 'worker.1' },
      { prefix: 'bull', queue: 'emails', name: 'x:y' },
    ]);
  });

  test('do not include the connections that only listen to events', () => {
    const found = bullmqWorkersIn(listOf(`bull:${queue}:qe`));
    expect(found.filter(({ prefix }) => prefix === 'bull')).toEqual([]);
  });
});

describe('the judgement of a schedule', () => {
  const judged = (SCHEDULE: string) => text(judgeSchedule(poolWith({ SCHEDULE }), friday));

  test('says what counts now and what changes next', () => {
    const windows =
      'mon-fri 08:00-18:00 Europe/Berlin minWorkers=5; sat,sun 00:00-24:00 UTC targetWait=2m';
    expect(judged(windows).split('\n')).toEqual([
      'Schedule: now 5 to 10 workers (mon-fri 08:00-18:00 Europe/Berlin)',
      'Schedule: from 2026-11-27 18:00 Europe/Berlin 1 to 10 workers',
      'Schedule: from 2026-11-28 00:00 UTC 1 to 10 workers, target 2m (sat,sun 00:00-24:00 UTC)',
      'Schedule: from 2026-11-30 00:00 UTC 1 to 10 workers',
      'Schedule: from 2026-11-30 08:00 Europe/Berlin 5 to 10 workers (mon-fri 08:00-18:00 Europe/Berlin)',
    ]);
  });

  test('says that nothing changes soon, and nothing where there is none', () => {
    expect(judged('2027-05-01 08:00-18:00 UTC minWorkers=5')).toBe(
      'Schedule: now 1 to 10 workers; nothing changes within a week',
    );
    expect(judgeSchedule(poolWith(), friday)).toEqual([]);
  });
});

describe('the judgement of a pool', () => {
  const judged = (environment: Readonly<Record<string, string>>) =>
    judgePool(poolWith(environment), howToSet);

  test('tells how often to look where looks are too rare for the target wait', () => {
    const remarks = judged({ TARGET_WAIT: '2m' });
    expect(levels(remarks)).toEqual(['warning', 'ok', 'ok']);
    expect(text(remarks)).toContain('POLL_INTERVAL=1m is long for TARGET_WAIT=2m');
    expect(fixes(remarks)).toContain('set POLL_INTERVAL=30s');
    expect(levels(judged({ TARGET_WAIT: '2m', POLL_INTERVAL: '15s' }))).toEqual(['ok', 'ok']);
    expect(levels(judged({}))).toEqual(['ok', 'ok']);
  });

  test('is not given twice', () => {
    const least = { REDIS_URL: 'redis://localhost', QUEUES: 'emails', DRY_RUN: 'true' };
    expect(judgeConfiguration(loadConfig({ ...least, TARGET_WAIT: '2m' }, () => ''))).toEqual([]);
  });
});

describe('the judgement of a Redis server', () => {
  const info: RedisInfo = {
    version: '7.0.15',
    role: 'master',
    usedMemoryBytes: 1_000_000,
    maxMemoryBytes: 0,
    maxMemoryPolicy: 'noeviction',
  };
  const server = (url: string) => ({
    url,
    rejectUnauthorized: true,
    queuePools: [poolWith()],
    statePools: [],
  });
  const facts = (known: Partial<RedisInfo>): RedisFacts => ({
    latencyMs: 1,
    info: answer({ ...info, ...known }),
    script: answer(1),
    workers: [],
    census: { whyUnknown: 'it does not say' },
    companions: [],
    write: null,
    overrides: new Map(),
    queues: new Map(),
  });

  test.each([
    ['3.2.12', 'problem'],
    ['4.0.14', 'problem'],
    ['5.0.0', 'warning'],
    ['6.0.20', 'warning'],
    ['6.2.0', undefined],
    ['10.1.0', undefined],
  ])('of version %s is %s', (version, level) => {
    expect(levels(judgeQueueServer(server('redis://localhost'), facts({ version })))[0]).toBe(
      level,
    );
  });

  test.each([
    ['redis://10.0.0.1:6379', true, true],
    ['redis://10.0.0.1:6379', false, false],
    ['redis://localhost:6379', true, false],
    ['redis://127.0.0.1:6379', true, false],
    ['redis://[::1]:6379', true, false],
    ['rediss://10.0.0.1:6379', true, false],
  ])('of %s, on Heroku: %s, warns: %s', (url, isOnHeroku, warns) => {
    const remarks = judgeReach(server(url), answer(facts({})), { name: 'Redis', isOnHeroku });
    expect(levels(remarks)).toEqual(warns ? ['ok', 'warning'] : ['ok']);
  });

  test('takes the percent-encoding out of the name of the user who lacks a permission', () => {
    const error = new OperationalError('QUEUE_UNREADABLE', 'NOPERM eval', { hint: '' });
    const refused: RedisFacts = { ...facts({}), script: { value: null, error } };
    const remarks = judgeQueueServer(server('redis://r%2Bb:secret@localhost'), refused);
    expect(fixes(remarks)).toContain('ACL SETUSER r+b ');
  });
});

describe('the judgement of connections', () => {
  const worker = (queue: string, name: string | null): BullmqWorker => ({
    prefix: 'bull',
    queue,
    name,
  });
  const judge = (
    pools: readonly PoolConfig[],
    workers: readonly BullmqWorker[] | null,
    connections: number,
  ) =>
    judgeConnections({
      ...{ pools, workers, howToSet },
      census: { connections, maxConnections: 20, clients: null },
    });

  test('counts two for each queue as long as no worker with a name is seen', () => {
    const pool = poolWith({ QUEUES: 'emails,reports', MAX_WORKERS: '4' });
    expect(text(judge([pool], null, 3))).toContain('19 connections are needed (4 × 4 for workers');
    expect(text(judge([pool], [worker('emails', null)], 5))).toContain('(4 × 4 for workers, 3 for');
  });

  test('counts what the worker has that has most', () => {
    const pool = poolWith({ QUEUES: '*', MAX_WORKERS: '4' });
    const seen = ['a', 'b', 'c'].map((queue) => worker(queue, 'worker.1'));
    const remarks = judge([pool], [...seen, worker('a', 'worker.2')], 8);
    expect(text(remarks)).toContain('24 connections are needed (4 × 6 for workers, 0 for others)');
    expect(fixes(remarks)).toContain('set MAX_WORKERS=3');
  });

  test('adds up the pools of a server, and names no number when there is no room for any', () => {
    const pools = [poolWith({ MAX_WORKERS: '5' }), poolWith({ QUEUES: 'b', MAX_WORKERS: '6' })];
    expect(fixes(judge(pools, [], 1))).toContain('lower MAX_WORKERS of these pools');
    expect(fixes(judge([poolWith()], [], 20))).not.toContain('set MAX_WORKERS');
  });

  test('is silent where the server does not tell its limit', () => {
    const census = { whyUnknown: 'it does not say' };
    expect(judgeConnections({ pools: [poolWith()], workers: [], census, howToSet })).toEqual([]);
  });
});

describe('the judgement of a share of the connections', () => {
  const worker = (dyno: number) => ({
    address: `10.0.0.${String(dyno)}`,
    worker: { prefix: 'bull', queue: 'emails', name: `worker.${String(dyno)}` },
    isDaemons: false,
  });
  const judge = (
    environment: Readonly<Record<string, string>>,
    census: Parameters<typeof judgeConnectionBudget>[0]['census'],
  ) => {
    const pool = poolWith({ CONNECTION_BUDGET: '50%', ...environment });
    return judgeConnectionBudget({ pool, census, currentWorkers: null, howToSet });
  };
  /** Three workers with a connection each, and two connections of others. */
  const census = {
    ...{ connections: 5, maxConnections: 20, clients: [worker(1), worker(2), worker(3)] },
  };

  test('says for how many workers it is enough now', () => {
    const remarks = judge({ MAX_WORKERS: '8' }, census);
    expect(levels(remarks)).toEqual(['ok']);
    expect(text(remarks)).toContain('enough for 8 workers');
  });

  test('warns when that is less than the pool may have, or must', () => {
    const remarks = judge({ MAX_WORKERS: '9' }, census);
    expect(levels(remarks)).toEqual(['warning']);
    expect(text(remarks)).toContain('enough for 8 workers, fewer than MAX_WORKERS=9');
    expect(fixes(remarks)).toContain('set MAX_WORKERS=8');
    const tooMany = judge({ MIN_WORKERS: '9' }, census);
    expect(text(tooMany)).toContain('fewer than MIN_WORKERS=9, which count');
    expect(fixes(tooMany)).toContain('set MIN_WORKERS=8');
    const full = judge({ CONNECTION_BUDGET: '100%' }, { ...census, connections: 40 });
    expect(fixes(full)).toBe('Take a plan with more connections (heroku addons:upgrade)');
  });

  test('warns when Redis will never say it, and waits where a worker will tell', () => {
    const never = judge({}, { whyUnknown: 'nobody can tell' });
    expect(levels(never)).toEqual(['warning']);
    expect(text(never)).toBe('Nobody can tell: CONNECTION_BUDGET limits nothing');
    expect(levels(judge({ QUEUES: '*' }, { ...census, clients: [] }))).toEqual(['ok']);
  });
});

const setBy = (by: string, setting: Setting, value: number, hours: number): Overrides => {
  const untilMs = friday + hours * 3_600_000;
  const override = { setting, value, text: String(value), by, setAtMs: friday, untilMs };
  return { ...noOverrides, settings: [override] };
};

describe('what operators changed', () => {
  const judge = (overrides: Overrides, isOnlyPool = true) =>
    judgeOverrides({ pool: poolWith(), overrides }, friday, isOnlyPool);

  test('is told, and a pause is a warning, because nothing happens meanwhile', () => {
    const set = setBy('anna', 'minWorkers', 12, 2);
    expect(judge(set)).toEqual([
      { level: 'ok', message: 'minWorkers=12, set by anna until 14:00 UTC' },
    ]);
    const pause = { by: 'anna', setAtMs: friday, untilMs: friday + 3_600_000 };
    const paused = judge({ ...noOverrides, pause }, false);
    expect(text(paused)).toBe('Nothing is changed: paused by anna until 13:00 UTC');
    expect(fixes(paused)).toBe('backlog-autoscaler resume --pool worker');
    expect(fixes(judge({ ...noOverrides, damaged: ['maxWorkers'] }))).toBe(
      'backlog-autoscaler unset maxWorkers',
    );
    expect(judge({ ...noOverrides, pause: { ...pause, untilMs: friday } })).toEqual([]);
  });
});

describe('the judgement of workers that pools share', () => {
  const judge = (pools: string, overrides = noOverrides) => {
    const least = { REDIS_URL: 'redis://localhost', QUEUES: 'emails', DRY_RUN: 'true' };
    const environment = { ...least, WORKER_BUDGET: '10', POOLS_FILE: 'pools.yml' };
    const config = loadConfig(environment, () => `pools: [${pools}]`);
    const changed = config.pools.map((pool) => ({ pool, overrides }));
    return judgeWorkerBudget(config.process.WORKER_BUDGET, changed, friday);
  };
  const scheduled = (name: string, schedule: string) =>
    `{ name: ${name}, processType: ${name}, minWorkers: 2, maxWorkers: 8, schedule: '${schedule}' }`;

  test('says what they could have without the budget', () => {
    expect(text(judge('{ name: a, processType: a }, { name: b, processType: b }'))).toBe(
      'All pools together have at most 10 workers (WORKER_BUDGET); their own maximums add up to 20',
    );
    expect(text(judge('{ name: a, processType: a }'))).toMatch(/add up to 10: it limits nothing$/);
  });

  test('warns of the moment from which schedules ask for more, and says what would be enough', () => {
    const remarks = judge(
      [
        scheduled('a', 'mon 08:00-18:00 UTC minWorkers=6'),
        scheduled('b', 'mon 08:00-10:00 UTC minWorkers=5; mon 10:00-12:00 UTC minWorkers=7'),
      ].join(),
    );
    expect(levels(remarks)).toEqual(['warning']);
    expect(text(remarks)).toContain(
      'From 2026-11-30 08:00 UTC on the minimums add up to 11 workers',
    );
    expect(fixes(remarks)).toBe(
      'heroku config:set WORKER_BUDGET=13, or lower a minWorkers=6 (schedule, mon 08:00-18:00 UTC), b minWorkers=5 (schedule, mon 08:00-10:00 UTC)',
    );
    const apart = [
      scheduled('a', 'mon 08:00-10:00 UTC minWorkers=6'),
      scheduled('b', 'mon 10:00-12:00 UTC minWorkers=7'),
    ];
    expect(levels(judge(apart.join()))).toEqual(['ok']);
  });

  test('counts the minimums that were set, for as long as they hold', () => {
    const pools = '{ name: a, processType: a, maxWorkers: 20 }';
    const remarks = judge(pools, setBy('anna', 'minWorkers', 12, 2));
    expect(text(remarks)).toBe(
      'Now the minimums add up to 12 workers, more than WORKER_BUDGET=10: they count, and the budget is exceeded',
    );
    expect(fixes(remarks)).toBe(
      'heroku config:set WORKER_BUDGET=12, or lower a minWorkers=12 (set by anna until 14:00 UTC)',
    );
    expect(levels(judge(pools, setBy('anna', 'minWorkers', 12, 0)))).toEqual(['ok']);
  });
});

describe('the values that a pool is run with', () => {
  test('say what it aims at, as it was typed', () => {
    const judge = (environment: Readonly<Record<string, string>>) =>
      text(judgePool(poolWith(environment), howToSet));
    expect(judge({})).toContain('10 workers, one for every 100 ready jobs, a look');
    expect(judge({ TARGET_WAIT: '90s', POLL_INTERVAL: '15s' })).toContain(
      '1 to 10 workers, as many as start jobs within 90s, a look every 15s, scaling down waits 0s',
    );
    const SCHEDULE = 'daily 00:00-24:00 UTC targetWait=150s';
    expect(text(judgeSchedule(poolWith({ SCHEDULE }), friday))).toContain('target 150s');
  });
});

describe('the judgement of costs', () => {
  const judge = (
    size: string | null,
    environment: Readonly<Record<string, string>> = {},
    overrides = noOverrides,
  ) => {
    const type = { type: 'worker', quantity: 1, size };
    const pool = poolWith(environment);
    return judgeCost({ pool, overrides }, { app: 'shop', howToSet, type, nowMs: friday });
  };

  test.each([
    ['Standard-1X', {}, [], ''],
    [
      'Eco',
      {},
      ['ok'],
      'What Eco dynos cost is not known: their hours are counted, but no dollars',
    ],
    ['Eco', { COST_BUDGET: '50' }, ['warning'], ': COST_BUDGET=50 limits nothing'],
    [null, { COST_BUDGET: '50' }, ['warning'], 'dynos of an unknown size cost'],
    ['Standard-1X', { COST_BUDGET: '50' }, ['ok'], 'pays for 2 workers all month'],
    ['Standard-1X', { COST_BUDGET: '250' }, ['ok'], '; it limits nothing'],
    ['Standard-2X', { COST_BUDGET: '10' }, ['warning'], 'does not pay for MIN_WORKERS=1'],
  ])('of %s dynos with %j is %j', (size, environment, expected, said) => {
    const remarks = judge(size, environment);
    expect(levels(remarks)).toEqual(expected);
    expect(text(remarks)).toContain(said);
  });

  test('says what a month of the minimum costs, or how many the money pays for', () => {
    const environment = { COST_BUDGET: '120', MIN_WORKERS: '5' };
    expect(fixes(judge('Standard-2X', environment))).toBe(
      'set COST_BUDGET=250, or set MIN_WORKERS=2',
    );
    expect(fixes(judge('Performance-L', environment))).toBe('set COST_BUDGET=2500');
  });

  test('counts what the schedule and operators ask for in the month to come, hour by hour', () => {
    // Each of its 30 days has 6 hours at 4 workers more.
    const SCHEDULE = 'daily 08:00-14:00 UTC minWorkers=5';
    const scheduled = (COST_BUDGET: string) =>
      judge('Standard-1X', { COST_BUDGET, SCHEDULE, MIN_WORKERS: '1' });
    expect(levels(scheduled('50'))).toEqual(['ok']);
    const remarks = scheduled('49');
    expect(levels(remarks)).toEqual(['warning']);
    expect(text(remarks)).toContain(
      'COST_BUDGET=49 does not pay for the minimum of the next 30 days, 1,440 worker-hours for $50,',
    );
    expect(fixes(remarks)).toBe(
      'set COST_BUDGET=50, or lower minWorkers (schedule, daily 08:00-14:00 UTC)',
    );
    const forTenDays = setBy('anna', 'minWorkers', 4, 10 * 24);
    expect(levels(judge('Standard-1X', { COST_BUDGET: '50' }, forTenDays))).toEqual(['ok']);
    expect(fixes(judge('Standard-1X', { COST_BUDGET: '49' }, forTenDays))).toBe(
      'set COST_BUDGET=50, or lower minWorkers (set by anna until 2026-12-07 12:00 UTC)',
    );
  });
});

describe('the judgement of queues', () => {
  test('gives the busiest of many a line each and counts the others', () => {
    const queues = Array.from({ length: 30 }, (_, index) =>
      reading({ queue: `q${String(index)}`, readyJobs: index }),
    );
    const names = queues.map(({ queue }) => queue);
    const facts = {
      reading: answer({ queues, unreadableQueues: [] }),
      heardDynos: answer([]),
      knownQueues: answer(names),
    };
    const lines = text(judgeQueues(poolWith({ QUEUES: '*' }), facts, howToSet)).split('\n');
    expect(lines).toHaveLength(22);
    expect(lines[0]).toContain('* stands for 30 queues: q0, q1');
    expect(lines[1]).toContain('q29: 29 ready jobs');
    expect(lines.at(-1)).toContain('10 queues more');
  });

  test('says so when names cannot be compared, and doubts none then', () => {
    const error = new OperationalError('QUEUE_UNREADABLE', 'NOPERM scan', { hint: 'Allow it.' });
    const facts = {
      reading: answer({ queues: [reading()], unreadableQueues: [] }),
      heardDynos: answer([]),
      knownQueues: { value: null, error },
    };
    const remarks = judgeQueues(poolWith(), facts, howToSet);
    expect(levels(remarks)).toEqual(['warning', 'ok']);
    expect(text(remarks)).toContain('Whether a queue’s name is misspelled cannot be told');
  });
});

describe('the judgement of workers', () => {
  const judge = (
    names: readonly (string | null)[],
    processTypes = ['worker'],
    known: Partial<Parameters<typeof judgeWorkers>[0]> = {},
  ) =>
    judgeWorkers({
      pool: poolWith(),
      ...{ heardDynos: [], strayCompanions: [] },
      queues: [],
      workers: names.map((name) => ({ prefix: 'bull', queue: 'emails', name })),
      processTypes,
      currentWorkers: null,
      ...known,
    });

  test.each([
    ['auto', 'scaling down may interrupt jobs (PROTECT_JOBS=strict would'],
    ['strict', 'none is removed (PROTECT_JOBS=strict)'],
    ['off', 'in any case (PROTECT_JOBS=off)'],
  ])('says what becomes of dynos without names when protection is %s', (protection, said) => {
    const remarks = judge([null], ['worker'], { pool: poolWith({ PROTECT_JOBS: protection }) });
    expect(levels(remarks)).toEqual(['warning']);
    expect(text(remarks)).toContain(said);
    expect(fixes(remarks)).toContain('joinPool');
  });

  test('needs no names where every dyno has a companion', () => {
    const heardDynos = ['worker.1', 'worker.2', 'worker.2'];
    expect(levels(judge([null], ['worker'], { heardDynos, currentWorkers: 2 }))).toEqual(['ok']);
    const some = judge([null], ['worker'], { heardDynos, currentWorkers: 3 });
    expect(levels(some)).toEqual(['ok', 'warning']);
    expect(text(some)).toContain('2 companions heard of: worker.1, worker.2');
  });

  test('tells companions that speak to another pool how to speak to this one', () => {
    const strayCompanions = ['mailer.1'];
    const remarks = judge(['worker.1'], ['worker'], { strayCompanions });
    expect(levels(remarks)).toEqual(['warning', 'ok']);
    expect(text(remarks)).toContain('Companions of mailer.1 are connected, but none speaks');
    expect(fixes(remarks)).toContain('config:set POOL=worker ');
    const heardDynos = ['worker.1'];
    expect(levels(judge([], ['worker'], { strayCompanions, heardDynos }))).toEqual(['ok']);
  });

  test.each([
    ['worker.1', 'ok'],
    ['worker-23z34x56y-w78k9', 'ok'],
    ['worker', 'warning'],
    ['worker.1.2', 'warning'],
    ['workers.1', 'warning'],
    ['web.1', 'warning'],
  ])('takes the name %s as %s', (name, level) => {
    expect(levels(judge([name]))).toEqual([level]);
  });

  test('accepts the dynos of another pool that serves the same queue', () => {
    expect(levels(judge(['worker.1', 'heavy.2'], ['worker', 'heavy']))).toEqual(['ok']);
  });
});

describe('the judgement of Heroku’s limits', () => {
  const judge = (
    formation: readonly ProcessType[],
    environment: Readonly<Record<string, string>>,
    otherPools: readonly PoolConfig[] = [],
  ) => {
    const pool = poolWith(environment);
    const remarks = judgeProcessType({ app: 'shop', pool, formation, otherPools, howToSet });
    return remarks.slice(1);
  };
  const workersOf = (size: string | null): ProcessType => ({ type: 'worker', quantity: 1, size });

  test.each([
    ['Eco', 1],
    ['basic', 1],
    ['Standard-1X', 100],
    ['Performance-L', 10],
    ['Private-M', 10],
    ['shield-s', 10],
    ['dyno-2c-1gb', 255],
    [null, 100],
  ])('lets %s have %i dynos of a type, and warns of one more', (size, limit) => {
    expect(judge([workersOf(size)], { MAX_WORKERS: String(limit) })).toEqual([]);
    const beyond = judge([workersOf(size)], { MAX_WORKERS: String(limit + 1) });
    expect(levels(beyond)).toEqual(['warning']);
    expect(fixes(beyond)).toContain(`set MAX_WORKERS=${String(limit)}, or `);
  });

  test('proposes a size to those that allow a single dyno', () => {
    expect(fixes(judge([workersOf('Basic')], { MAX_WORKERS: '5' }))).toContain(
      'heroku ps:type standard-1x -a shop',
    );
  });

  test('proposes no maximum below the minimum, nor one of none', () => {
    const standing = { ...workersOf('Eco'), type: 'web', quantity: 2 };
    const above = judge([workersOf('Eco')], { MIN_WORKERS: '2', MAX_WORKERS: '5' });
    expect(fixes(above)).toContain('set MIN_WORKERS=1, then set MAX_WORKERS=1, or ');
    const none = judge([workersOf('Eco'), standing], { MAX_WORKERS: '1' });
    expect(fixes(none)).toMatch(/^Leave fewer dynos to the other process types, or take a size/);
  });

  test('leaves to a type what the other types of the app have, or may be scaled to', () => {
    const formation = [
      workersOf('Standard-1X'),
      { type: 'web', quantity: 8, size: 'Standard-1X' },
      { type: 'heavy', quantity: 1, size: 'Standard-2X' },
    ];
    const heavy = poolWith({ PROCESS_TYPE: 'heavy', MAX_WORKERS: '20' });
    expect(judge(formation, { MAX_WORKERS: '72' }, [heavy])).toEqual([]);
    const remarks = judge(formation, { MAX_WORKERS: '73' }, [heavy]);
    expect(text(remarks)).toContain(
      '100 dynos for the app, and its other process types may take 28',
    );
    expect(fixes(remarks)).toContain('set MAX_WORKERS=72');
  });

  test('says that nothing was deployed to an app without process types', () => {
    const pool = poolWith();
    const remarks = judgeProcessType({ app: 'a', pool, formation: [], otherPools: [], howToSet });
    expect(levels(remarks)).toEqual(['problem']);
    expect(text(remarks)).toContain('nothing was deployed');
  });
});

describe('the judgement of the token', () => {
  const judge = (scope: string | null) =>
    judgeToken({ statuses: [200], scope, remainingCalls: null, apps: [] }, []);

  test.each([
    ['global', 'ok'],
    ['read write', 'ok'],
    ['write-protected', 'ok'],
    [null, 'ok'],
    ['read', 'problem'],
    ['identity read-protected', 'problem'],
  ])('takes the scope %s as %s', (scope, level) => {
    expect(levels(judge(scope))[0]).toBe(level);
  });

  test('says that many pools will look less often than they would', () => {
    const pools = Array.from({ length: 12 }, () => poolWith({ POLL_INTERVAL: '1s' }));
    const remarks = judgeToken(
      { statuses: [200], scope: null, remainingCalls: null, apps: [] },
      pools,
    );
    expect(text(remarks)).toContain(
      'About 1,800 API calls an hour will be used, 40 % of the account’s 4,500, which are shared by all that uses it; looking at the workers whenever it is time would take 4,320, so it will be done less often',
    );
  });

  test.each([
    [12, '1s', '1m'],
    [16, '1m', '2m'],
    [3, '10s', '15s'],
  ])(
    'proposes for %i pools that look every %s an interval that is long enough',
    (count, interval, proposed) => {
      const judged = (POLL_INTERVAL: string) => {
        const pools = Array.from({ length: count }, () => poolWith({ POLL_INTERVAL }));
        const facts = { statuses: [200], scope: null, remainingCalls: null, apps: [] };
        return judgeToken(facts, pools);
      };
      expect(fixes(judged(interval))).toContain(`set POLL_INTERVAL=${proposed}`);
      expect(levels(judged(proposed))).toEqual(['ok', 'ok']);
    },
  );

  test('says nothing of a token when nobody could judge it', () => {
    const facts = { scope: null, remainingCalls: null, apps: [] };
    expect(judgeToken({ ...facts, statuses: [] }, [])).toEqual([]);
    expect(judgeToken({ ...facts, statuses: [503, 429] }, [])).toEqual([]);
  });
});

test('no fix speaks of ticks to somebody who runs check', () => {
  const sources = ['src/deadline.ts', 'src/redis.ts'].concat(
    readdirSync('src/targets/heroku').map((name) => join('src/targets/heroku', name)),
  );
  const hints = sources.flatMap(
    (path) =>
      readFileSync(path, 'utf8').match(/(?<=hint: |\? |: )'[^'\n]*next tick[^'\n]*'/gi) ?? [],
  );
  expect(hints.length).toBeGreaterThan(0);
  for (const hint of hints) {
    const error = new OperationalError('TARGET_UNAVAILABLE', 'trouble', { hint });
    expect(fixFrom(error)).not.toMatch(/\btick\b/);
  }
});

describe('how much is seen of a pool', () => {
  const worker: BullmqWorker = { prefix: 'bull', queue: 'emails', name: 'worker.1' };
  const job = { jobId: '1', worker: null, startedAtMs: null, jobName: 'send' };
  const insight = (known: Partial<Parameters<typeof judgeInsight>[0]>) =>
    judgeInsight({ queues: [reading()], workers: null, heardDynos: [], ...known });

  test.each([
    ['counts only', {}],
    ['names of jobs,', { queues: [reading({ readyJobNames: ['send'] })] }],
    ['names of jobs,', { queues: [reading({ running: [job] })], workers: [worker] }],
    ['names of jobs and workers', { workers: [worker] }],
    ['names of jobs and workers', { queues: [reading({ running: [{ ...job, worker: 'a' }] })] }],
  ] as const)('is told as %s, with what shows more', (level, known) => {
    const remark = insight(known);
    expect(remark.level).toBe('ok');
    expect(remark.message).toMatch(new RegExp(`^Insight: ${level}.*joinPool`));
  });

  test('is the most with companions', () => {
    expect(insight({ heardDynos: ['worker.1'] }).message).toMatch(/companions, which is the most/);
  });
});
