import type { z } from 'zod';
import type { OperationalError } from '../../errors.ts';
import { createHerokuApi, type HerokuApiParts } from './api.ts';
import type { Call, Reply } from './connection.ts';
import type { Quote } from '../../quote.ts';
import { readRefusal, refusalError, unreadable } from './refusal.ts';
import * as shapes from './shapes.ts';

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
  /** Sets the quantity of one process type and never its size: a new size would replace every running dyno. */
  scale(
    app: string,
    processType: string,
    quantity: number,
    signal: AbortSignal,
  ): Promise<ScaleReply>;
  /** What is left of the account's calls, as the last reply said; null before there was one. */
  remainingCalls(): number | null;
  /** How old a reading may be that was wanted at most `maxAgeMs` old: older while calls must be spared. */
  readingAgeMs(maxAgeMs: number): number;
  close(): Promise<void>;
};

/** One for each token, shared by all pools of the process, as they share its calls. */
export function createHerokuAccount(parts: HerokuApiParts): HerokuAccount {
  const api = createHerokuApi(parts);
  const get = <T>(path: string, shape: z.ZodType<T>, signal: AbortSignal) =>
    api.ask({ method: 'GET', path }, shape, signal);

  return {
    app: (app, signal) => get(pathOf(app), shapes.app, signal),
    formation: (app, signal) => get(`${pathOf(app)}/formation`, shapes.formation, signal),
    dynos: (app, signal) => get(`${pathOf(app)}/dynos`, shapes.dynos, signal),
    async scale(app, processType, quantity, signal) {
      const body = { updates: [{ type: processType, quantity }] };
      const call: Call = { method: 'PATCH', path: `${pathOf(app)}/formation`, body };
      const reply = await api.exchange(call, signal);
      const limited = reply.status === 422 ? limitIn(call, reply, api.quote) : null;
      if (limited) return limited;
      const formation = api.read(call, reply, shapes.formation);
      if (formation.some((entry) => entry.type === processType && entry.quantity === quantity))
        return { kind: 'scaled', formation };
      throw unreadable(call, reply, `it does not confirm ${String(quantity)} × ${processType}`);
    },
    remainingCalls: () => api.budget.remainingCalls(),
    readingAgeMs: (maxAgeMs) => api.budget.readingAgeMs(maxAgeMs),
    close: () => api.close(),
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
