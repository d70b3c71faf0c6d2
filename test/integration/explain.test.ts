import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Command, OptionValues } from '../../src/commands/command.ts';
import { explain } from '../../src/commands/explain.ts';
import { history } from '../../src/commands/history.ts';
import type { TickReport } from '../../src/telemetry/report.ts';
import { afternoon, at } from '../support/history-story.ts';
import { acting, historyOn, reportAt } from '../support/history.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let server: RedisServer;
let store: ReturnType<typeof historyOn>;
let client: Redis;
const zone = process.env['TZ'];

beforeAll(async () => {
  process.env['TZ'] = 'UTC';
  server = await startRedis();
  store = historyOn(server.url);
  client = new Redis(server.url);
});
afterAll(async () => {
  store.close();
  client.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await client.flushall();
  for (const report of afternoon()) await add(report);
});
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});
beforeEach(() => (process.env['TZ'] = 'UTC'));

const add = (report: TickReport) => store.add(report, acting, AbortSignal.timeout(20_000));

/** Runs a command as if it were five seconds past half past two. */
async function answerOf(command: Command, options: OptionValues) {
  let [stdout, stderr] = ['', ''];
  const exitCode = await command.execute(options, {
    environment: { REDIS_URL: server.url },
    nowMs: () => at('14:30:05'),
    shutdown: new AbortController().signal,
    print: (text) => (stdout += text),
    complain: (text) => (stderr += text),
    scrub: (text) => text,
    hide: () => undefined,
    isTerminal: false,
    ask: null,
    showsProgress: false,
  });
  return { exitCode, stdout, stderr };
}
const ask = (options: OptionValues = {}) => answerOf(explain, options);

const scaled = '1,240 ready jobs ÷ 100 jobs per worker → 13; at most 12 (MAX_WORKERS)';
const held = '1,230 ready jobs ÷ 100 jobs per worker → 13; at most 12 (MAX_WORKERS)';
const fewer = '550 ready jobs ÷ 100 jobs per worker → 6';
const person = 'someone set 9 workers at 14:25 UTC, respected until 14:55 UTC';

describe('explain', () => {
  test('says how many workers there are, since when and why, and what changed before', async () => {
    expect(await ask()).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `worker: 9 workers since 14:25:00 (5m), because ${person}
The last tick, at 14:30:00 (held, 9 workers):
  recommend         6  ${fewer}
  manual-scale      9  ${person}
  (learned policy: 4, a wait under 2 min takes 4)
It saw:
  mail: 550 ready, 10 active, 7 delayed; the oldest has waited 55s
  sms: empty
The last changes:
  13:58:00  3 → 12  ${scaled}
  14:20:00  12 → 6  ${fewer}
  14:25:00  6 → 9   ${person}

Times are in UTC.
`,
    });
  });

  test('says why there were twelve at 14:12, what happened before and what followed', async () => {
    expect((await ask({ at: '14:12', pool: 'worker' })).stdout)
      .toBe(`worker at 14:12: 12 workers since 13:58:00 (14m), because ${scaled}
The tick of 14:12:00 (held, 12 workers):
  recommend       13  1,230 ready jobs ÷ 100 jobs per worker → 13
  max-workers     12  at most 12 (MAX_WORKERS)
  (learned policy: 4, a wait under 2 min takes 4)
It saw:
  mail: 1,230 ready, 10 active, 7 delayed; the oldest has waited 2m
  sms: empty
Since the last change:
  14:10:00  12  failed  TARGET_REJECTED: Heroku refused: 403 forbidden
What followed:
  14:20:00  12 → 6  scaled  ${fewer}
  14:21:00  6       held    ${fewer}
  14:25:00  9       held    ${fewer}; ${person}

Times are in UTC.
`);
  });

  test('lists the last ticks, with a line for those that say the same', async () => {
    expect((await ask({ last: '33' })).stdout).toBe(`worker, the last 33 ticks:
  13:58:00             3 → 12  scaled      ${scaled}
  13:59:00 – 14:09:00  12      held × 11   ${held}
  14:10:00 – 14:11:00  12      failed × 2  TARGET_REJECTED: Heroku refused: 403 forbidden
  14:12:00 – 14:19:00  12      held × 8    ${held}
  14:20:00             12 → 6  scaled      ${fewer}
  14:21:00 – 14:24:00  6       held × 4    ${fewer}
  14:25:00 – 14:30:00  9       held × 6    ${fewer}; ${person}

Times are in UTC.
`);
  });

  test('tells the same as JSON: one document with the ticks it is about', async () => {
    const ticksOf = async (options: OptionValues) => {
      const { pools } = JSON.parse((await ask({ ...options, json: true })).stdout) as {
        pools: { pool: string; ticks: TickReport[] }[];
      };
      expect(pools.map(({ pool }) => pool)).toEqual(['worker']);
      return pools[0]?.ticks ?? [];
    };
    const [tick, ...others] = await ticksOf({ at: '2026-11-28T14:05:00Z' });
    expect(others).toEqual([]);
    expect(tick).toEqual(afternoon().find((report) => report.at === '2026-11-28T14:05:00.000Z'));
    expect((await ticksOf({ last: '3' })).map((report) => report.at.slice(11, 16))).toEqual([
      ...['14:28', '14:29', '14:30'],
    ]);
    expect((await ticksOf({})).map((report) => report.at.slice(11, 16))).toEqual([
      ...['13:58', '14:20', '14:25', '14:30'],
    ]);
  });

  test('tells of each pool, or of the one that is asked for', async () => {
    await add({ ...reportAt(at('14:00:00')), pool: 'mail' });
    const { stdout } = await ask({ at: '14:00' });
    expect(stdout).toMatch(/^mail at 14:00: 3 workers since 14:00:00 \(0s\) or longer/);
    expect(stdout).toContain('\nworker at 14:00: 12 workers');
    expect((await ask({ at: '14:00', pool: 'mail' })).stdout).not.toContain('worker at');
  });

  test('says where the history begins and ends when nothing is recorded at the time', async () => {
    const nothing = await ask({ at: '12:00', json: true });
    expect(nothing).toEqual({
      exitCode: 1,
      stdout: '{"pools":[{"pool":"worker","ticks":[]}]}\n',
      stderr:
        'explain: nothing is recorded of worker so early: its history reaches from 13:00:00 to 14:30:00 (UTC)\n',
    });
    await client.flushall();
    expect(await ask({ json: true })).toMatchObject({
      exitCode: 1,
      stdout: '{"pools":[]}\n',
      stderr: expect.stringContaining('nothing is recorded yet') as unknown,
    });
  });

  test('notices that ticks ceased, and that there were none at the time', async () => {
    await client.flushall();
    for (const time of ['06:00:00', '06:01:00', '06:02:00']) await add(reportAt(at(time)));
    expect((await ask()).stdout).toContain(
      'That was 8h ago, and ticks came every 60s: no daemon acts for the pool now, or it cannot write to this Redis.',
    );
    await add(reportAt(at('13:00:00')));
    expect((await ask({ at: '09:00' })).stdout).toContain(
      'Nothing is recorded after that until 13:00:00: no daemon acted for the pool, or Redis was away or too full.',
    );
  });

  test.each<[OptionValues, string]>([
    [{ at: 'noon' }, '--at "noon" is no time that can be read: write 14:05, "2026-11-28 14:05"'],
    [{ at: '2026-11-29 10:00' }, 'is in the future'],
    [{ at: '14:05', last: '3' }, '--at and --last are two questions'],
    [{ last: 'all' }, '--last "all" must be a whole number from 1 to 10000'],
    [{ pool: 'wroker' }, '"wroker": did you mean worker?\nPools: worker\n'],
  ])('refuses %j with what to write instead', async (options, message) => {
    const { exitCode, stdout, stderr } = await ask(options);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('shows what is anyone’s text without what a terminal would obey', async () => {
    const report = reportAt(at('14:29:00'));
    const why = 'queue \u001b[2Jevil';
    await add({ ...report, pool: 'a\u001bb', steps: [{ step: 'recommend', workers: 1, why }] });
    expect((await ask()).stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test('says how much it could not read', async () => {
    const key = 'backlog-autoscaler:{history}:ticks:worker';
    await client.xadd(key, `${at('14:30:01')}-0`, 'mark', 'x', 'v2', 'from a later version');
    const { stdout, stderr } = await ask();
    expect(stdout).toContain('The last tick, at 14:30:00');
    expect(stderr).toBe(
      'explain: of worker, 1 recorded tick cannot be read: damaged, or of another version\n',
    );
  });
});

describe('history', () => {
  const write = (options: OptionValues = {}) => answerOf(history, options);

  test('writes a line of CSV for each tick', async () => {
    const { exitCode, stdout, stderr } = await write({ csv: true, since: '10m' });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\r\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe(
      'time,pool,current,recommended,desired,action,limited_by,outcome,ready,active,orphaned,delayed,oldest_wait_seconds,error_code,why',
    );
    expect(lines[1]).toBe(
      `2026-11-28T14:21:00.000Z,worker,6,6,6,hold,none,held,550,10,0,7,55,,${fewer}`,
    );
    expect(lines[10]).toBe(
      `2026-11-28T14:30:00.000Z,worker,9,6,9,hold,manual-scale,held,550,10,0,7,55,,"${fewer}; ${person}"`,
    );
  });

  test('writes all that is recorded as JSON', async () => {
    const { stdout } = await write({ json: true, since: '7d' });
    expect(JSON.parse(stdout)).toEqual({ pools: [{ pool: 'worker', ticks: afternoon() }] });
  });

  test.each<[OptionValues, string]>([
    [{ since: '24' }, '--since=24 has no unit: 24s or 24m?'],
    [{ csv: true, json: true }, '--csv and --json are two forms: choose one'],
    [{ pool: 'x' }, 'Pools: worker'],
  ])('refuses %j with what to write instead', async (options, message) => {
    const { exitCode, stdout, stderr } = await write(options);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toContain(message);
  });
});
