/**
 * What is left of the account's calls. Heroku gives an account 4,500 and returns one every 0.8 s; its dashboards, CI and
 * command lines live on the same ones. https://devcenter.heroku.com/articles/platform-api-reference#rate-limits
 */
export type CallBudget = {
  /** As the last reply said; null before there was one. */
  remainingCalls(): number | null;
  /** Until when no call may be made, after a 429; null when calls may be made. */
  backOffUntilMs(): number | null;
  /** How old a reading may be that was wanted at most `maxAgeMs` old: older when few calls are left. */
  readingAgeMs(maxAgeMs: number): number;
  record(reply: { readonly status: number; header(name: string): string | null }): void;
};

/** A tenth of the account's calls: below this, readings wait so that the last calls are there for scaling. */
const scarceCalls = 450;
const scarceReadingAgeMs = 60_000;
/** A reading that must be this young is the one right before a change of the number of workers. */
const neverStretchedMs = 2_000;

const firstBackOffMs = 15_000;
/** With the largest jitter this becomes the longest back-off. */
const lastBackOffMs = 48_000;
const backOffMsMax = 60_000;
/** Several daemons on one account must not all come back at the same moment. */
const jitter = 0.25;

export function createCallBudget(nowMs: () => number): CallBudget {
  let remaining: number | null = null;
  let untilMs = 0;
  let rejectionsInARow = 0;

  function backOffUntilMs(): number | null {
    const leftMs = untilMs - nowMs();
    // More than the longest back-off means that the clock was set back; waiting that out could take hours.
    return leftMs > 0 && leftMs <= backOffMsMax ? untilMs : null;
  }

  return {
    remainingCalls: () => remaining,
    backOffUntilMs,
    readingAgeMs(maxAgeMs) {
      const isScarce = remaining !== null && remaining < scarceCalls;
      return isScarce && maxAgeMs > neverStretchedMs
        ? Math.max(maxAgeMs, scarceReadingAgeMs)
        : maxAgeMs;
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
