import { expect, test } from 'vitest';
import { report } from '../../src/commands/report.ts';
import type { PoolCosts } from '../../src/commands/report/cost-table.ts';
import { keptDays, usageByDay, type Held } from '../../src/cost/usage.ts';
import { createCostStore, readAccounts } from '../../src/state/cost-store.ts';
import { useStateStage } from '../support/state-stage.ts';

const noonMs = Date.UTC(2026, 10, 28, 12);
const hourMs = 3_600_000;
const held: Held = { workers: 4, max: 10, ratio: 3, workerDollarsPerHour: 0.5 };
const soon = () => AbortSignal.timeout(10_000);
const stage = useStateStage();

/** Runs the command and gives what it wrote, to stdout and to stderr. */
async function run(
  options: Parameters<typeof report.execute>[0],
  environment: Readonly<Record<string, string>> = { REDIS_URL: stage.server.url },
) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await report.execute(options, {
    environment,
    nowMs: () => noonMs + hourMs,
    shutdown: new AbortController().signal,
    print: (text) => out.push(text),
    complain: (text) => err.push(text),
    scrub: (text) => text,
    hide: () => undefined,
    ...{ isTerminal: false, ask: null, showsProgress: false },
  });
  return { code, out: out.join(''), err: err.join('') };
}

async function count(identity: string, days = usageByDay(noonMs, noonMs + hourMs, held)) {
  const changes = { countedUntilMs: noonMs + hourMs, days, forgottenDays: [] };
  await createCostStore(stage.connection, identity).save(changes, soon());
}

test('an account is read back as it was written, and a forgotten day is gone', async () => {
  const store = createCostStore(stage.connection, 'my-shop:worker:mail');
  expect(await store.load(soon())).toEqual({ countedUntilMs: null, days: [] });
  const days = usageByDay(noonMs, noonMs + 24 * hourMs, held);
  await store.save({ countedUntilMs: noonMs, days, forgottenDays: [] }, soon());
  expect(await store.load(soon())).toEqual({ countedUntilMs: noonMs, days });
  const forgottenDays = ['2026-11-28'];
  await store.save({ countedUntilMs: noonMs, days: [], forgottenDays }, soon());
  expect((await store.load(soon())).days.map(({ day }) => day)).toEqual(['2026-11-29']);
});

test('every key expires, and what cannot be understood counts as not counted', async () => {
  await count('my-shop:worker:mail');
  for (const key of await stage.client.keys('*')) {
    expect(key).toMatch(/^backlog-autoscaler:/);
    expect(await stage.client.ttl(key)).toBeGreaterThan(0);
  }
  const key = 'backlog-autoscaler:costs:{snapshots}:my-shop:worker:mail';
  const day = (await stage.client.hget(key, '2026-11-28')) ?? '';
  await stage.client.hset(key, {
    ...{ '2026-11-27': 'x', '2026-11-26': '{}', countedUntilMs: 'never' },
    ...{ 'on 2026-11-25': day, '2026-11-250': day },
  });
  const [account] = await readAccounts(stage.connection, soon());
  expect(account?.countedUntilMs).toBeNull();
  expect(account?.days.map(({ day }) => day)).toEqual(['2026-11-28']);
});

test('the days of an account are in order, however Redis keeps them, and accounts by their last writing', async () => {
  await count('one', [
    ...usageByDay(noonMs, noonMs + hourMs, held),
    ...usageByDay(noonMs - 24 * hourMs, noonMs - 23 * hourMs, held),
  ]);
  const store = createCostStore(stage.connection, 'other');
  await store.save({ countedUntilMs: noonMs + 2 * hourMs, days: [], forgottenDays: [] }, soon());
  await count('third');
  const accounts = await readAccounts(stage.connection, soon());
  expect(accounts.map(({ identity, days }) => [identity, days.map(({ day }) => day)])).toEqual([
    ['other', []],
    ['third', ['2026-11-28']],
    ['one', ['2026-11-27', '2026-11-28']],
  ]);
});

test('an account that was not written for as long as days are kept is not listed any more', async () => {
  await count('old');
  const store = createCostStore(stage.connection, 'new');
  const save = (atMs: number) =>
    store.save({ countedUntilMs: atMs, days: [], forgottenDays: [] }, soon());
  const listed = async () =>
    (await readAccounts(stage.connection, soon())).map(({ identity }) => identity);
  const expiryMs = keptDays * 24 * hourMs;
  await save(noonMs + hourMs + expiryMs - 1);
  expect(await listed()).toEqual(['new', 'old']);
  await save(noonMs + hourMs + expiryMs);
  expect(await listed()).toEqual(['new']);
});

test('the report adds up the days it is asked for, and says what they would have cost otherwise', async () => {
  await count('my-shop:worker:mail', [
    ...usageByDay(noonMs - 40 * 24 * hourMs, noonMs - 40 * 24 * hourMs + hourMs, held),
    ...usageByDay(noonMs - 24 * hourMs, noonMs - 23 * hourMs, held),
    ...usageByDay(noonMs, noonMs + hourMs, held),
  ]);
  const { code, out } = await run({ json: true });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    pools: [
      {
        ...{ pool: 'mail', app: 'my-shop', processType: 'worker', isDryRun: false },
        ...{ since: '2026-10-30', workerHours: 8, dollars: 4, uncountedHours: 0 },
        alternatives: {
          max: { workerHours: 20, dollars: 10 },
          ratio: { workerHours: 6, dollars: 3 },
        },
        days: [{ day: '2026-11-27' }, { day: '2026-11-28' }],
      },
    ],
  });
  const today = JSON.parse((await run({ json: true, since: '1d' })).out) as { pools: PoolCosts[] };
  expect(today.pools[0]?.workerHours).toBe(4);
});

test('the report is a table for people, which says what was not counted', async () => {
  await count('my-shop:worker:mail');
  await count('-:worker:trial:dry-run', [
    ...usageByDay(noonMs - 24 * hourMs, noonMs - 23 * hourMs, { ...held, workers: null }),
    ...usageByDay(noonMs, noonMs + hourMs, { ...held, workerDollarsPerHour: null }),
  ]);
  const { out } = await run({});
  expect(out).toContain('mail (worker of my-shop), since 2026-10-30:');
  expect(out).toMatch(/used +4\.00 +\$2\.00\n/);
  expect(out).toMatch(/at the maximum all along +10\.00 +\$5\.00 +used was 40% of it/);
  expect(out).toContain('trial, seen by a dry run, since');
  expect(out).toMatch(/used +4\.00 +\?\n/);
  expect(out).toContain('not known for 1.00 h, which are in no figure');
});

test('the report names the pools there are when it is asked for another', async () => {
  await count('my-shop:worker:mail');
  const { code, err } = await run({ pool: 'male' });
  expect(code).toBe(1);
  expect(err).toContain('nothing was counted of a pool "male"');
  expect(err).toContain('Pools: mail\n');
  expect((await run({ pool: 'mail' })).code).toBe(0);
  expect((await run({ since: '7' })).err).toContain('has no unit: 7s or 7m?');
});

test('before anything was counted the report says when counting begins', async () => {
  const { code, out } = await run({});
  expect(code).toBe(0);
  expect(out).toContain('Counting begins with the first tick');
});

test('the report names the config var of the Redis that does not answer', async () => {
  await expect(run({}, { STATE_REDIS_URL: 'redis://127.0.0.1:1' })).rejects.toMatchObject({
    code: 'STATE_UNAVAILABLE',
    hint: expect.stringMatching(/\bSTATE_REDIS_URL\b/) as string,
  });
});
