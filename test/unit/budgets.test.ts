import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectionBudget } from '../../src/decision/budgets/connection-budget.ts';
import { costBudget } from '../../src/decision/budgets/cost-budget.ts';
import { fairShares, workerBudget, type Sharer } from '../../src/decision/budgets/worker-budget.ts';
import { decide } from '../../src/decision/decide.ts';
import { budgetLimits, type Budget } from '../../src/decision/types.ts';
import { clientsIn, connectionsOfWorkers } from '../../src/queues/bullmq/connections.ts';
import { memory, observation, policy } from '../support/builders.ts';

const hourMs = 3_600_000;
const june = (day: number, hour = 0) => Date.UTC(2026, 5, day, hour);
/** One dollar an hour, and a dollar for each hour of June: as many workers as the dollars of an hour. */
const cost = (nowMs: number, spentDollars: number, dollarsPerMonth = 720) =>
  costBudget({ dollarsPerMonth, spentDollars, workerDollarsPerHour: 1, nowMs });

describe('the money of a month', () => {
  test('pays at its beginning for as many workers as it lasts for', () => {
    expect(cost(june(1), 0).workers).toBe(1);
    expect(cost(june(1), 0, 7200).workers).toBe(10);
  });

  test('that was saved pays for a burst, and what was spent too early is waited for', () => {
    expect(cost(june(11), 240).workers).toBe(1);
    expect(cost(june(11), 240 - 24).workers).toBe(5);
    expect(cost(june(11), 246).workers).toBe(0);
  });

  test('is all there in the last hours, and lasts until the end', () => {
    expect(cost(june(30, 18), 714).workers).toBe(1);
    expect(cost(june(30, 23), 718).workers).toBe(2);
    expect(cost(june(30, 23), 720).workers).toBe(0);
  });

  test('is never exceeded by a pool that always takes all it may', () => {
    let spent = 0;
    for (let nowMs = june(1); nowMs < june(31); nowMs += hourMs) {
      const { workers } = cost(nowMs, spent, 2000);
      spent += workers ?? NaN;
    }
    expect(spent).toBeLessThanOrEqual(2000);
    expect(spent).toBeGreaterThan(1900);
  });

  test('is said in a sentence', () => {
    expect(cost(june(11), 200.5)).toEqual({
      limit: 'cost-budget',
      workers: 7,
      why: '$200.50 of $720 are spent this month (COST_BUDGET): what has come in pays 7 workers for the next 6h',
    });
  });

  test('limits nothing while the price or the costs so far are not known', () => {
    const known = { dollarsPerMonth: 100, spentDollars: 1, workerDollarsPerHour: 1, nowMs: 0 };
    const unpriced = costBudget({ ...known, workerDollarsPerHour: null });
    expect(unpriced).toMatchObject({
      workers: null,
      why: 'what a worker costs is not known: COST_BUDGET limits nothing',
    });
    expect(costBudget({ ...known, spentDollars: null }).workers).toBeNull();
  });
});

describe('workers that pools share', () => {
  const sharer = (pool: string, known: Partial<Sharer> = {}): Sharer => ({
    ...{ pool, weight: 1, minWorkers: 0, wantedWorkers: 100 },
    ...known,
  });
  const shares = (total: number, ...sharers: Sharer[]) => [...fairShares(total, sharers).values()];

  test('are divided by weight among those that want more', () => {
    expect(shares(12, sharer('a', { weight: 2 }), sharer('b'))).toEqual([8, 4]);
    expect(shares(9, sharer('a'), sharer('b'), sharer('c'))).toEqual([3, 3, 3]);
  });

  test('go to those that need them when others want less', () => {
    expect(shares(10, sharer('a', { wantedWorkers: 1 }), sharer('b'))).toEqual([1, 9]);
  });

  test('leave each its minimum, whatever its weight', () => {
    expect(shares(10, sharer('a', { weight: 99 }), sharer('b', { minWorkers: 4 }))).toEqual([6, 4]);
  });

  test('are kept for a pool of which nothing is known', () => {
    expect(shares(10, sharer('a'), sharer('b', { wantedWorkers: null }))).toEqual([5, 5]);
  });

  test('are never more than there are, never fewer than are wanted while some are left', () => {
    const sharers = fc.uniqueArray(
      fc.record({
        pool: fc.string(),
        weight: fc.integer({ min: 1, max: 9 }),
        minWorkers: fc.integer({ min: 0, max: 3 }),
        wantedWorkers: fc.integer({ min: 3, max: 40 }),
      }),
      { selector: ({ pool }) => pool, minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(sharers, fc.integer({ min: 18, max: 100 }), (all, total) => {
        const given = [...fairShares(total, all).values()].reduce((sum, each) => sum + each, 0);
        const wanted = all.reduce((sum, { wantedWorkers }) => sum + wantedWorkers, 0);
        expect(given).toBe(Math.min(total, wanted));
      }),
    );
  });

  test('are said with what stands in the way of the share', () => {
    const budget = { totalWorkers: 10, leastWorkers: 2, shareWorkers: 5, grantedWorkers: 5 };
    expect(workerBudget(budget).why).toBe(
      'all pools together may have 10 workers (WORKER_BUDGET): 5 are this pool’s share',
    );
    expect(workerBudget({ ...budget, grantedWorkers: 2 }).why).toContain(
      '2 until the others have let go of theirs, 5 then',
    );
    expect(workerBudget({ ...budget, leastWorkers: 11 }).why).toBe(
      'all pools together may have 10 workers (WORKER_BUDGET), but their minimums add up to 11: they count, and nobody has more',
    );
  });
});

describe('the connections of Redis', () => {
  test('are enough for so many workers beside everybody else', () => {
    expect(connectionBudget(80, { allowed: 80, others: 14, perWorker: 5 })).toEqual({
      limit: 'connection-budget',
      workers: 10,
      why: 'Redis allows 80 connections, 80% of which may be used (CONNECTION_BUDGET): beside 14 of others, 5 for each worker are enough for 10 workers',
    });
    expect(connectionBudget(80, { allowed: 20, others: 30, perWorker: 5 }).workers).toBe(0);
    expect(connectionBudget(80, { whyUnknown: 'Redis does not say it' })).toEqual({
      limit: 'connection-budget',
      workers: null,
      why: 'Redis does not say it: CONNECTION_BUDGET limits nothing',
    });
  });

  const base64 = (queue: string) => Buffer.from(queue).toString('base64');
  const line = (address: string, name = '') => `id=1 addr=${address}:4711 name=${name} db=0`;
  const waiting = (address: string, queue: string, name = '') =>
    line(address, `bull:${base64(queue)}${name && `:w:${name}`}`);
  const count = (...lines: string[]) =>
    connectionsOfWorkers(clientsIn(lines.join('\n')), ({ queue }) => queue === 'mail');

  test('of a worker are all that come from its address', () => {
    const dynos = ['10.0.0.1', '10.0.0.2'].flatMap((address, at) => [
      waiting(address, 'mail', `worker.${at + 1}`),
      ...[line(address), line(address), line(address, 'cache')],
    ]);
    expect(count(...dynos, line('10.0.0.9'), line('10.0.0.9'))).toEqual({
      ...{ connections: 8, workers: 2 },
    });
  });

  test('are two for each queue where an address is shared', () => {
    const here = '127.0.0.1';
    const shared = [waiting(here, 'mail', 'worker.1'), line(here), line(here), line(here)];
    expect(count(...shared, line(here, 'backlog-autoscaler'))).toEqual({
      ...{ connections: 2, workers: 1 },
    });
    expect(count(...shared, waiting(here, 'other'))).toEqual({ connections: 2, workers: 1 });
  });

  test('tell two dynos of one name apart while a deploy replaces the one with the other', () => {
    const overlap = ['10.0.0.1', '10.0.0.2'].flatMap((address) => [
      waiting(address, 'mail', 'worker.1'),
      line(address),
    ]);
    expect(count(...overlap)).toEqual({ connections: 4, workers: 2 });
  });
});

describe('a decision within budgets', () => {
  const budget = (limit: Budget['limit'], workers: number | null): Budget => ({
    ...{ limit, workers, why: `${limit} allows ${String(workers)}` },
  });
  const decided = (
    budgets: readonly Budget[],
    seen: Parameters<typeof observation>[1] = {},
    wishes: Parameters<typeof policy>[0] = {},
  ) => decide(observation(2000, { budgets, ...seen }), policy(wishes), memory()).decision;

  test('takes the smallest of them, and says each that changed the number', () => {
    const { desiredWorkers, limitedBy, steps } = decided([
      budget('cost-budget', 3),
      budget('connection-budget', 9),
      budget('worker-budget', 12),
    ]);
    expect(desiredWorkers).toBe(3);
    expect(limitedBy).toBe('cost-budget');
    expect(steps.map(({ step }) => step)).toEqual([
      ...['recommend', 'connection-budget', 'cost-budget'],
    ]);
  });

  test('never has fewer than MIN_WORKERS', () => {
    const { desiredWorkers, steps } = decided([budget('cost-budget', 0)], {}, { minWorkers: 2 });
    expect(desiredWorkers).toBe(2);
    expect(steps.at(-1)?.step).toBe('min-workers');
  });

  test('lets workers go, by the way of every scale-down, when a budget has become smaller', () => {
    expect(decided([budget('cost-budget', 3)], { currentWorkers: 8 })).toMatchObject({
      ...{ action: 'scale-down', desiredWorkers: 3 },
    });
  });

  test('is not limited by what cannot be told', () => {
    const unknown = budgetLimits.map((limit) => budget(limit, null));
    expect(decided(unknown).desiredWorkers).toBe(20);
  });

  test('shrinks for no budget while a queue cannot be read, and does not grow beyond it either', () => {
    const unreadableQueues = [{ queue: 'broken', why: 'wrong type' }];
    const blind = { currentWorkers: 8, unreadableQueues };
    expect(decided([budget('cost-budget', 3)], blind).desiredWorkers).toBe(8);
    expect(decided([budget('cost-budget', 9)], blind).desiredWorkers).toBe(9);
  });
});
