import { describe, expect, test } from 'vitest';
import {
  loadConfig,
  loadStateConfig,
  withoutSecrets,
  type Environment,
} from '../../src/config/load.ts';
import { policyOf } from '../../src/config/policy.ts';
import { ConfigError, type Problem } from '../../src/config/problem.ts';

const complete: Environment = {
  REDIS_URL: 'redis://:hunter22@localhost:6379',
  QUEUES: 'emails,reports',
  HEROKU_APP_NAME: 'shop',
  HEROKU_API_KEY: 'HRKU-0123456789',
};

function load(changes: Environment = {}, file = '') {
  return loadConfig({ ...complete, ...changes }, () => file);
}

function pool(changes: Environment = {}) {
  const [only] = load(changes).pools;
  if (only === undefined) throw new Error('no pool');
  return only;
}

function problems(changes: Environment, file = ''): readonly Problem[] {
  try {
    load(changes, file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('one pool from the environment', () => {
  test('has the documented defaults', () => {
    expect(pool()).toMatchObject({
      QUEUES: ['emails', 'reports'],
      MIN_WORKERS: 1,
      MAX_WORKERS: 10,
      EVENTS_PER_WORKER: 100,
      POLL_INTERVAL: 60_000,
      SCALE_UP_STEP: null,
      PROCESS_TYPE: 'worker',
      POOL: 'worker',
      DRY_RUN: false,
      QUEUE_PREFIX: 'bull',
    });
  });

  test('takes its name from the process type', () => {
    expect(pool({ PROCESS_TYPE: 'mailer' }).POOL).toBe('mailer');
  });

  test('reads an empty variable as unset', () => {
    expect(pool({ MAX_WORKERS: '', SCALE_UP_STEP: ' ' })).toMatchObject({
      MAX_WORKERS: 10,
      SCALE_UP_STEP: null,
    });
  });

  test('counts a queue that is listed twice once', () => {
    expect(pool({ QUEUES: 'emails, reports,emails' }).QUEUES).toEqual(['emails', 'reports']);
  });

  test('reads true and false whatever their case', () => {
    expect(pool({ DRY_RUN: 'TRUE' }).DRY_RUN).toBe(true);
    expect(pool({ DRY_RUN: 'False' }).DRY_RUN).toBe(false);
  });

  test('needs neither app nor key in a dry run', () => {
    const changes = { DRY_RUN: 'true', HEROKU_APP_NAME: '', HEROKU_API_KEY: '' };
    expect(pool(changes)).toMatchObject({ HEROKU_APP_NAME: null, HEROKU_API_KEY: null });
  });

  test.each([
    [{}, 300, 0],
    [{ TARGET_WAIT: '2m' }, 0, 0],
    [{ SCALE_DOWN_STABILIZATION: '7m' }, 420, 420],
    [{ TARGET_WAIT: '2m', SCALE_DOWN_STABILIZATION: '7m' }, 420, 420],
  ])(
    'with %j scales down only after %d s, and after %d s once a target is set',
    (given, now, later) => {
      expect(policyOf(pool(given), true)).toMatchObject({
        ...{ scaleDownStabilizationSeconds: now, stabilizationWithTargetSeconds: later },
      });
    },
  );

  test.each([
    ['500ms', 'POLL_INTERVAL', 'must be at least 1s'],
    ['10', 'POLL_INTERVAL', '10s or 10m?'],
    ['7s', 'POLL_INTERVAL', '6s or 8s?'],
    ['7m', 'POLL_INTERVAL', 'divide'],
    ['2d', 'POLL_INTERVAL', 'must be at most 1d'],
    ['1w', 'POLL_INTERVAL', 'unknown unit "w"'],
    ['soon', 'POLL_INTERVAL', 'a number with a unit'],
    ['-1', 'MIN_WORKERS', 'a whole number from 0'],
    ['1.5', 'MIN_WORKERS', 'a whole number from 0'],
    ['1e3', 'MAX_WORKERS', 'a whole number'],
    ['0', 'EVENTS_PER_WORKER', 'a whole number from 1'],
    ['0', 'SCALE_UP_STEP', 'a whole number from 1'],
    ['yes', 'DRY_RUN', 'true or false'],
    ['sidekiq', 'QUEUE_SYSTEM', 'bullmq'],
    ['a:b', 'QUEUES', 'no name contains a colon'],
    ['a,,b', 'QUEUES', 'separated by commas'],
    ['mysql://x', 'REDIS_URL', 'redis:// or rediss://'],
    ['redis:///0', 'REDIS_URL', 'redis:// or rediss://'],
    ['https://', 'HEROKU_API_URL', 'https:// or http://'],
    ['work er', 'PROCESS_TYPE', 'a process type'],
    ['99999', 'PORT', 'from 0 to 65535'],
    ['loud', 'LOG_LEVEL', 'trace, debug, info'],
    ['perhaps', 'PROTECT_JOBS', 'auto, strict, off'],
  ])('refuses %s as %s and says how to mend it', (value, variable, message) => {
    const [problem, ...others] = problems({ [variable]: value });
    expect(problem?.variable).toBe(variable);
    expect(problem?.message).toContain(message);
    expect(others).toEqual([]);
  });

  test.each([
    ['1s', 1_000],
    ['1.5s', 1_500],
    ['90s', 90_000],
    ['0.5m', 30_000],
    ['1h', 3_600_000],
    ['8h', 28_800_000],
    ['1d', 86_400_000],
  ])('accepts %s as an interval', (value, milliseconds) => {
    expect(pool({ POLL_INTERVAL: value }).POLL_INTERVAL).toBe(milliseconds);
  });

  test('lists every problem at once, with variable, value and fix', () => {
    const changes = {
      REDIS_URL: '',
      QUEUES: '',
      MIN_WORKERS: 'few',
      HEROKU_API_KEY: '',
      POLL_INTERVAL: '5',
    };
    expect(
      problems(changes)
        .map(({ variable }) => variable)
        .sort(),
    ).toEqual(['HEROKU_API_KEY', 'MIN_WORKERS', 'POLL_INTERVAL', 'QUEUES', 'REDIS_URL'].sort());
    expect(() => load(changes)).toThrow(
      'MIN_WORKERS="few" must be a whole number from 0 to 10000; for example MIN_WORKERS=1',
    );
  });

  test('refuses a minimum above the maximum', () => {
    expect(problems({ MIN_WORKERS: '11' })).toEqual([
      {
        variable: 'MIN_WORKERS',
        value: '11',
        message: 'is above MAX_WORKERS=10: lower the one or raise the other',
      },
    ]);
  });

  test('refuses windows that contradict the bounds they do not set, all at once', () => {
    const SCHEDULE =
      'mon 08:00-18:00 UTC minWorkers=11; tue 08:00-18:00 UTC maxWorkers=0; wed 08:00-18:00 UTC minWorkers=11 maxWorkers=12';
    expect(problems({ SCHEDULE })).toMatchObject([
      {
        ...{ variable: 'SCHEDULE', value: 'mon 08:00-18:00 UTC' },
        message: 'has minWorkers=11 above MAX_WORKERS=10: set maxWorkers there too',
      },
      {
        ...{ variable: 'SCHEDULE', value: 'tue 08:00-18:00 UTC' },
        message: 'has maxWorkers=0 below MIN_WORKERS=1: set minWorkers there too',
      },
    ]);
  });

  test('refuses a minimum above the maximum whatever else is wrong', () => {
    const found = problems({ MIN_WORKERS: '11', POLL_INTERVAL: '5' });
    expect(found.map(({ variable }) => variable).sort()).toEqual(['MIN_WORKERS', 'POLL_INTERVAL']);
  });

  test.each([
    [{ MIN_WORKERS: '11', MAX_WORKERS: 'many' }, ['MAX_WORKERS']],
    [{ DRY_RUN: 'yes', HEROKU_APP_NAME: '', HEROKU_API_KEY: '' }, ['DRY_RUN']],
    [{ HEROKU_API_KEY: 'HRKU 1' }, ['HEROKU_API_KEY']],
  ])('blames nothing on a value that does not fit but the value: %o', (changes, blamed) => {
    expect(problems(changes).map(({ variable }) => variable)).toEqual(blamed);
  });

  test('reads a share as percent, and asks for the sign', () => {
    expect(pool({ CONNECTION_BUDGET: '80%' }).CONNECTION_BUDGET).toBe(80);
    for (const [value, message] of [
      ['80', 'has no sign: 80%?'],
      ['0%', 'from 1% to 100%'],
      ['101%', 'from 1% to 100%'],
      ['much', 'from 1% to 100%'],
    ] as const)
      expect(problems({ CONNECTION_BUDGET: value })[0]?.message).toContain(message);
  });

  test('refuses a number of shared workers that does not reach for the minima', () => {
    const file = `pools:
      - { name: a, processType: a, minWorkers: 3, weight: 2 }
      - { name: b, processType: b, minWorkers: 2 }`;
    const from = { POOLS_FILE: 'pools.yml' };
    expect(
      load({ ...from, WORKER_BUDGET: '5' }, file).pools.map((each) => each.POOL_WEIGHT),
    ).toEqual([2, 1]);
    expect(problems({ ...from, WORKER_BUDGET: '4' }, file)).toMatchObject([
      { variable: 'WORKER_BUDGET', value: '4' },
    ]);
  });

  test('refuses to share workers among pools whose state is in different places', () => {
    const file = `pools:
      - { name: a, processType: a }
      - { name: b, processType: b, redisUrl: 'redis://other:6379' }`;
    const from = { POOLS_FILE: 'pools.yml', WORKER_BUDGET: '9' };
    expect(problems(from, file)).toMatchObject([{ variable: 'STATE_REDIS_URL' }]);
    expect(problems({ ...from, STATE_REDIS_URL: 'redis://state:6379' }, file)).toEqual([]);
  });

  test('shows every value but the secrets', () => {
    const shown = withoutSecrets(pool());
    expect(shown).toMatchObject({ QUEUES: ['emails', 'reports'], HEROKU_APP_NAME: 'shop' });
    expect(JSON.stringify(shown)).not.toMatch(/hunter22|HRKU/);
  });

  test('never repeats a secret', () => {
    const secrets = {
      REDIS_URL: 'http://:hunter22@host',
      HEROKU_API_KEY: 'HRKU-hunter 22',
      METRICS_TOKEN: 'hunter 22',
    };
    expect(problems(secrets)).toHaveLength(3);
    expect(() => load(secrets)).toThrow(/^(?!.*hunter)/s);
  });

  test('warns about a port that anyone may read, and about names that are nearly right', () => {
    const { warnings } = load({ PORT: '80', MIN_WORKER: '3' });
    expect(warnings.join('\n')).toMatch(/METRICS_TOKEN.*\n.*did you mean MIN_WORKERS\?/);
    expect(load({ PORT: '80', METRICS_TOKEN: 'secret-enough' }).warnings).toEqual([]);
  });

  test('warns about looks that are too rare for the target wait', () => {
    const warnings = (TARGET_WAIT: string, POLL_INTERVAL = '') =>
      load({ TARGET_WAIT, POLL_INTERVAL }).warnings;
    expect(warnings('2m')).toEqual([
      'worker: POLL_INTERVAL=1m is long for TARGET_WAIT=2m: a batch that comes right after a look may be seen too late; POLL_INTERVAL=30s?',
    ]);
    expect(warnings('45s', '20s')).toEqual([expect.stringContaining('POLL_INTERVAL=15s?')]);
    expect(warnings('1s', '5s')).toEqual([expect.stringContaining('POLL_INTERVAL=1s?')]);
    expect(warnings('2m', '30s')).toEqual([]);
    expect(warnings('3m')).toEqual([]);
    expect(warnings('', '1h')).toEqual([]);
    expect(load({ TARGET_WAIT: '1s', POLL_INTERVAL: '1s' }).warnings).toEqual([]);
  });

  test.each([
    ['MIN_WORKERZ', 'MIN_WORKERS'],
    ['MIN_WORKRZ', 'MIN_WORKERS'],
    ['MIN_WORKZ', null],
    ['MIN_WRKR', null],
    ['EVENTS_PER_WRKER', 'EVENTS_PER_WORKER'],
    ['REDIS_UR', 'REDIS_URL'],
    // Too short to tell a slip from a name of somebody else's.
    ['QUEUE', null],
    ['PORTS', null],
  ])('finds what %s is meant to be: %s', (name, meant) => {
    const { warnings } = load({ [name]: '3' });
    expect(warnings).toEqual(
      meant === null ? [] : [`${name} is set but means nothing here: did you mean ${meant}?`],
    );
  });
});

describe('several pools from a file', () => {
  const withFile = { POOLS_FILE: 'pools.yml' };

  test('takes from the environment what a pool does not say itself', () => {
    const file = `
pools:
  - { name: mail, queues: [emails, letters], minWorkers: 2 }
  - { name: sums, app: books, processType: adder, queues: reports, pollInterval: 30s, dryRun: true }
`;
    const { pools } = load({ ...withFile, MIN_WORKERS: '1', POOL: 'ignored' }, file);
    expect(pools).toMatchObject([
      {
        POOL: 'mail',
        QUEUES: ['emails', 'letters'],
        MIN_WORKERS: 2,
        HEROKU_APP_NAME: 'shop',
        PROCESS_TYPE: 'worker',
      },
      {
        POOL: 'sums',
        QUEUES: ['reports'],
        MIN_WORKERS: 1,
        HEROKU_APP_NAME: 'books',
        POLL_INTERVAL: 30_000,
        DRY_RUN: true,
      },
    ]);
  });

  test('lets queues and apps come from the file alone', () => {
    const file = 'pools: [{ app: books, queues: [reports] }]';
    expect(load({ ...withFile, QUEUES: '', HEROKU_APP_NAME: '' }, file).pools).toHaveLength(1);
  });

  test('takes a schedule as a list of windows, or as the environment would hold it', () => {
    const file = `
pools:
  - name: mail
    schedule:
      - { days: [mon, wed-fri], from: 08:00, to: 18:00, timeZone: Europe/Berlin, minWorkers: 5 }
      - { days: 2026-12-24, from: 00:00, to: 24:00, timeZone: UTC, maxWorkers: 3, targetWait: 2m }
  - { name: sums, processType: adder, schedule: mon 08:00-18:00 UTC minWorkers=2 }
`;
    const [mail, sums] = load({ ...withFile }, file).pools;
    expect(mail?.SCHEDULE).toMatchObject([
      {
        ...{ text: 'mon,wed-fri 08:00-18:00 Europe/Berlin', weekdays: [0, 2, 3, 4], dates: [] },
        ...{ fromMinutes: 480, toMinutes: 1080, minWorkers: 5, maxWorkers: null },
      },
      { weekdays: [], toMinutes: 1440, maxWorkers: 3, targetWaitSeconds: 120 },
    ]);
    expect(sums?.SCHEDULE).toMatchObject([{ minWorkers: 2 }]);
  });

  test('says everything that is wrong with the windows of a list', () => {
    const file = `
pools:
  - schedule:
      - { days: mon, from: 08:00, to: 18:00, zone: UTC, minWorkers: 5 }
      - { days: mon, from: 08:00, to: 18:00, timeZone: UTC, minWorkers: 'a b' }
      - daily
`;
    expect(problems(withFile, file)).toMatchObject([
      { variable: 'POOLS_FILE pools[0].schedule[0].zone' },
      { variable: 'POOLS_FILE pools[0].schedule[0]', message: 'lacks timeZone' },
      { variable: 'POOLS_FILE pools[0].schedule[1].minWorkers' },
      {
        variable: 'POOLS_FILE pools[0].schedule[2]',
        message: 'lacks days, from, to, timeZone',
      },
    ]);
  });

  test('takes a secret from the environment variable that a value names', () => {
    const file = 'pools: [{ redisUrl: $ORDERS_REDIS_URL }]';
    const { pools } = load({ ...withFile, ORDERS_REDIS_URL: 'redis://orders' }, file);
    expect(pools[0]?.REDIS_URL).toBe('redis://orders');
    for (const ORDERS_REDIS_URL of [undefined, '', ' ']) {
      expect(problems({ ...withFile, ORDERS_REDIS_URL }, file)).toEqual([
        {
          variable: 'POOLS_FILE pools[0].redisUrl',
          value: null,
          message: 'names the environment variable ORDERS_REDIS_URL, which is not set',
        },
      ]);
    }
  });

  test('names pools after their process type, even if the environment has a name for one', () => {
    const file = 'pools: [{ processType: mailer }, { processType: adder }]';
    const { pools } = load({ ...withFile, POOL: 'single' }, file);
    expect(pools.map(({ POOL }) => POOL)).toEqual(['mailer', 'adder']);
  });

  test('reads an empty value as left out', () => {
    const file = 'pools:\n  - minWorkers:\n    maxWorkers: ""\n    pollInterval: 30s\n';
    const { pools } = load({ ...withFile, MIN_WORKERS: '3' }, file);
    expect(pools).toMatchObject([{ MIN_WORKERS: 3, MAX_WORKERS: 10, POLL_INTERVAL: 30_000 }]);
  });

  test('counts a queue that is listed twice once', () => {
    const { pools } = load(withFile, 'pools: [{ queues: [emails, reports, emails] }]');
    expect(pools[0]?.QUEUES).toEqual(['emails', 'reports']);
  });

  test('reports a wrong default once, however many pools inherit it', () => {
    const file = 'pools: [{ name: a, processType: a }, { name: b, processType: b }]';
    const found = problems({ ...withFile, MAX_WORKERS: 'many' }, file);
    expect(found.map(({ variable }) => variable)).toEqual(['MAX_WORKERS']);
  });

  test('sees no conflict in names that do not fit', () => {
    const file =
      'pools: [{ name: "a b", processType: a }, { name: worker, processType: b }, { name: c d, app: x }]';
    const found = problems(withFile, file);
    expect(found.map(({ variable }) => variable)).toEqual([
      'POOLS_FILE pools[0].name',
      'POOLS_FILE pools[2].name',
    ]);
  });

  test('refuses references that multiply into more than memory holds', () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const references = Array.from({ length: 9 }, () => `*a${String(level)}`).join(', ');
      return `a${String(level + 1)}: &a${String(level + 1)} [${references}]`;
    });
    const bomb = ['a0: &a0 [boom]', ...levels, 'pools: *a9'].join('\n');
    const [problem, ...others] = problems(withFile, bomb);
    expect(problem).toMatchObject({ variable: 'POOLS_FILE', value: 'pools.yml' });
    expect(problem?.message).toMatch(/cannot be read: .*alias/);
    expect(others).toEqual([]);
  });

  test.each([
    ['pools: [{ minWorker: 3 }]', 'pools[0].minWorker', 'did you mean `minWorkers`?'],
    ['pools: [{ MIN_WORKERS: 3 }]', 'pools[0].MIN_WORKERS', 'write `minWorkers`'],
    ['pools: [{ herokuAppName: x }]', 'pools[0].herokuAppName', 'write `app`'],
    ['pools: [{ maxWorkersAll: 3 }]', 'pools[0].maxWorkersAll', 'did you mean `maxWorkers`?'],
    ['pools: [{ nome: x }]', 'pools[0].nome', 'did you mean `name`?'],
    ['pools: [{ zebra: 3 }]', 'pools[0].zebra', 'a pool has'],
    ['pools: [{ port: 80 }]', 'pools[0].port', 'is not known'],
    ['pools: [{ __proto__: { minWorkers: 9 } }]', 'pools[0].__proto__', 'is not known'],
    ['pools: [{ minWorkers: [1, [2]] }]', 'pools[0].minWorkers', 'single value'],
    ['pools: [{ maxWorkers: many }]', 'pools[0].maxWorkers', 'a whole number'],
    ['pools: [7]', 'pools[0]', 'must be a mapping'],
    ['pools: []', 'pools', 'at least one pool'],
    ['pool: [{}]', 'pool', 'is not known'],
    ['pools: [', '', 'is not YAML'],
    ['pools: [{ name: a }, { name: a, app: other }]', 'name', 'two pools'],
    ['pools: [{ name: a }, { name: b }]', 'processType', 'undo each other'],
  ])('refuses %s', (file, place, message) => {
    const found = problems(withFile, file).find(({ variable }) => variable.endsWith(place));
    expect(found?.message).toContain(message);
  });

  test('says so when the file cannot be read', () => {
    const read = () => {
      throw new Error('ENOENT: no such file');
    };
    expect(() => loadConfig({ ...complete, ...withFile }, read)).toThrow(
      'POOLS_FILE="pools.yml" cannot be read: ENOENT',
    );
  });

  test('survives a file that is larger than any list of pools', () => {
    expect(problems(withFile, 'x'.repeat(2_000_000))[0]?.message).toContain('larger than 1 MB');
  });
});

describe('the state alone', () => {
  test('needs nothing but a Redis', () => {
    expect(loadStateConfig({ REDIS_URL: 'redis://queues' }).stateRedis).toEqual({
      url: 'redis://queues',
      rejectUnauthorized: true,
      variable: 'REDIS_URL',
    });
    expect(loadStateConfig({ STATE_REDIS_URL: 'redis://state' }).stateRedis).toMatchObject({
      url: 'redis://state',
      variable: 'STATE_REDIS_URL',
    });
  });

  test('does not mind what only the daemon uses', () => {
    expect(() =>
      loadStateConfig({ REDIS_URL: 'redis://queues', MIN_WORKERS: 'few' }),
    ).not.toThrow();
  });

  test('says what is missing', () => {
    expect(() => loadStateConfig({})).toThrow('1 problem:\n  REDIS_URL is not set');
  });

  test.each(['REDIS_URL', 'STATE_REDIS_URL'])('blames a wrong %s alone', (name) => {
    expect(() => loadStateConfig({ [name]: 'mysql://x' })).toThrow(
      new RegExp(`1 problem:\\n  ${name} must be a URL`),
    );
  });
});
