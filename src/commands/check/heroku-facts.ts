import type { Config, PoolConfig } from '../../config/load.ts';
import { createHerokuAccount, type HerokuAccount } from '../../targets/heroku/account.ts';
import type { App, ProcessType } from '../../targets/heroku/shapes.ts';
import { version } from '../../version.ts';
import { answerTo, type Answer } from './answer.ts';

/** A Heroku token of the configuration, and the pools that use it. */
export type HerokuToken = {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly pools: readonly PooledApp[];
};
/** A pool that is scaled on Heroku. */
export type PooledApp = { readonly app: string; readonly pool: PoolConfig };

export type AppFacts = {
  readonly app: string;
  readonly details: Answer<App>;
  /** Null when the app itself could not be read. */
  readonly formation: Answer<readonly ProcessType[]> | null;
};

export type HerokuFacts = {
  /** Of all replies. */
  readonly statuses: readonly number[];
  /** What the token may do, as in `global` or `read write`; null when Heroku does not say. */
  readonly scope: string | null;
  readonly remainingCalls: number | null;
  readonly apps: readonly AppFacts[];
};

/** The tokens the daemon would use; it asks nothing for a pool that lacks the app or the token, as a dry run may. */
export function herokuTokensOf({ pools }: Config): readonly HerokuToken[] {
  const tokens = new Map<string, HerokuToken>();
  for (const pool of pools) {
    const { HEROKU_API_URL: apiUrl, HEROKU_API_KEY: apiKey, HEROKU_APP_NAME: app } = pool;
    if (apiKey === null || app === null) continue;
    const key = `${apiUrl} ${apiKey}`;
    const known = tokens.get(key)?.pools ?? [];
    tokens.set(key, { apiUrl, apiKey, pools: [...known, { app, pool }] });
  }
  return [...tokens.values()];
}

/** Asks Heroku about every app that the token is for. Changes nothing, and settles soon after the signal aborts. */
export async function lookAtHeroku(
  { apiUrl, apiKey, pools }: HerokuToken,
  { nowMs, signal }: { readonly nowMs: () => number; readonly signal: AbortSignal },
): Promise<HerokuFacts> {
  const statuses: number[] = [];
  let scope: string | null = null;
  const account = createHerokuAccount({
    apiUrl,
    apiKey,
    userAgent: `backlog-autoscaler/${version}`,
    nowMs,
    onReply(reply) {
      statuses.push(reply.status);
      scope = reply.scope ?? scope;
    },
  });
  try {
    const names = [...new Set(pools.map(({ app }) => app))];
    const apps = await Promise.all(names.map((app) => lookAtApp(account, app, signal)));
    return { statuses, scope, remainingCalls: account.remainingCalls(), apps };
  } finally {
    await account.close();
  }
}

async function lookAtApp(
  account: HerokuAccount,
  app: string,
  signal: AbortSignal,
): Promise<AppFacts> {
  const details = await answerTo(account.app(app, signal));
  const formation = details.error === null ? await answerTo(account.formation(app, signal)) : null;
  return { app, details, formation };
}
