import type { IncomingMessage } from 'node:http';
import { Registry } from 'prom-client';
import { OperationalError } from '../../errors.ts';
import { errorPage } from '../page/error-page.ts';
import { loginPage } from '../page/login-page.ts';
import { spanOf, type Span } from '../page/span.ts';
import type { Health } from '../health.ts';
import type { Status } from '../report.ts';
import { bears, hasSession } from './access.ts';
import {
  challenge,
  html,
  json,
  nothingHere,
  readOnly,
  tooLong,
  unauthorized,
  type Answer,
} from './answer.ts';
import { createDoor } from './login.ts';

/**
 * What the paths serve: the daemon answers from its own process, `web` from what daemons published. Each throws
 * OperationalError when it cannot tell, and settles within a few seconds.
 */
export type Sources = {
  /** Prometheus text. */
  metrics(): Promise<string>;
  health(): Promise<Health>;
  status(): Promise<Status>;
  /** The HTML of the status page, with charts that reach so far back. */
  page(span: Span): Promise<string>;
};

const openPath = '/healthz';
const pagePath = '/';
const urlLengthMax = 2_048;

type Route = (sources: Sources, span: Span) => Promise<Answer>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/metrics',
    async (sources) => ({
      status: 200,
      type: Registry.PROMETHEUS_CONTENT_TYPE,
      body: await sources.metrics(),
    }),
  ],
  [
    openPath,
    async (sources) => {
      const health = await sources.health();
      return json(health.isHealthy ? 200 : 503, health);
    },
  ],
  ['/status.json', async (sources) => json(200, await sources.status())],
  [pagePath, async (sources, span) => html(200, await sources.page(span))],
]);

/** The answer to each request. Never throws but for bugs, and never repeats what was sent. */
export function createRoutes({
  token,
  sources,
  nowMs,
}: {
  readonly token: string | null;
  readonly sources: Sources;
  readonly nowMs: () => number;
}): (request: IncomingMessage) => Promise<Answer> {
  const door = token === null ? null : createDoor(token, nowMs);
  return async function answer(request) {
    const { method, url = '' } = request;
    if (url.length > urlLengthMax) return tooLong;
    const [path = '', query] = url.split('?', 2);
    const span = spanOf(new URLSearchParams(query));
    const entering = (await door?.(request, path, span)) ?? null;
    if (entering !== null) return entering;
    if (method !== 'GET' && method !== 'HEAD') return readOnly;
    if (path !== openPath && token !== null && !bears(request, token)) {
      if (path !== pagePath) return unauthorized;
      // The session of a browser opens what people look at, and nothing that programs ask for.
      if (!hasSession(request, token, nowMs())) return html(401, loginPage(span, null), challenge);
    }
    const route = routes.get(path);
    return route === undefined ? nothingHere : tell(route, path, span, sources);
  };
}

async function tell(route: Route, path: string, span: Span, sources: Sources): Promise<Answer> {
  try {
    return await route(sources, span);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    const { code, message, hint } = error;
    if (path === pagePath) return html(503, errorPage(span, { code, message, hint }));
    // Anyone may ask for the health; where Redis is, is not for anyone to know.
    return json(503, { error: path === openPath ? { code } : { code, message, hint } });
  }
}
