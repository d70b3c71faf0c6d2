import { describe, expect, test } from 'vitest';
import { outcomes } from '../../src/tick-record.ts';
import { connectRedis } from '../../src/redis.ts';
import { createSnapshotStore, type Snapshot } from '../../src/state/snapshot-store.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { tickReport } from '../../src/telemetry/report.ts';
import { startRedis } from '../support/redis.ts';
import { useStateStage } from '../support/state-stage.ts';
import { bounds, tick, ticksOfAllKinds } from '../support/tick-records.ts';

const dayMs = 24 * 60 * 60_000;
const publishedAtMs = Date.UTC(2026, 0, 5, 12);
const stage = useStateStage();

const soon = () => AbortSignal.timeout(5_000);

async function snapshotOf(record = tick(), changes: Partial<Snapshot> = {}): Promise<Snapshot> {
  const { pool } = record;
  const metrics = createMetrics([{ pool, policy: bounds }], { version: '1.2.3' });
  metrics.recordTick(record);
  const snapshot = {
    version: 1 as const,
    pool,
    publishedAtMs,
    intervalMs: 10_000,
    lastGoodTickAtMs: publishedAtMs - 1_000,
    report: tickReport(record, bounds),
    metrics: await metrics.seriesOf(pool),
    ...changes,
  };
  // What is published is the JSON of it.
  return JSON.parse(JSON.stringify(snapshot)) as Snapshot;
}

describe('a snapshot', () => {
  test('is read back as it was published, whatever the tick was', async () => {
    const store = createSnapshotStore(stage.connection);
    const records = [...ticksOfAllKinds(), ...outcomes.map((outcome) => tick({ outcome }))];
    for (const record of records) {
      const snapshot = await snapshotOf(record);
      await store.publish(snapshot, soon());
      expect(await store.readAll(soon())).toEqual({ snapshots: [snapshot], skipped: [] });
    }
  });

  test('replaces the one before, and leaves those of other pools', async () => {
    const store = createSnapshotStore(stage.connection);
    const other = await snapshotOf(tick({ pool: 'other' }), { publishedAtMs: publishedAtMs + 5 });
    const later = await snapshotOf(tick(), { publishedAtMs: publishedAtMs + 9 });
    for (const snapshot of [await snapshotOf(), other, later])
      await store.publish(snapshot, soon());
    expect((await store.readAll(soon())).snapshots).toEqual([later, other]);
  });

  test('is one of as many as there are pools, newest first', async () => {
    const store = createSnapshotStore(stage.connection);
    const names = ['a', 'b', 'c', 'd'];
    for (const [index, pool] of names.entries())
      await store.publish(
        await snapshotOf(tick({ pool }), { publishedAtMs: publishedAtMs + index }),
        soon(),
      );
    const { snapshots } = await store.readAll(soon());
    expect(snapshots.map(({ pool }) => pool)).toEqual(['d', 'c', 'b', 'a']);
  });

  test('outlives the time after which a pool that looks seldom counts as unhealthy', async () => {
    const store = createSnapshotStore(stage.connection);
    await store.publish(await snapshotOf(tick(), { intervalMs: dayMs }), soon());
    expect(await stage.client.pttl('backlog-autoscaler:{snapshots}:worker')).toBeGreaterThan(
      3 * dayMs,
    );
  });

  test('may be of a pool that was never good', async () => {
    const store = createSnapshotStore(stage.connection);
    await store.publish(await snapshotOf(tick(), { lastGoodTickAtMs: null }), soon());
    expect((await store.readAll(soon())).snapshots[0]?.lastGoodTickAtMs).toBeNull();
  });

  test('is forgotten after a few days, by Redis itself', async () => {
    const store = createSnapshotStore(stage.connection);
    await store.publish(await snapshotOf(), soon());
    const keys = await stage.client.keys('*');
    expect(keys.sort()).toEqual([
      'backlog-autoscaler:{snapshots}',
      'backlog-autoscaler:{snapshots}:worker',
    ]);
    for (const key of keys) {
      const expiryMs = await stage.client.pttl(key);
      expect(expiryMs).toBeGreaterThan(dayMs - 60_000);
      expect(expiryMs).toBeLessThanOrEqual(4 * dayMs);
    }
  });

  test('of a pool that is gone leaves nothing behind', async () => {
    const store = createSnapshotStore(stage.connection);
    await store.publish(await snapshotOf(tick({ pool: 'gone' })), soon());
    await stage.client.del('backlog-autoscaler:{snapshots}:gone');
    expect(await store.readAll(soon())).toEqual({ snapshots: [], skipped: [] });

    await store.publish(
      await snapshotOf(tick(), { publishedAtMs: publishedAtMs + 4 * dayMs }),
      soon(),
    );
    expect(await stage.client.zrange('backlog-autoscaler:{snapshots}', 0, '-1')).toEqual([
      'worker',
    ]);
  });
});

test('there may be none', async () => {
  expect(await createSnapshotStore(stage.connection).readAll(soon())).toEqual({
    snapshots: [],
    skipped: [],
  });
});

describe('an entry that cannot be understood', () => {
  test.each<[string, (snapshot: Snapshot) => string, RegExp]>([
    ['is not JSON', () => '{"version":1,', /not JSON/],
    ['is of another version', (it) => JSON.stringify({ ...it, version: 2 }), /another version/],
    ['has no version', () => '[]', /./],
    ['lacks a field', (it) => JSON.stringify({ ...it, report: undefined }), /report/],
    [
      'has a time that is none',
      (it) => JSON.stringify({ ...it, lastGoodTickAtMs: 1e300 }),
      /lastGoodTickAtMs/,
    ],
    [
      'tells of a tick at no time',
      (it) => JSON.stringify({ ...it, report: { ...it.report, at: 'noon' } }),
      /report.at: not a moment/,
    ],
    [
      'would break the text of the metrics',
      (it) =>
        JSON.stringify({
          ...it,
          metrics: [{ name: 'a', values: [{ labels: { 'b"c': 1 }, value: 1 }] }],
        }),
      /metrics/,
    ],
    [
      'has an outcome nobody knows',
      (it) => JSON.stringify({ ...it, report: { ...it.report, outcome: '<b>' } }),
      /report.outcome/,
    ],
  ])('because it %s is skipped with a reason, and the others are read', async (_, spoil, why) => {
    const store = createSnapshotStore(stage.connection);
    const good = await snapshotOf(tick({ pool: 'good' }));
    await store.publish(good, soon());
    const bad = await snapshotOf();
    await store.publish(bad, soon());
    await stage.client.set('backlog-autoscaler:{snapshots}:worker', spoil(bad));
    expect(await store.readAll(soon())).toEqual({
      snapshots: [good],
      skipped: [{ pool: 'worker', why: expect.stringMatching(why) as unknown }],
    });
  });
});

test('a server that refuses or is gone is STATE_UNAVAILABLE', async () => {
  const store = createSnapshotStore(stage.connection);
  await stage.client.set('backlog-autoscaler:{snapshots}', 'not a sorted set');
  const refused = {
    code: 'STATE_UNAVAILABLE',
    message: expect.stringContaining('WRONGTYPE') as unknown,
  };
  await expect(store.readAll(soon())).rejects.toMatchObject(refused);
  await expect(store.publish(await snapshotOf(), soon())).rejects.toMatchObject(refused);

  const doomed = await startRedis();
  const lost = connectRedis(doomed.url, { rejectUnauthorized: true, name: 'test' });
  await doomed.stop();
  await expect(createSnapshotStore(lost).readAll(AbortSignal.timeout(1_000))).rejects.toMatchObject(
    { code: 'STATE_UNAVAILABLE' },
  );
  lost.close();
});
