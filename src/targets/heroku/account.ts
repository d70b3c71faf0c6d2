import { z } from 'zod';
import { OperationalError } from '../../errors.ts';
import { createCallBudget } from './call-budget.ts';
import { createConnection, type Call, type Reply } from './connection.ts';
import { createQuote, type Quote } from './quote.ts';
import { isSuccess, readRefusal, refusalError, unreadable } from './refusal.ts';
import * as shapes from './shapes.ts';

/** What one HTTP reply of Heroku told, for metrics and logs. Holds no secret. */
export type HerokuReply = {
  readonly method: 'GET' | 'PATCH';
  readonly path: string;
  readonly status: number;
  readonly requestId: string;
  /** What is left of the account's calls; null when no reply has said so yet. */
  readonly remainingCalls: number | null;
  /** What the token may do, as in `global` or `read write`; null when the reply does not say. */
  readonly scope: string | null;
  readonly durationSeconds: number;
};

export type ScaleReply =
  | { readonly kind: 'scaled'; readonly formation: readonly shapes.ProcessType[] }
  /** A refusal that names a limit. Which dynos it counts is for the caller to find out; `error` is for when it cannot. */
  | {
      readonly kind: 'limited';
      readonly limit: number;
      readonly counts: 'same-size' | 'all-sizes';
      readonly why: string;
      readonly error: OperationalError;
    };

/**
 * Heroku's Platform API as one token sees it: https://devcenter.heroku.com/articles/platform-api-reference.
 * Every call throws an OperationalError with a `TARGET_…` code, `TARGET_RATE_LIMITED` without asking while it backs off.
 */
export type HerokuAccount = {
  app(app: string, signal: AbortSignal): Promise<shapes.App>;
  formation(app: string, signal: AbortSignal): Promise<readonly shapes.ProcessType[]>;
  dynos(app: string, signal: AbortSignal): Promise<readonly shapes.Dyno[]>;
  /** What is left of the account's calls, asked of Heroku; the question itself is free. */
  askRemainingCalls(signal: AbortSignal): Promise<number>;
  /** Sets the quantity of one process type and never its size: a new size would replace every running dyno. */
  scale(
    app: string,
    processType: string,
    quantity: number,
    signal: AbortSignal,
  ): Promise<ScaleReply>;
  /** What is left of the account's calls, as the last reply said; null before there was one. */
  remainingCalls(): number | null;
  /** How old a reading may be that was wanted at most `maxAgeMs` old: older when few calls are left. */
  readingAgeMs(maxAgeMs: number): number;
  close(): Promise<void>;
};

/** One for each token, shared by all pools of the process, as they share its calls. */
export function createHerokuAccount(parts: {
  readonly apiUrl: string;
  readonly apiKey: string;
  /** `backlog-autoscaler/<version>` */
  readonly userAgent: string;
  readonly nowMs: () => number;
  readonly onReply?: (reply: HerokuReply) => void;
}): HerokuAccount {
  const quote = createQuote(parts.apiKey);
  const budget = createCallBudget(parts.nowMs);
  const connection = createConnection({
    ...parts,
    quote,
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

  /** The body of a success, which must have the expected shape. */
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

  async function get<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const call: Call = { method: 'GET', path };
    return read(call, await exchange(call, signal), shape);
  }

  return {
    app: (app, signal) => get(pathOf(app), shapes.app, signal),
    formation: (app, signal) => get(`${pathOf(app)}/formation`, shapes.formation, signal),
    dynos: (app, signal) => get(`${pathOf(app)}/dynos`, shapes.dynos, signal),
    async askRemainingCalls(signal) {
      return (await get('/account/rate-limits', shapes.rateLimits, signal)).remaining;
    },
    async scale(app, processType, quantity, signal) {
      const body = { updates: [{ type: processType, quantity }] };
      const call: Call = { method: 'PATCH', path: `${pathOf(app)}/formation`, body };
      const reply = await exchange(call, signal);
      const limited = reply.status === 422 ? limitIn(call, reply, quote) : null;
      if (limited) return limited;
      const formation = read(call, reply, shapes.formation);
      if (formation.some((entry) => entry.type === processType && entry.quantity === quantity))
        return { kind: 'scaled', formation };
      throw unreadable(call, reply, `it does not confirm ${String(quantity)} × ${processType}`);
    },
    remainingCalls: () => budget.remainingCalls(),
    readingAgeMs: (maxAgeMs) => budget.readingAgeMs(maxAgeMs),
    close: () => connection.close(),
  };
}

function limitIn(call: Call, reply: Reply, quote: Quote): ScaleReply | null {
  const refusal = readRefusal(reply);
  if (refusal.limit === null) return null;
  return {
    kind: 'limited',
    limit: refusal.limit,
    counts: refusal.id === 'cannot_run_above_limit' ? 'same-size' : 'all-sizes',
    why: quote(refusal.message ?? `the limit is ${String(refusal.limit)} dynos`),
    error: refusalError(call, reply, refusal, quote),
  };
}

function pathOf(app: string): string {
  return `/apps/${encodeURIComponent(app)}`;
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
