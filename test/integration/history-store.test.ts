import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tickReport, type TickReport } from '../../src/telemetry/report.ts';
import {
  acting,
  dayMs,
  everything,
  historyOn,
  minuteMs,
  noonMs,
  reportAt,
  scaledAt,
  variedReportAt,
} from '../support/history.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { bounds, refused, ticksOfAllKinds } from '../support/tick-records.ts';

let server: RedisServer;
let store: ReturnType<typeof historyOn>;
let client: Redis;

beforeAll(async () => {
  server = await startRedis();
  store = historyOn(server.url);
  client = new Redis(server.url);
});
afterAll(async () => {
  store.close();
  client.disconnect();
  await server.stop();
});
beforeEach(() => client.flushall());

const soon = () => AbortSignal.timeout(20_000);
const add = (report: TickReport) => store.add(report, acting, soon());
const read = (range: Partial<typeof everything> & { stepMs?: number } = {}, pool = 'worker') =>
  store.read(pool, { ...everything, ...range }, soon());
const timesOf = (reports: readonly TickReport[]) => reports.map(({ at }) => Date.parse(at));
const streamKey = (name: string) => `backlog-autoscaler:{history}:${name}:worker`;

async function bytesOfHistory(): Promise<number> {
  const keys = await client.keys('backlog-autoscaler:*');
  const sizes = await Promise.all(keys.map((key) => client.memory('USAGE', key, 'SAMPLES', 0)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Adds them in order, many under way at a time. */
async function addAll(reports: readonly TickReport[]): Promise<void> {
  for (let start = 0; start < reports.length; start += 500)
    await Promise.all(reports.slice(start, start + 500).map(add));
}

test('what is kept is read back as it was but for the costs, oldest first, whatever the tick was', async () => {
  const reports = ticksOfAllKinds().map((record, place) =>
    tickReport({ ...record, startedAtMs: noonMs + place * 1_000 }, bounds),
  );
  for (const report of reports) expect(await add(report)).toBeNull();
  // What is kept is the JSON of it.
  const kept = reports.map((report) => ({ ...report, cost: null }));
  const expected = JSON.parse(JSON.stringify(kept)) as TickReport[];
  expect(await read()).toEqual({ ticks: expected, skipped: 0 });
  expect(await store.pools(soon())).toEqual(['worker']);
});

test('a time and a number of ticks may be asked for; the newest are told, over any number of pages', async () => {
  const times = Array.from({ length: 600 }, (_, place) => noonMs + place * 1_000);
  await addAll(times.map((atMs) => reportAt(atMs)));
  expect(timesOf((await read()).ticks)).toEqual(times);
  const [sinceMs, untilMs] = [noonMs + 50_000, noonMs + 560_000];
  expect(timesOf((await read({ sinceMs, untilMs })).ticks)).toEqual(times.slice(50, 561));
  expect(timesOf((await read({ sinceMs, untilMs, entriesMax: 300 })).ticks)).toEqual(
    times.slice(261, 561),
  );
  expect((await read({ sinceMs: 0, untilMs: noonMs - 1 })).ticks).toEqual([]);
});

test('a chart reads one tick for each of its steps, and those that changed something', async () => {
  const reports = Array.from({ length: 120 }, (_, place) => reportAt(noonMs + place * minuteMs));
  reports[17] = scaledAt(noonMs + 17 * minuteMs, 3, 5);
  await addAll(reports);
  const minutes = timesOf((await read({ stepMs: 5 * minuteMs })).ticks).map(
    (atMs) => (atMs - noonMs) / minuteMs,
  );
  const fifths = Array.from({ length: 24 }, (_, place) => 5 * place);
  expect(minutes).toEqual([...fifths, 17, 18].sort((one, other) => one - other));
});

describe('a week of ticks', () => {
  test.each([
    ['of one queue, every minute', 1, minuteMs],
    ['of a hundred busy queues, every ten minutes', 100, 10 * minuteMs],
  ])(
    '%s, takes a megabyte at most and is covered',
    async (_, queues, intervalMs) => {
      const ticks = (7 * dayMs) / intervalMs;
      const reports = Array.from({ length: ticks }, (_, place) =>
        variedReportAt(noonMs + place * intervalMs, queues),
      );
      // A scaling every half a day, among thousands of ticks that changed nothing.
      const scalings = Array.from({ length: 14 }, (_, place) =>
        Math.floor(((place + 0.5) * ticks) / 14),
      );
      for (const place of scalings) reports[place] = scaledAt(noonMs + place * intervalMs, 3, 4);
      await addAll(reports);

      expect(await bytesOfHistory()).toBeLessThanOrEqual(1_000_000);
      const kept = timesOf((await read()).ticks);
      expect(kept[0]).toBeLessThan(noonMs + 60 * minuteMs);
      const gaps = kept.slice(1).map((atMs, place) => atMs - (kept[place] ?? 0));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(60 * minuteMs);
      expect(kept).toEqual(
        expect.arrayContaining(scalings.map((place) => noonMs + place * intervalMs)),
      );
      // The last hours are there tick by tick.
      const last = timesOf(reports.slice(-Math.min(1_000, ticks / 4)));
      expect(kept.slice(-last.length)).toEqual(last);
    },
    120_000,
  );

  test('of which each changes something is covered, too', async () => {
    const intervalMs = 5 * minuteMs;
    await addAll(
      Array.from({ length: (7 * dayMs) / intervalMs }, (_, place) =>
        reportAt(noonMs + place * intervalMs, {
          outcome: 'failed',
          error: place % 2 === 0 ? refused() : null,
          currentWorkers: null,
          decision: null,
          observation: null,
          ...(place % 2 === 0 ? {} : { outcome: 'held' }),
        }),
      ),
    );
    expect(await bytesOfHistory()).toBeLessThanOrEqual(1_000_000);
    expect(timesOf((await read()).ticks)[0]).toBe(noonMs);
  });
});

test('runs of the same failure and the same hold count as one change, also after a restart', async () => {
  for (const [place, failure] of [false, false, true, true, true, false].entries()) {
    const restarted = historyOn(server.url);
    const report = reportAt(
      noonMs + place * 1_000,
      failure ? { outcome: 'failed', error: refused() } : {},
    );
    await restarted.add(report, acting, soon());
    restarted.close();
  }
  expect(await client.xlen(streamKey('changes'))).toBe(3);
  expect(await client.xlen(streamKey('ticks'))).toBe(6);
});

test('a clock that is set back does not stop it', async () => {
  for (const atMs of [noonMs, noonMs - 90 * minuteMs, noonMs - 90 * minuteMs, noonMs + 1])
    await add(reportAt(atMs));
  expect(timesOf((await read()).ticks)).toEqual([
    ...[noonMs, noonMs - 90 * minuteMs, noonMs - 90 * minuteMs, noonMs + 1],
  ]);
});

test('each pool has its own, whatever its name, and all of it is forgotten eight days after the last tick', async () => {
  for (const pool of ['web', 'a}b{c', 'worker']) await add({ ...reportAt(noonMs), pool });
  expect(await store.pools(soon())).toEqual(['a}b{c', 'web', 'worker']);
  expect((await read({}, 'a}b{c')).ticks).toMatchObject([{ pool: 'a}b{c' }]);
  for (const key of await client.keys('*')) {
    expect(key).toMatch(/^backlog-autoscaler:\{history\}/);
    expect(await client.pttl(key)).toBeLessThanOrEqual(8 * dayMs);
    expect(await client.pttl(key)).toBeGreaterThan(7 * dayMs);
  }
  await add(reportAt(noonMs + 8 * dayMs));
  expect(await store.pools(soon())).toEqual(['worker']);
});

test('a dry run stands aside while a daemon acts for the pool, and not otherwise', async () => {
  const dryRun = { isDryRun: true, intervalMs: minuteMs };
  const watch = (minutes: number) =>
    store.add(reportAt(noonMs + minutes * minuteMs), dryRun, soon());
  await watch(0);
  await add(reportAt(noonMs + minuteMs));
  await watch(2);
  await watch(3.9);
  await watch(4);
  await watch(5);
  expect(timesOf((await read()).ticks).map((atMs) => (atMs - noonMs) / minuteMs)).toEqual([
    ...[0, 1, 4, 5],
  ]);
});

describe('entries that cannot be understood are skipped:', () => {
  test.each<[string, string[]]>([
    ['of another version', ['mark', 'x', 'v9', 'whatever']],
    ['without anything', ['mark', 'x']],
    ['of random bytes', ['mark', 'x', 'v1', '\u0000\u0001nonsense']],
    ['of something else', ['something', 'else']],
  ])('%s', async (_, fields) => {
    await add(reportAt(noonMs));
    await client.xadd(streamKey('ticks'), `${noonMs + 1}-0`, ...fields);
    await add(reportAt(noonMs + 2));
    const { ticks, skipped } = await read();
    expect(timesOf(ticks)).toEqual([noonMs, noonMs + 2]);
    expect(skipped).toBe(1);
  });

  test('that claim to unfold to more than any report', async () => {
    const bomb = deflateRawSync(Buffer.alloc(10_000_000));
    await client.xadd(streamKey('ticks'), '1-0', 'mark', 'x', 'v1', bomb);
    expect(await read()).toEqual({ ticks: [], skipped: 1 });
  });

  test('that hold a report with an outcome nobody knows', async () => {
    await add({ ...reportAt(noonMs), outcome: 'exploded' as 'held' });
    expect(await read()).toEqual({ ticks: [], skipped: 1 });
  });
});

describe('the memory of the server', () => {
  test('is left to the queues once four fifths of it are used', async () => {
    const small = await startRedis({ extra: ['--maxmemory', '10mb'] });
    const admin = new Redis(small.url);
    const history = historyOn(small.url);
    expect(await history.add(reportAt(noonMs), acting, soon())).toBeNull();
    const usedShare = async () => {
      const info = await admin.info('memory');
      return Number(/used_memory:(\d+)/.exec(info)?.[1]) / (10 * 1024 * 1024);
    };
    for (let job = 0; (await usedShare()) < 0.82; job += 1)
      await admin.rpush('jobs', randomBytes(100_000));
    const fullness = await history.add(reportAt(noonMs + 1_000), acting, soon());
    expect(fullness?.maxBytes).toBe(10 * 1024 * 1024);
    expect(fullness?.usedBytes).toBeGreaterThan(8_000_000);
    // What was there is read all the same, and it goes on when there is room again.
    await admin.del('jobs');
    expect(await history.add(reportAt(noonMs + 2_000), acting, soon())).toBeNull();
    const { ticks } = await history.read('worker', everything, soon());
    expect(timesOf(ticks)).toEqual([noonMs, noonMs + 2_000]);
    history.close();
    admin.disconnect();
    await small.stop();
  });
});

test('a key that holds something else is STATE_UNAVAILABLE', async () => {
  await client.set(streamKey('ticks'), 'not a stream');
  const refusal = {
    code: 'STATE_UNAVAILABLE',
    message: expect.stringContaining('WRONGTYPE') as unknown,
  };
  await expect(add(reportAt(noonMs))).rejects.toMatchObject(refusal);
  await expect(read()).rejects.toMatchObject(refusal);
});
