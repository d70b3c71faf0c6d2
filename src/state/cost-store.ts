import { z } from 'zod';
import type { Account, CostStore } from '../cost/ledger.ts';
import { keptDays, type DayUsage, type Usage } from '../cost/usage.ts';
import type { RedisConnection } from '../redis.ts';
import { executeAll, storedValue } from './stored.ts';

const amount = z.number().nonnegative().max(1e15);
const worked = z.object({ workerSeconds: amount, dollars: amount });
const usage: z.ZodType<Usage> = z.object({
  ...{ knownSeconds: amount, unknownSeconds: amount, unpricedSeconds: amount },
  ...{ used: worked, max: worked, ratio: worked },
});
const moment = z.coerce.number().nonnegative().max(8.64e15);

/**
 * A sorted set of the pools that have an account, by when it was last written. The braces keep it, the accounts and the
 * snapshots together on one node of a Redis Cluster.
 */
const index = 'backlog-autoscaler:costs:{snapshots}';
/** A hash: a day of UTC, as in `2026-11-28`, to what was used on it; and until when time was counted. */
const keyOf = (identity: string) => `${index}:${identity}`;
const untilField = 'countedUntilMs';
const expiryMs = keptDays * 24 * 60 * 60_000;

/** Keeps the account of one pool, a few hundred bytes a day. */
export function createCostStore(redis: RedisConnection, identity: string): CostStore {
  const key = keyOf(identity);
  return {
    load: (signal) =>
      redis.run('STATE_UNAVAILABLE', signal, async (client) =>
        accountIn(await client.hgetall(key)),
      ),
    save: ({ countedUntilMs, days, forgottenDays }, signal) =>
      redis.run('STATE_UNAVAILABLE', signal, async (client) => {
        const fields = days.flatMap((each) => [each.day, JSON.stringify(each.usage)]);
        const saving = client.multi().hset(key, untilField, String(countedUntilMs), ...fields);
        if (forgottenDays.length > 0) saving.hdel(key, ...forgottenDays);
        saving.pexpire(key, expiryMs);
        saving.zadd(index, countedUntilMs ?? 0, identity);
        saving.zremrangebyscore(index, '-inf', (countedUntilMs ?? 0) - expiryMs);
        saving.pexpire(index, expiryMs);
        await executeAll(saving);
      }),
  };
}

/**
 * The account of every pool that has one, by identity, the one written last first.
 * @throws {OperationalError} `STATE_UNAVAILABLE`
 */
export function readAccounts(
  redis: RedisConnection,
  signal: AbortSignal,
): Promise<readonly (Account & { readonly identity: string })[]> {
  return redis.run('STATE_UNAVAILABLE', signal, async (client) => {
    const identities = await client.zrevrange(index, 0, -1);
    const accounts = await Promise.all(identities.map((each) => client.hgetall(keyOf(each))));
    return accounts.map((fields, at) => ({ identity: identities[at] ?? '', ...accountIn(fields) }));
  });
}

/** What cannot be understood is left out, as if nobody had counted. */
function accountIn(fields: Readonly<Record<string, string>>): Account {
  const countedUntilMs = moment.safeParse(fields[untilField]).data ?? null;
  const days = Object.entries(fields).flatMap(([day, text]): readonly DayUsage[] => {
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) return [];
    const found = usage.safeParse(storedValue(text)).data;
    return found === undefined ? [] : [{ day, usage: found }];
  });
  // Redis keeps the fields of a hash in no order.
  days.sort((one, other) => one.day.localeCompare(other.day));
  return { countedUntilMs, days };
}
