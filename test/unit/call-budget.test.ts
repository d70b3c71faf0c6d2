import { beforeEach, describe, expect, test } from 'vitest';
import { createRateLimit, herokuRateLimit } from '../../src/demo/heroku/rate-limit.ts';
import { createCallBudget, type CallBudget } from '../../src/targets/heroku/call-budget.ts';

const hourSeconds = 3_600;

let nowMs: number;
let budget: CallBudget;
let timesTold: number;
/** Moments of all calls, in seconds. */
let calls: number[];

beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  timesTold = 0;
  calls = [];
  budget = createCallBudget(
    () => nowMs,
    () => (timesTold += 1),
  );
});

function call(): void {
  budget.spend();
  calls.push(nowMs / 1_000);
}

/** Lets pools read as the targets do, each when its last reading is too old at one of its ticks; returns their calls. */
function play(intervalsSeconds: readonly number[], seconds: number): readonly number[] {
  const pools = intervalsSeconds.map((intervalSeconds) => ({
    intervalSeconds,
    readAtMs: -Infinity,
    calls: 0,
  }));
  for (let second = 0; second < seconds; second += 1) {
    for (const pool of pools) {
      if (second % pool.intervalSeconds > 0) continue;
      if (nowMs - pool.readAtMs < budget.readingAgeMs(10_000)) continue;
      pool.readAtMs = nowMs;
      pool.calls += 1;
      call();
    }
    nowMs += 1_000;
  }
  return pools.map((pool) => pool.calls);
}

const pools = (count: number, intervalSeconds: number) =>
  Array.from({ length: count }, () => intervalSeconds);

/** The most calls within any hour. */
function busiestHour(): number {
  let most = 0;
  let first = 0;
  calls.forEach((at, index) => {
    while ((calls[first] ?? at) <= at - hourSeconds) first += 1;
    most = Math.max(most, index + 1 - first);
  });
  return most;
}

describe('the share of the account’s calls', () => {
  test('leaves pools alone that stay below it', () => {
    expect(play(pools(5, 1), hourSeconds)).toEqual(pools(5, 360));
    expect(play(pools(30, 60), hourSeconds)).toEqual(pools(30, 60));
    expect(timesTold).toBe(0);
  });

  test.each([6, 13, 40, 100])('is kept by %i pools that look every second', (count) => {
    const each = play(pools(count, 1), 3 * hourSeconds);
    expect(busiestHour()).toBeLessThanOrEqual(2_250);
    const inTheEnd = calls.filter((at) => at >= nowMs / 1_000 - hourSeconds).length;
    expect(inTheEnd).toBeLessThanOrEqual(1_830);
    expect(inTheEnd).toBeGreaterThan(1_600);
    // Nobody reads at another's expense.
    expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(2);
    expect(timesTold).toBe(1);
  });

  test('slows down those that look often, and not those that look seldom anyway', () => {
    const each = play([...pools(12, 1), ...pools(5, 60)], 2 * hourSeconds);
    expect(each.slice(12)).toEqual(pools(5, 120));
    expect(busiestHour()).toBeLessThanOrEqual(2_250);
  });

  test('is free for bursts: many pools that start or scale at once slow nothing down', () => {
    for (let made = 0; made < 150; made += 1) call();
    expect(budget.readingAgeMs(10_000)).toBe(10_000);
    call();
    expect(budget.readingAgeMs(10_000)).toBe(12_000);
  });

  test('never makes a reading older that is wanted young, as right before a change', () => {
    for (let made = 0; made < 1_000; made += 1) call();
    expect(budget.readingAgeMs(10_000)).toBeGreaterThan(300_000);
    expect(budget.readingAgeMs(9_999)).toBe(9_999);
    expect(budget.readingAgeMs(0)).toBe(0);
  });

  test('makes no reading older than ten minutes more, and is forgiven within a quarter of an hour', () => {
    for (let made = 0; made < 10_000; made += 1) call();
    expect(budget.readingAgeMs(10_000)).toBe(610_000);
    nowMs += 10 * 60_000;
    expect(budget.readingAgeMs(10_000)).toBe(10_000);
  });

  test('survives a clock that is set back', () => {
    for (let made = 0; made < 200; made += 1) call();
    nowMs -= 24 * hourSeconds * 1_000;
    expect(budget.readingAgeMs(10_000)).toBe(610_000);
    call();
    nowMs += 15 * 60_000;
    expect(budget.readingAgeMs(10_000)).toBe(10_000);
  });
});

/** Lets daemons, each with so many pools, look every ten seconds at the account that they and others share. */
function share(
  daemons: number,
  { othersPerHour, hours }: { othersPerHour: number; hours: number },
) {
  const bucket = createRateLimit(herokuRateLimit);
  const budgets = Array.from({ length: daemons }, () =>
    createCallBudget(
      () => nowMs,
      () => undefined,
    ),
  );
  const readAtMs = budgets.map(() => Array.from({ length: 40 }, () => -Infinity));
  const made = budgets.map(() => 0);
  let leastLeft = Infinity;
  const take = () => {
    bucket.take(nowMs);
    leastLeft = Math.min(leastLeft, bucket.remaining(nowMs));
    const left = String(bucket.remaining(nowMs));
    return { status: 200, header: (name: string) => (name.endsWith('remaining') ? left : null) };
  };
  for (let second = 0; second < hours * hourSeconds; second += 1) {
    if (othersPerHour > 0 && second % (hourSeconds / othersPerHour) === 0) take();
    budgets.forEach((own, daemon) => {
      readAtMs[daemon]?.forEach((atMs, pool, all) => {
        if (nowMs - atMs < own.readingAgeMs(10_000)) return;
        all[pool] = nowMs;
        own.spend();
        own.record(take());
        if (second >= (hours - 1) * hourSeconds) made[daemon] = (made[daemon] ?? 0) + 1;
      });
    });
    nowMs += 1_000;
  }
  return { leastLeft, madeInTheEnd: made };
}

describe('an account that several daemons use', () => {
  test('leaves two of them what they are used to', () => {
    const { leastLeft, madeInTheEnd } = share(2, { othersPerHour: 600, hours: 6 });
    expect(leastLeft).toBeGreaterThan(2_250);
    for (const made of madeInTheEnd) expect(made).toBeGreaterThan(1_700);
  });

  test.each([
    [3, 0],
    [3, 1_800],
    [10, 600],
  ])(
    'has calls left for others while %i do, and people make %i an hour',
    (daemons, othersPerHour) => {
      // No call is refused, or it would have thrown.
      const { leastLeft, madeInTheEnd } = share(daemons, { othersPerHour, hours: 12 });
      expect(leastLeft).toBeGreaterThan(400);
      const inAll = madeInTheEnd.reduce((sum, made) => sum + made, othersPerHour);
      expect(inAll).toBeGreaterThan(4_000);
      expect(inAll).toBeLessThan(4_700);
      // None takes its calls at another's expense.
      expect(Math.max(...madeInTheEnd)).toBeLessThan(1.2 * Math.min(...madeInTheEnd));
    },
  );
});
