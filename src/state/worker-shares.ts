import { z } from 'zod';
import type { RedisConnection } from '../redis.ts';
import { storedValue } from './stored.ts';

/** What a pool said last: the fewest it may have, how many it wants, and how many it holds or was granted. */
export type Claim = {
  readonly minWorkers: number;
  readonly wantedWorkers: number;
  readonly claimedWorkers: number;
};

const count = z.number().int().nonnegative();
const claim: z.ZodType<Claim> = z.object({
  minWorkers: count,
  wantedWorkers: count,
  claimedWorkers: count,
});

/** What pools that share a number of workers say of themselves, by identity; forgotten a day after all have fallen silent. */
const key = 'backlog-autoscaler:{worker-budget}';
const expiryMs = 24 * 60 * 60_000;

/** Whoever asks first is granted what is left, in one step, so that two that ask at once do not both get it. */
const claimScript = `
local own, total, limit, current = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local others = 0
for i = 8, #ARGV do
  local text = redis.call('HGET', KEYS[1], ARGV[i])
  local isJson, said = pcall(cjson.decode, text or '')
  if isJson and type(said) == 'table' then others = others + (tonumber(said.claimedWorkers) or 0) end
end
local granted = math.min(limit, math.max(current, total - others))
local claimed = math.max(granted, current)
local said = { minWorkers = tonumber(ARGV[5]), wantedWorkers = tonumber(ARGV[6]), claimedWorkers = claimed }
redis.call('HSET', KEYS[1], own, cjson.encode(said))
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return granted
`;

export type WorkerShares = {
  /**
   * What the pools said last, in their order; null of one that has said nothing.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  read(identities: readonly string[], signal: AbortSignal): Promise<readonly (Claim | null)[]>;
  /**
   * Says what a pool wants, and takes up to `limitWorkers`, as far as the others leave it; what runs is never taken away.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  claim(
    request: {
      readonly identity: string;
      readonly others: readonly string[];
      readonly totalWorkers: number;
      readonly limitWorkers: number;
      readonly currentWorkers: number;
      readonly minWorkers: number;
      readonly wantedWorkers: number;
    },
    signal: AbortSignal,
  ): Promise<number>;
};

export function createWorkerShares(redis: RedisConnection): WorkerShares {
  return {
    async read(identities, signal) {
      const texts = await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        client.hmget(key, ...identities),
      );
      return texts.map((text) => claim.safeParse(storedValue(text)).data ?? null);
    },
    claim({ identity, others, totalWorkers, limitWorkers, currentWorkers, ...own }, signal) {
      const { minWorkers, wantedWorkers } = own;
      const numbers = [totalWorkers, limitWorkers, currentWorkers, minWorkers, wantedWorkers];
      const words = [identity, ...[...numbers, expiryMs].map(String), ...others];
      return redis.run(
        'STATE_UNAVAILABLE',
        signal,
        (client) => client.eval(claimScript, 1, key, ...words) as Promise<number>,
      );
    },
  };
}
