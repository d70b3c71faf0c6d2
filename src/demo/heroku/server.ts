import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { accountRoutes, rateLimitPath } from './account-routes.ts';
import {
  ApiError,
  badRequest,
  forbidden,
  notAcceptable,
  notFound,
  unauthorized,
} from './api-error.ts';
import type { App } from './app.ts';
import { appRoutes } from './app-routes.ts';
import type { DataMaintenance } from './data-maintenance.ts';
import { dynoRoutes } from './dyno-routes.ts';
import { formationRoutes } from './formation-routes.ts';
import { maintenanceRoutes } from './maintenance-routes.ts';
import type { RateLimit } from './rate-limit.ts';
import { findRoute, type Reply } from './routing.ts';

/** The Platform API of one app, and the data API of its Redis, over plain HTTP. */
export function createApiServer(
  app: App,
  maintenance: DataMaintenance,
  apiKey: string,
  rateLimit: RateLimit,
): Server {
  const scopesByToken = new Map<string, readonly string[]>([[apiKey, ['global']]]);
  const routes = [
    ...accountRoutes({
      app,
      remainingRequests: () => rateLimit.remaining(Date.now()),
      grant: (token, scope) => scopesByToken.set(token, scope),
    }),
    ...appRoutes(app),
    ...formationRoutes(app),
    ...dynoRoutes(app),
    ...maintenanceRoutes(app, maintenance),
  ];

  /** Sets headers on the way, so that a refusal has those that were known by then. */
  function answer(request: IncomingMessage, body: string, response: ServerResponse): Reply {
    const granted = scopesByToken.get(tokenOf(request.headers.authorization));
    if (granted === undefined) throw unauthorized();
    response.setHeader('Oauth-Scope', granted.join(' '));
    const [path = ''] = (request.url ?? '').split('?');
    charge(path, response);
    if (!accepted.test(request.headers.accept ?? '')) throw notAcceptable();
    const { route, params } = findRoute(routes, request.method ?? 'GET', path);
    response.setHeader('Oauth-Scope-Accepted', route.scopes.join(' '));
    if (!route.scopes.some((scope) => granted.includes(scope))) throw forbidden(route.scopes);
    if (!['', app.name, app.id].includes(params('app'))) throw notFound('app');
    return route.handle({ params, body: parseJson(body), range: request.headers.range });
  }

  function charge(path: string, response: ServerResponse): void {
    try {
      if (path !== rateLimitPath) rateLimit.take(Date.now());
    } finally {
      response.setHeader('RateLimit-Multiplier', '1');
      response.setHeader('RateLimit-Remaining', rateLimit.remaining(Date.now()));
    }
  }

  return createServer((request, response) => {
    const answered = text(request).then((body) => {
      setCommonHeaders(request, response);
      send(
        request,
        response,
        replyOrRefusal(() => answer(request, body, response)),
      );
    });
    // Whoever hangs up in the middle of a request gets no answer; any other failure is a bug.
    answered.catch((error: unknown) => {
      if (!request.destroyed || request.complete) throw error;
    });
  });
}

/** Variants such as `version=3.sdk` get the same. */
const accepted = /application\/vnd\.heroku\+json\s*;\s*version=3(\.[-\w]+)?\s*(,|;|$)/;

/** A bearer token, or the password of basic authentication with any user name. */
function tokenOf(authorization = ''): string {
  const [, scheme = '', credentials = ''] = /^(\w+)\s+(\S+)$/.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return '';
  const [, ...password] = Buffer.from(credentials, 'base64').toString().split(':');
  return password.join(':');
}

function replyOrRefusal(answer: () => Reply): Reply {
  try {
    return answer();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

function parseJson(body: string): unknown {
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw badRequest('Unable to parse the JSON of the request.');
  }
}

function setCommonHeaders(request: IncomingMessage, response: ServerResponse): void {
  const ids = [randomUUID(), request.headers['request-id'] ?? []].flat();
  response.setHeader('Request-Id', ids.join(','));
  response.setHeader('Cache-Control', 'private, no-cache');
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Vary', 'Authorization,Accept-Encoding');
  response.setHeader('X-Content-Type-Options', 'nosniff');
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const body = JSON.stringify(reply.body);
  const etag = `"${createHash('md5').update(body).digest('hex')}"`;
  response.setHeader('ETag', etag);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  const isKnown = request.method === 'GET' && request.headers['if-none-match'] === etag;
  response.statusCode = isKnown && reply.status < 300 ? 304 : reply.status;
  response.end(response.statusCode === 304 ? undefined : body);
}
