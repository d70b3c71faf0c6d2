import { randomUUID } from 'node:crypto';
import { notFound } from './api-error.ts';
import type { App } from './app.ts';
import { accountBody, authorizationBody, dynoSizeBody } from './bodies.ts';
import { authorizationCreate, parseBody } from './requests.ts';
import { ok, route, scopes, type Route } from './routing.ts';
import { dynoSizes } from './sizes.ts';

/** The one path whose requests cost nothing. */
export const rateLimitPath = '/account/rate-limits';

export type Account = {
  readonly app: App;
  readonly remainingRequests: () => number;
  /** Makes a new token good for these scopes. */
  readonly grant: (token: string, scope: readonly string[]) => void;
};

/** What does not belong to an app. */
export function accountRoutes({ app, remainingRequests, grant }: Account): readonly Route[] {
  return [
    route('GET /account', scopes.identity, () => ok(accountBody(app.owner, app.createdAtMs))),
    route(`GET ${rateLimitPath}`, scopes.reading, () => ok({ remaining: remainingRequests() })),
    route('GET /dyno-sizes', scopes.reading, () => ok(dynoSizes.map(dynoSizeBody))),
    route('GET /dyno-sizes/:size', scopes.reading, ({ params }) => {
      const wanted = params('size').toLowerCase();
      const found = dynoSizes.find(({ id, name }) => [id, name.toLowerCase()].includes(wanted));
      if (found === undefined) throw notFound('dyno size');
      return ok(dynoSizeBody(found));
    }),
    route('POST /oauth/authorizations', ['global'], ({ body }) => {
      const { description, expires_in, scope } = parseBody(authorizationCreate, body);
      const token = `HRKU-${randomUUID()}`;
      grant(token, scope);
      const granted = { id: randomUUID(), description, scope, token, createdAtMs: Date.now() };
      const expiresInSeconds = expires_in ?? null;
      return { status: 201, body: authorizationBody(app.owner, { ...granted, expiresInSeconds }) };
    }),
  ];
}
