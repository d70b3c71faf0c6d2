import { describe, expect, test } from 'vitest';
import { createLedger, type Account, type CostStore } from '../../src/cost/ledger.ts';
import { dollarsOf, usageByDay, type Held } from '../../src/cost/usage.ts';
import { OperationalError } from '../../src/errors.ts';
import { dollarsPerHour } from '../../src/targets/heroku/prices.ts';

const noonMs = Date.UTC(2026, 10, 28, 12);
const hourMs = 3_600_000;
const held: Held = { workers: 4, max: 10, ratio: 3, workerDollarsPerHour: 0.5 };
const signal = new AbortController().signal;

/** A store in memory that says how often it was asked, and fails while it is told to. */
function store(account: Account = { countedUntilMs: null, days: [] }) {
  const state = { account, loads: 0, isAway: false, forgotten: [] as readonly string[] };
  const answer = <T>(value: () => T): Promise<T> =>
    state.isAway
      ? Promise.reject(new OperationalError('STATE_UNAVAILABLE', 'away', { hint: 'wait' }))
      : Promise.resolve(value());
  const store: CostStore = {
    load: () =>
      answer(() => {
        state.loads += 1;
        return state.account;
      }),
    save: ({ countedUntilMs, days, forgottenDays }) =>
      answer(() => {
        const changed = new Set([...days.map(({ day }) => day), ...forgottenDays]);
        const kept = state.account.days.filter(({ day }) => !changed.has(day));
        state.account = { countedUntilMs, days: [...kept, ...days] };
        state.forgotten = forgottenDays;
      }),
  };
  return { state, store };
}

function ledgerOn(store: CostStore, heldForMs: () => number | null = () => Infinity) {
  return createLedger({ store, intervalMs: 60_000, heldForMs });
}

describe('time', () => {
  test('is counted with the workers there were, and with what there would have been otherwise', () => {
    const [day, ...others] = usageByDay(noonMs, noonMs + hourMs, held);
    expect(others).toEqual([]);
    expect(day).toEqual({
      day: '2026-11-28',
      usage: {
        ...{ knownSeconds: 3600, unknownSeconds: 0, unpricedSeconds: 0 },
        used: { workerSeconds: 4 * 3600, dollars: 2 },
        max: { workerSeconds: 10 * 3600, dollars: 5 },
        ratio: { workerSeconds: 3 * 3600, dollars: 1.5 },
      },
    });
  });

  test('is divided where a day of UTC ends', () => {
    const days = usageByDay(noonMs + 11 * hourMs, noonMs + 14 * hourMs, held);
    expect(days.map(({ day, usage }) => [day, usage.knownSeconds])).toEqual([
      ['2026-11-28', 3600],
      ['2026-11-29', 7200],
    ]);
  });

  test('without a known number of workers is unknown, and not an hour of none', () => {
    const [day] = usageByDay(noonMs, noonMs + hourMs, { ...held, workers: null });
    expect(day?.usage).toMatchObject({ knownSeconds: 0, unknownSeconds: 3600 });
    expect(day?.usage.max.workerSeconds).toBe(0);
  });

  test('without a known price has worker-seconds, and no dollars', () => {
    const [day] = usageByDay(noonMs, noonMs + hourMs, { ...held, workerDollarsPerHour: null });
    if (day === undefined) throw new Error('nothing was counted');
    expect(day.usage.used.workerSeconds).toBe(4 * 3600);
    expect(dollarsOf(day.usage, 'used')).toBeNull();
  });
});

describe('an account', () => {
  test('begins with the first tick and adds up from then on', async () => {
    const { state, store: kept } = store();
    const ledger = ledgerOn(kept);
    await ledger.open(signal);
    expect(ledger.count(noonMs, held)?.counted.knownSeconds).toBe(0);
    expect(ledger.count(noonMs + 60_000, held)).toMatchObject({
      counted: { used: { workerSeconds: 240 } },
      dollarsPerHour: 2,
    });
    await ledger.save(signal);
    expect(state.account.countedUntilMs).toBe(noonMs + 60_000);

    const successor = ledgerOn(kept);
    await successor.open(signal);
    const next = successor.count(noonMs + 120_000, { ...held, workers: 2 });
    expect(next?.counted.used.workerSeconds).toBe(120);
    expect(next?.month.used.workerSeconds).toBe(360);
    expect(next?.today).toEqual(next?.month);
    const tomorrow = successor.count(noonMs + 24 * hourMs, held);
    expect(tomorrow?.today.knownSeconds).toBe(0);
    expect(tomorrow?.month.used.workerSeconds).toBe(360);
  });

  test('takes the time of an outage for unknown', async () => {
    const ledger = ledgerOn(store().store);
    await ledger.open(signal);
    ledger.count(noonMs, held);
    const after = ledger.count(noonMs + hourMs, held);
    expect(after?.counted).toMatchObject({ knownSeconds: 0, unknownSeconds: 3600 });
  });

  test('bridges a tick or two that could not see the workers', async () => {
    const ledger = ledgerOn(store().store);
    await ledger.open(signal);
    ledger.count(noonMs, held);
    const blind = ledger.count(noonMs + 60_000, { ...held, workers: null });
    expect(blind).toMatchObject({ counted: { knownSeconds: 0, unknownSeconds: 0 } });
    expect(blind?.dollarsPerHour).toBeNull();
    const seeing = ledger.count(noonMs + 120_000, held);
    expect(seeing?.counted).toMatchObject({ knownSeconds: 120, unknownSeconds: 0 });
  });

  test('counts nothing before it could be read, and the time since then afterwards', async () => {
    const { state, store: kept } = store({ countedUntilMs: noonMs, days: [] });
    state.isAway = true;
    const ledger = ledgerOn(kept);
    await ledger.open(signal);
    expect(ledger.count(noonMs + 60_000, held)).toBeNull();
    expect(ledger.month(noonMs)).toBeNull();
    state.isAway = false;
    await ledger.open(signal);
    expect(ledger.count(noonMs + 90_000, held)?.counted.knownSeconds).toBe(90);
  });

  test('loses nothing when it cannot be written for a while', async () => {
    const { state, store: kept } = store();
    const ledger = ledgerOn(kept);
    await ledger.open(signal);
    ledger.count(noonMs, held);
    ledger.count(noonMs + 60_000, held);
    state.isAway = true;
    await expect(ledger.save(signal)).rejects.toThrow(OperationalError);
    state.isAway = false;
    await ledger.save(signal);
    expect(state.account.days).toMatchObject([{ usage: { used: { workerSeconds: 240 } } }]);
  });

  test('is read once, and again after another daemon may have written', async () => {
    const { state, store: kept } = store();
    let heldForMs: number | null = Infinity;
    const ledger = ledgerOn(kept, () => heldForMs);
    await ledger.open(signal);
    await ledger.open(signal);
    expect(state.loads).toBe(1);
    heldForMs = null;
    expect(ledger.count(noonMs, held)).toBeNull();
    heldForMs = 0;
    await ledger.open(signal);
    expect(state.loads).toBe(2);
  });

  test('begins anew with each month, and forgets a day after 400', async () => {
    const old = usageByDay(noonMs - 401 * 24 * hourMs, noonMs - 401 * 24 * hourMs + hourMs, held);
    const { state, store: kept } = store({
      countedUntilMs: Date.UTC(2026, 10, 30, 23, 59),
      days: [...old, ...usageByDay(noonMs, noonMs + hourMs, held)],
    });
    const ledger = ledgerOn(kept);
    await ledger.open(signal);
    const last = ledger.count(Date.UTC(2026, 11, 1), held);
    expect(last?.month.knownSeconds).toBe(0);
    expect(ledger.month(noonMs)?.knownSeconds).toBe(3660);
    await ledger.save(signal);
    expect(state.forgotten).toEqual(old.map(({ day }) => day));
  });
});

test('a dyno costs its price a month ÷ 720 an hour, whatever the case of its size; others have no price', () => {
  expect(dollarsPerHour('Standard-2X')).toBeCloseTo(0.0694, 4);
  expect(dollarsPerHour('dyno-1c-0.5gb')).toBeCloseTo(0.0347, 4);
  for (const size of ['Eco', 'constructor', 'Standard-9X', null])
    expect(dollarsPerHour(size)).toBeNull();
});
