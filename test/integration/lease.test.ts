import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { createClaim, LeaseLost } from '../../src/state/claim.ts';
import { leaseExpiryMs } from '../../src/state/lease.ts';
import { soon, startContender } from '../support/lease.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});
beforeEach(() => client.flushall());

const start = (known: Parameters<typeof startContender>[1] = {}) =>
  startContender(server.url, known);
const quick = { timeout: 3_000, interval: 10 };

test.each([
  [1_000, 3_000],
  [2_000, 4_000],
  [60_000, 30_000],
  [86_400_000, 30_000],
])('at an interval of %i ms a lease holds for %i ms', (intervalMs, expiryMs) => {
  expect(leaseExpiryMs(intervalMs)).toBe(expiryMs);
});

describe('a lease', () => {
  test('is held by the first that takes it, and the other is told by whom', async () => {
    const [one, other] = [start(), start()];
    expect(await one.lease().take(soon())).toBe(true);
    expect(await other.lease().take(soon())).toBe(false);
    expect(one.told).toEqual([{ pool: 'worker', isOwn: true, holder: one.id, fence: 1 }]);
    expect(other.told).toEqual([{ pool: 'worker', isOwn: false, holder: one.id, fence: 1 }]);
  });

  test('is told apart by process, although both have the same name', () => {
    const [one, other] = [start({ name: 'clock.1' }), start({ name: 'clock.1' })];
    expect(one.id).toMatch(/^clock\.1:/);
    expect(one.id).not.toBe(other.id);
  });

  test('renews itself, however rare the ticks', async () => {
    const [one, other] = [start(), start()];
    const lease = one.lease();
    await lease.take(soon());
    await other.lease().take(soon());
    await sleep(1_500);
    expect(lease.heldForMs()).toBeGreaterThan(1_400);
    expect(other.told).toHaveLength(1);
  });

  test('passes on at once when it is given back, with a higher fencing number', async () => {
    const [one, other] = [start({ expiryMs: 60_000 }), start({ expiryMs: 60_000 })];
    const lease = one.lease();
    await lease.take(soon());
    await other.lease().take(soon());
    await lease.release();
    expect(lease.heldForMs()).toBeNull();
    await expect
      .poll(() => other.told.at(-1), quick)
      .toEqual({ pool: 'worker', isOwn: true, holder: other.id, fence: 2 });
  });

  test('passes on after its expiry when its holder is silent, who knows it before that', async () => {
    const [one, other] = [start(), start()];
    const lease = one.lease();
    await lease.take(soon());
    await other.lease().take(soon());
    one.cut();
    let wasHeld = true;
    while (other.told.at(-1)?.isOwn !== true) {
      wasHeld = lease.heldForMs() !== null;
      await sleep(2);
    }
    expect(wasHeld).toBe(false);
    expect(() => {
      lease.assertHeld();
    }).toThrow(LeaseLost);
    one.mend();
    await expect.poll(() => one.told.at(-1), quick).toMatchObject({ holder: other.id, fence: 2 });
    expect(await lease.take(soon())).toBe(false);
  });

  test('is not relied on after the machine slept, although its timers saw nothing', async () => {
    let sleptMs = 0;
    const lease = start({ expiryMs: 60_000, nowMs: () => Date.now() + sleptMs }).lease();
    await lease.take(soon());
    sleptMs = 55_000;
    expect(lease.heldForMs()).toBeNull();
    // A clock that was set back says nothing.
    sleptMs = -3_600_000;
    expect(lease.heldForMs()).not.toBeNull();
  });

  test('is not told as lost again and again while Redis is away, and is taken up again', async () => {
    const own = await startRedis();
    const port = Number(new URL(own.url).port);
    const one = startContender(own.url);
    await one.lease().take(soon());
    await own.stop();
    await expect.poll(() => one.told.length, { timeout: 5_000 }).toBe(2);
    expect(one.told[1]).toEqual({ pool: 'worker', isOwn: false, holder: null, fence: null });
    await sleep(500);
    const again = await startRedis({ port });
    await expect.poll(() => one.told.at(-1)?.isOwn, { timeout: 10_000 }).toBe(true);
    expect(one.told).toHaveLength(3);
    await again.stop();
  });

  test('fails as the state of the daemon does when Redis cannot be reached', async () => {
    const own = await startRedis();
    await own.stop();
    await expect(startContender(own.url).lease().take(soon())).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
    });
  });

  test('fails with a hint when somebody else wrote its key, and survives fields without sense', async () => {
    await client.set('backlog-autoscaler:lease:{worker}', 'a text');
    await expect(start().lease().take(soon())).rejects.toBeInstanceOf(OperationalError);
    await client.del('backlog-autoscaler:lease:{worker}');
    await client.hset('backlog-autoscaler:lease:{worker}', {
      ...{ holder: 'x', fence: 'many', untilMs: 'soon', waitingPools: 'some' },
    });
    expect(await start().lease().take(soon())).toBe(true);
  });

  test('ends as others do when its end lies in the far future, as after the server’s clock was set back', async () => {
    const key = 'backlog-autoscaler:lease:{worker}';
    const nowMs = Number((await client.time())[0]) * 1000;
    await client.hset(key, { holder: 'gone', fence: 7, untilMs: nowMs + 3_600_000 });
    const lease = start().lease();
    expect(await lease.take(soon())).toBe(false);
    const leftMs = Number(await client.hget(key, 'untilMs')) - nowMs;
    expect(leftMs).toBeLessThan(60_000);
    await client.hset(key, { untilMs: nowMs });
    expect(await lease.take(soon())).toBe(true);
  });

  test('leaves nothing behind for ever', async () => {
    const lease = start().lease();
    await lease.take(soon());
    await lease.write('memory:{worker}', 'text', 1_000, soon());
    await lease.release();
    for (const key of await client.keys('*')) expect(await client.pttl(key)).toBeGreaterThan(0);
  });

  test('that was given back before the connection was there is not taken afterwards', async () => {
    const one = start();
    one.cut();
    const lease = one.lease();
    const taking = lease.take(soon()).catch((error: unknown) => error);
    const releasing = lease.release();
    one.mend();
    expect(await taking).toBeInstanceOf(LeaseLost);
    await releasing;
    expect(await start().lease().take(soon())).toBe(true);
  });
});

describe('writing under a lease', () => {
  test('is for its holder alone', async () => {
    const [one, other] = [start(), start()];
    const [own, foreign] = [one.lease(), other.lease()];
    await own.take(soon());
    await foreign.take(soon());
    await own.write('key', 'of the holder', 60_000, soon());
    await expect(foreign.write('key', 'of another', 60_000, soon())).rejects.toThrow(LeaseLost);
    expect(await client.get('key')).toBe('of the holder');
  });

  test('is refused once the lease has ended, also when nobody has taken it', async () => {
    const one = start({ isStaying: false });
    const lease = one.lease();
    await lease.take(soon());
    await client.hset('backlog-autoscaler:lease:{worker}', 'untilMs', 1);
    await expect(lease.write('key', 'late', 60_000, soon())).rejects.toThrow(LeaseLost);
    expect(await client.get('key')).toBeNull();
  });
});

describe('pools', () => {
  /** Daemons that tick for each of the pools ten times a second. */
  function startDaemons(count: number, pools: readonly (readonly string[])[]) {
    const stop = new AbortController();
    const daemons = Array.from({ length: count }, (_, index) => {
      const daemon = start();
      const leases = (pools[index] ?? pools[0] ?? []).map((pool) => daemon.lease(pool));
      return { ...daemon, leases };
    });
    const join = (daemon: (typeof daemons)[number]) => {
      void (async () => {
        while (!stop.signal.aborted) {
          await Promise.all(daemon.leases.map((lease) => lease.take(soon()).catch(() => false)));
          await sleep(100);
        }
      })();
    };
    const moves = () => daemons.flatMap(({ told }) => told).filter(({ isOwn }) => isOwn).length;
    return { daemons, join, moves, stop, counts: () => daemons.map((each) => each.pools()) };
  }
  const names = (count: number) =>
    Array.from({ length: count }, (_, index) => `pool${String(index)}`);

  test.each([
    [2, 1, [0, 1]],
    [2, 5, [2, 3]],
    [3, 4, [1, 1, 2]],
    [3, 9, [3, 3, 3]],
  ])(
    'of %i daemons, with %i of them, are spread evenly, and stay where they are',
    async (count, pools, even) => {
      const { daemons, join, moves, stop, counts } = startDaemons(count, [names(pools)]);
      // The first is there long before the others, and has them all.
      const [first, ...others] = daemons;
      if (first !== undefined) join(first);
      await expect.poll(() => first?.pools(), quick).toBe(pools);
      others.forEach(join);
      await expect
        .poll(() => counts().toSorted((one, other) => one - other), { timeout: 15_000 })
        .toEqual(even);
      // One that was handed over a moment ago may be on its way.
      await sleep(1_500);
      const before = moves();
      // Longer than a daemon remembers to whom it gave a pool.
      await sleep(6_000);
      expect(moves()).toBe(before);
      stop.abort();
    },
    30_000,
  );

  test('all pass on to the others when a daemon dies', async () => {
    const { daemons, join, counts, stop } = startDaemons(2, [names(4)]);
    daemons.forEach(join);
    await expect.poll(counts, { timeout: 10_000 }).toEqual([2, 2]);
    daemons[0]?.cut();
    await expect.poll(counts, quick).toEqual([0, 4]);
    stop.abort();
    daemons[0]?.mend();
  });

  test('stay when the daemon with fewer looks after others', async () => {
    const { daemons, join, moves, counts, stop } = startDaemons(2, [['a', 'b', 'c'], ['d']]);
    daemons.forEach(join);
    await expect.poll(counts, quick).toEqual([3, 1]);
    await sleep(1_000);
    expect(moves()).toBe(4);
    stop.abort();
  });

  test('are not thought held by a renewal that was asked for just before they were handed over', async () => {
    const [one, other] = [start(), start()];
    const claimOf = ({ redis, contender }: ReturnType<typeof start>, pool: string) =>
      createClaim({
        ...{ redis, contender, identity: pool, expiryMs: 60_000, isWaiting: true },
        nowMs: () => Date.now(),
      });
    const [first, second] = [claimOf(one, 'first'), claimOf(one, 'second')];
    await first.ask(soon(), false);
    await second.ask(soon(), false);
    for (const pool of ['first', 'second']) one.contender.gained(pool);
    await claimOf(other, 'first').ask(soon(), false);

    // The renewal reaches the server between the question that leads to the handing over and the handing over itself.
    await Promise.all([first.ask(soon(), true), first.ask(soon(), false)]);
    expect(await client.hget('backlog-autoscaler:lease:{first}', 'holder')).toBe(other.id);
    expect(first.heldForMs()).toBeNull();
  });

  test('are never handed to a command that is about to end', async () => {
    const { daemons, join, stop } = startDaemons(1, [names(4)]);
    daemons.forEach(join);
    await expect.poll(() => daemons[0]?.pools(), quick).toBe(4);
    const once = start({ isStaying: false });
    for (const pool of names(4)) expect(await once.lease(pool).take(soon())).toBe(false);
    await sleep(500);
    expect(daemons[0]?.pools()).toBe(4);
    stop.abort();
  });
});
