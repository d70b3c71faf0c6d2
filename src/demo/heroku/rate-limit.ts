import { rateLimited } from './api-error.ts';

export type RateLimitSettings = {
  /** Requests that may come at once after a long silence. */
  readonly capacity: number;
  readonly refillPerMinute: number;
};

/** Heroku's, for one account: 4,500 requests an hour. */
export const herokuRateLimit: RateLimitSettings = { capacity: 4_500, refillPerMinute: 75 };

export type RateLimit = {
  remaining(nowMs: number): number;
  /** @throws {ApiError} 429, which costs nothing */
  take(nowMs: number): void;
};

/**
 * The generic cell rate algorithm: instead of a count it keeps the time at which the bucket will be full again.
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
export function createRateLimit({ capacity, refillPerMinute }: RateLimitSettings): RateLimit {
  const msPerRequest = 60_000 / refillPerMinute;
  let fullAtMs = -Infinity;
  const remaining = (nowMs: number) =>
    Math.floor(capacity - Math.max(0, fullAtMs - nowMs) / msPerRequest);
  return {
    remaining,
    take(nowMs) {
      if (remaining(nowMs) < 1) throw rateLimited();
      fullAtMs = Math.max(fullAtMs, nowMs) + msPerRequest;
    },
  };
}
