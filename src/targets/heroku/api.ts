import { z } from 'zod';
import { OperationalError } from '../../errors.ts';
import { createCallBudget, type CallBudget } from './call-budget.ts';
import { createConnection, type Call, type Reply } from './connection.ts';
import { createQuote, type Quote } from '../../quote.ts';
import { isSuccess, readRefusal, refusalError, unreadable } from './refusal.ts';

/** What one HTTP reply of Heroku told, for metrics and logs. Holds no secret. */
export type HerokuReply = {
  readonly method: Call['method'];
  readonly path: string;
  readonly status: number;
  readonly requestId: string;
  /** What is left of the account's calls; null when no reply has said so yet. */
  readonly remainingCalls: number | null;
  /** What the token may do, as in `global` or `read write`; null when the reply does not say. */
  readonly scope: string | null;
  readonly durationSeconds: number;
};

export type HerokuApiParts = {
  readonly apiUrl: string;
  readonly apiKey: string;
  /** `backlog-autoscaler/<version>` */
  readonly userAgent: string;
  readonly nowMs: () => number;
  readonly onReply?: (reply: HerokuReply) => void;
  /** Told once, when this process makes more calls than its share, and begins to read less often. */
  readonly onOveruse?: () => void;
};

/**
 * Calls to one of Heroku's APIs within what the account may ask. Each throws an OperationalError with a `TARGET_…` code,
 * `TARGET_RATE_LIMITED` without asking while it backs off.
 */
export type HerokuApi = {
  /** Sends a call and returns its reply, whatever its status. */
  exchange(call: Call, signal: AbortSignal): Promise<Reply>;
  /** The body of a reply, which must be a success and have the expected shape. */
  read<T>(call: Call, reply: Reply, shape: z.ZodType<T>): T;
  /** Both in one. */
  ask<T>(call: Call, shape: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  readonly quote: Quote;
  readonly budget: Pick<CallBudget, 'remainingCalls' | 'readingAgeMs'>;
  close(): Promise<void>;
};

export function createHerokuApi(parts: HerokuApiParts): HerokuApi {
  const quote = createQuote([parts.apiKey]);
  const budget = createCallBudget(parts.nowMs, () => parts.onOveruse?.());
  const connection = createConnection({
    ...parts,
    quote,
    onCall: budget.spend,
    onReply(call, reply, durationSeconds) {
      budget.record(reply);
      parts.onReply?.({
        method: call.method,
        path: call.path,
        status: reply.status,
        requestId: reply.requestId,
        remainingCalls: budget.remainingCalls(),
        scope: reply.header('oauth-scope'),
        durationSeconds,
      });
    },
  });

  async function exchange(call: Call, signal: AbortSignal): Promise<Reply> {
    const untilMs = budget.backOffUntilMs();
    if (untilMs !== null) throw backingOff(untilMs);
    return connection.exchange(call, signal);
  }

  function read<T>(call: Call, reply: Reply, shape: z.ZodType<T>): T {
    if (!isSuccess(reply.status)) throw refusalError(call, reply, readRefusal(reply), quote);
    let json: unknown;
    try {
      json = JSON.parse(reply.text);
    } catch {
      throw unreadable(call, reply, `this is not JSON: ${quote(reply.text)}`);
    }
    const parsed = shape.safeParse(json);
    if (parsed.success) return parsed.data;
    throw unreadable(call, reply, quote(z.prettifyError(parsed.error)));
  }

  return {
    exchange,
    read,
    async ask(call, shape, signal) {
      return read(call, await exchange(call, signal), shape);
    },
    quote,
    budget,
    close: () => connection.close(),
  };
}

function backingOff(untilMs: number): OperationalError {
  const until = new Date(untilMs).toISOString();
  return new OperationalError(
    'TARGET_RATE_LIMITED',
    `Heroku’s rate limit was reached: no calls before ${until}`,
    {
      hint: 'All that uses this Heroku account shares its 4,500 calls an hour. Calls begin again by themselves.',
    },
  );
}
