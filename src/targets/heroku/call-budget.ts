/**
 * What is left of the account's calls, and what this daemon takes of them. Heroku gives an account 4,500 and returns one
 * every 0.8 s; its dashboards, CI and command lines live on the same ones.
 * https://devcenter.heroku.com/articles/platform-api-reference#rate-limits
 */
export type CallBudget = {
  /** As the last reply said; null before there was one. */
  remainingCalls(): number | null;
  /** Until when no call may be made, after a 429; null when calls may be made. */
  backOffUntilMs(): number | null;
  /**
   * How old a reading may be that was wanted at most `maxAgeMs` old: older when few calls are left, or when this daemon
   * makes more than its share.
   */
  readingAgeMs(maxAgeMs: number): number;
  /** A call is about to be made, whatever becomes of it. */
  readonly spend: () => void;
  record(reply: { readonly status: number; header(name: string): string | null }): void;
};

export const callsPerHour = 4_500;
/**
 * What a daemon takes for long when the account has plenty: two fifths, so that with a burst, and while many pools slow
 * down, it stays below half within any hour. Only readings that can wait do; what scales is counted and never held back.
 */
export const ownCallsPerHour = 1_800;
const perOwnCallMs = 3_600_000 / ownCallsPerHour;
/**
 * With fewer left, all who use the account take more together than comes back, other daemons among them. Each daemon's
 * share shrinks with what is left, so that all of them settle where calls come back as fast as they are made, and none
 * need know of the others.
 */
const plentyCalls = callsPerHour / 2;
/** 150 calls at once, as when many pools start or scale, slow nothing down. */
const burstMs = 5 * 60_000;
/** Whoever scales by hand is noticed by then, however many calls are made. */
const stretchMsMax = 10 * 60_000;

/** A tenth of the account's calls: below this, readings wait so that the last calls are there for scaling. */
const scarceCalls = callsPerHour / 10;
const scarceReadingAgeMs = 60_000;
/** Who wants a younger reading has a reason: the workers are to change, or others may have changed them just before. */
const stretchedFromMs = 10_000;

const firstBackOffMs = 15_000;
/** With the largest jitter this becomes the longest back-off. */
const lastBackOffMs = 48_000;
const backOffMsMax = 60_000;
/** Several daemons on one account must not all come back at the same moment. */
const jitter = 0.25;

/** `onOveruse` is told when this daemon makes more calls than its share for the first time. */
export function createCallBudget(nowMs: () => number, onOveruse: () => void): CallBudget {
  let remaining: number | null = null;
  // When all calls made so far would have been made at the pace of the share.
  let paidUntilMs = 0;
  let isOveruseTold = false;
  let untilMs = 0;
  let rejectionsInARow = 0;

  function backOffUntilMs(): number | null {
    const leftMs = untilMs - nowMs();
    // More than the longest back-off means that the clock was set back; waiting that out could take hours.
    return leftMs > 0 && leftMs <= backOffMsMax ? untilMs : null;
  }

  /**
   * By how much this daemon is ahead of its share. Added to the age of every reading, it settles where the calls of all
   * pools together are the share, and whoever has waited longest is next.
   */
  function aheadMs(): number {
    return Math.min(Math.max(0, paidUntilMs - burstMs - nowMs()), stretchMsMax);
  }

  return {
    remainingCalls: () => remaining,
    backOffUntilMs,
    readingAgeMs(maxAgeMs) {
      if (maxAgeMs < stretchedFromMs) return maxAgeMs;
      const isScarce = remaining !== null && remaining < scarceCalls;
      return Math.max(maxAgeMs + aheadMs(), isScarce ? scarceReadingAgeMs : 0);
    },
    spend() {
      const latestMs = nowMs() + burstMs + stretchMsMax;
      const leftCalls = Math.max(1, Math.min(remaining ?? plentyCalls, plentyCalls));
      const perCallMs = perOwnCallMs * (plentyCalls / leftCalls);
      // What lies beyond is of a clock that was set back, or was spent on changes.
      paidUntilMs = Math.min(Math.max(paidUntilMs, nowMs()) + perCallMs, latestMs);
      if (isOveruseTold || aheadMs() === 0) return;
      isOveruseTold = true;
      onOveruse();
    },
    record(reply) {
      const value = reply.header('ratelimit-remaining');
      if (value !== null && /^\d+$/.test(value)) remaining = Number(value);
      // Calls that were under way when the back-off began say nothing new.
      if (backOffUntilMs() !== null) return;
      if (reply.status !== 429) {
        rejectionsInARow = 0;
        return;
      }
      const askedMs = retryAfterMs(reply.header('retry-after'), nowMs());
      const ownMs = Math.min(firstBackOffMs * 2 ** rejectionsInARow, lastBackOffMs);
      const waitMs = (askedMs ?? ownMs) * (1 + jitter * Math.random());
      untilMs = nowMs() + Math.min(waitMs, backOffMsMax);
      rejectionsInARow += 1;
    },
  };
}

/** Seconds or an HTTP date; null when there is neither. */
function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.max(waitMs, 1_000);
}
