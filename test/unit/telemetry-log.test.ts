import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLog, logTick } from '../../src/telemetry/log.ts';
import { createScrubber, scrubJson } from '../../src/scrub.ts';
import {
  hold,
  observation,
  orphans,
  reading,
  redisGone,
  refused,
  tick,
  ticksOfAllKinds,
} from '../support/tick-records.ts';

function memoryLog(secrets: readonly string[] = [], level = 'info') {
  const lines: string[] = [];
  const log = createLog({ level, secrets, destination: { write: (line) => lines.push(line) } });
  return { log, lines, entries: () => lines.map((line) => JSON.parse(line) as Entry) };
}
type Entry = Record<string, unknown>;

describe('the line of a tick', () => {
  test('tells a person what happened and why, and a machine the numbers', () => {
    const { log, entries } = memoryLog();
    logTick(log, tick());
    expect(entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown,
        pool: 'worker',
        currentWorkers: 3,
        recommendedWorkers: 13,
        desiredWorkers: 10,
        action: 'scale-up',
        limitedBy: 'max-workers',
        alternative: { policy: 'learned', workers: 4, why: 'a wait under 2 min takes 4' },
        outcome: 'scaled',
        readyJobs: 1240,
        activeJobs: 30,
        orphanedJobs: 2,
        oldestWaitSeconds: 41.5,
        durationMs: 250,
        msg: 'worker: 3 → 10 workers (scaled): 1,240 ready jobs ÷ 100 jobs per worker → 13; at most 10 (MAX_WORKERS)',
      },
    ]);
  });

  test('is exactly one for each tick of every kind, each line one document', () => {
    const { log, lines } = memoryLog();
    const ticks = ticksOfAllKinds();
    for (const record of ticks) logTick(log, record);
    expect(lines).toHaveLength(ticks.length);
    for (const line of lines) expect(line.trimEnd()).not.toContain('\n');
  });

  test('says for how many workers each budget is enough, where there is one', () => {
    const { log, entries } = memoryLog();
    const budgets = [{ limit: 'cost-budget' as const, workers: 4, why: 'pays 4 workers' }];
    logTick(log, tick({ observation: observation({ budgets }) }));
    expect(entries()[0]).toMatchObject({ budgets });
  });

  test('says that a hold holds', () => {
    const { log, entries } = memoryLog();
    logTick(log, tick({ decision: hold, outcome: 'held' }));
    expect(entries()[0]).toMatchObject({
      level: 'info',
      msg: 'worker: holds 3 workers (held): 240 ready jobs ÷ 100 jobs per worker → 3',
    });
  });

  test('says which work is stuck, and names it for a machine', () => {
    const { log, entries } = memoryLog();
    logTick(log, tick({ decision: { ...hold, stuck: [orphans] }, outcome: 'held' }));
    expect(entries()[0]).toMatchObject({ level: 'info', stuck: [orphans] });
    expect(entries()[0]?.['msg']).toMatch(/→ 3; nobody has recovered 2 orphaned jobs of mail/);
  });

  test('says that a daemon without the lease stands by', () => {
    const { log, entries } = memoryLog();
    logTick(log, tick({ outcome: 'not-leader', observation: null, decision: null }));
    expect(entries()[0]).toMatchObject({
      level: 'info',
      msg: 'worker: stands by (not-leader): another daemon acts for this pool',
    });
  });

  test('warns of trouble that passes, with its code and its hint, and does not invent numbers', () => {
    const { log, entries } = memoryLog();
    const error = redisGone();
    logTick(log, tick({ outcome: 'failed', observation: null, decision: null, error }));
    expect(entries()[0]).toMatchObject({
      level: 'warn',
      code: 'QUEUE_UNREADABLE',
      hint: error.hint,
      currentWorkers: null,
      desiredWorkers: null,
      readyJobs: null,
      msg: 'worker: no decision (failed): QUEUE_UNREADABLE: Redis at 127.0.0.1:1: ECONNREFUSED (No server answers there.)',
    });
  });

  test('is an error when only a person can help', () => {
    const { log, entries } = memoryLog();
    logTick(log, tick({ outcome: 'failed', error: refused() }));
    expect(entries()[0]).toMatchObject({ level: 'error', code: 'TARGET_REJECTED' });
  });

  test('gives no total while a queue cannot be read', () => {
    const { log, entries } = memoryLog();
    const blind = observation({ unreadableQueues: [{ queue: 'sms', why: '?' }] });
    logTick(log, tick({ observation: blind, error: redisGone() }));
    expect(entries()[0]).toMatchObject({ readyJobs: null, oldestWaitSeconds: null });
  });

  test('takes the longest wait of all queues', () => {
    const { log, entries } = memoryLog();
    const queues = [reading({ oldestWaitSeconds: 4 }), reading({ oldestWaitSeconds: 9 })];
    logTick(log, tick({ observation: observation({ queues }) }));
    expect(entries()[0]).toMatchObject({ readyJobs: 2480, oldestWaitSeconds: 9 });
  });

  test('is followed by the stack and the cause at debug', () => {
    const { log, entries } = memoryLog([], 'debug');
    logTick(log, tick({ outcome: 'failed', error: redisGone() }));
    const stack = (entries()[1]?.['err'] as Entry)['stack'];
    expect(stack).toContain('caused by: Error: connect ECONNREFUSED');
  });
});

describe('secrets', () => {
  const password = 'pa/ss@w"ör\\d';
  const encoded = encodeURIComponent(password);
  const token = '0123abcd-bare-token';
  const secrets = [`redis://default:${encoded}@cache.example:6379/0`, token];
  const leaks = [password, encoded, JSON.stringify(password).slice(1, -1), token];

  function expectNothingLeaked(lines: readonly string[]) {
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const texts = [line, JSON.stringify(JSON.parse(line)), deepText(JSON.parse(line))];
      for (const leak of leaks) for (const text of texts) expect(text).not.toContain(leak);
    }
  }
  /** All texts of a value, unescaped. */
  function deepText(value: unknown): string {
    if (typeof value !== 'object' || value === null) return String(value);
    return Object.entries(value).flat().map(deepText).join('\n');
  }

  test('do not get out in a message, an argument of a message or a nested text of JSON', () => {
    const { log, lines } = memoryLog(secrets);
    log.info(`using ${password} and ${encoded} and ${token}`);
    log.info('using %s', token);
    log.info(JSON.stringify({ password, body: JSON.stringify({ token }) }));
    expectNothingLeaked(lines);
  });

  test('do not get out in a stack, a cause, the cause of a cause or a field of an error', () => {
    const { log, lines } = memoryLog(secrets);
    const root = Object.assign(new Error(`AUTH ${password} failed`), { input: secrets[0] });
    const middle = new Error(`cannot connect to ${String(secrets[0])}`, { cause: root });
    log.error({ err: new AggregateError([middle, root], token, { cause: middle }) }, 'failed');
    log.error(root);
    log.error({ err: redisCommandError(password) });
    expectNothingLeaked(lines);
    expect(lines[0]).toContain('cannot connect to redis://[secret]@cache.example:6379/0');
  });

  test('do not get out in fields, their names, lists or child loggers', () => {
    const { log, lines } = memoryLog(secrets);
    log.child({ from: token }).warn({ deep: [{ [token]: { url: `x ${password} y` } }] });
    expectNothingLeaked(lines);
  });

  test('are recognised by their form without having been named', () => {
    const { log, lines } = memoryLog();
    const texts = [
      'redis://:hunter22@h:6379',
      'rediss://user:hunter22@h:6379/1 and https://hunter22@host/path',
      'REDIS_URL=redis://u:a/b@hunter22?#@h:1/0',
      'HRKU-AAhunter22_x-y',
      'Authorization: Bearer hunter22hunter22',
    ];
    for (const text of texts) log.info(text);
    log.info({
      headers: { Authorization: 'hunter22', cookie: ['hunter22'] },
      herokuApiKey: 'hunter22',
    });
    log.error({ err: redisCommandError('hunter22') });
    expect(lines.join('')).not.toContain('hunter22');
    expect(lines[0]).toContain('redis://[secret]@h:6379');
    expect(lines[1]).toContain('rediss://[secret]@');
  });

  test('do not get out percent-encoded, nor in part when one begins like another', () => {
    const scrub = createScrubber(['a token/1', 'abcdef', 'abcdef-and-more']);
    expect(scrub('?key=a%20token%2F1&abcdef-and-more')).toBe('?key=[secret]&[secret]');
  });

  test('are what the query of a web address says, but not the options of a Redis', () => {
    const urls = [
      'https://metrics.example/write?tenant=1&key=a%2Blong%20key',
      'redis://:@h?name=mymaster',
    ];
    const scrub = createScrubber(urls);
    const said = 'no: POST /write?tenant=1&key=a%2Blong%20key {"key":"a+long key"}; mymaster';
    expect(scrub(said)).toBe('no: POST /write?[secret] {"key":"[secret]"}; mymaster');
  });

  test('do not hide what is harmless', () => {
    const scrub = createScrubber(['short', 'redis://127.0.0.1:6379']);
    const harmless =
      'short: redis://127.0.0.1:6379/0 and https://api.heroku.com/apps?x=1, mail a@b.example';
    expect(scrub(harmless)).toBe(harmless);
  });

  test('never break the line, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), fc.json(), (secret, json) => {
        const line = JSON.stringify({ time: 1_763_712_000_000, msg: `a${secret}b`, json });
        const scrubbed = scrubJson(createScrubber([secret]), line);
        expect(JSON.parse(scrubbed)).toHaveProperty('time', 1_763_712_000_000);
      }),
    );
    expect(JSON.parse(scrubJson(createScrubber(['"time":']), '{"time":1}'))).toEqual({ time: 1 });
    expect(JSON.parse(scrubJson(createScrubber(['763712']), '{"t":1763712000}'))).toEqual({
      t: 1_763_712_000,
    });
  });
});

/** The shape of an error that ioredis rejects a refused AUTH with. */
function redisCommandError(password: string): Error {
  return Object.assign(new Error('WRONGPASS invalid username-password pair'), {
    command: { name: 'auth', args: ['default', password] },
  });
}
