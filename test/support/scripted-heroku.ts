import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What one call gets instead of the honest answer. */
export type Fault =
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body: string;
    }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Takes the request and closes the connection. */
  | { readonly kind: 'reset' }
  /** Obeys, but closes the connection instead of telling so. */
  | { readonly kind: 'reset-after-obeying' }
  /** Sends its headers, then a byte now and then, for ever. */
  | { readonly kind: 'drip'; readonly status: number };

export type RecordedRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

export type ScriptedProcessType = { quantity: number; size: string };

/** Heroku's formation API as its documentation and recordings describe it, with scripted faults. Knows nothing of the product. */
export type ScriptedHeroku = {
  readonly url: string;
  readonly token: string;
  /** Further tokens that are accepted, so that a test can tell who asked. */
  readonly otherTokens: string[];
  readonly requests: RecordedRequest[];
  /** The process types of the app `demo`; a test may change them, as a person with the dashboard would. */
  readonly formation: Record<string, ScriptedProcessType>;
  /** The next calls get these, in order; after them come honest answers. */
  script(...faults: Fault[]): void;
  /** From now on every call gets this, once the script is used up; null for honest answers. */
  always(fault: Fault | null): void;
  /** What RateLimit-Remaining says. */
  remainingCalls: number;
  /** Most dynos of one size, as `cannot_run_above_limit` enforces it, over all types of that size. */
  limitPerSize: number;
  /** Most dynos of the app, as `cannot_update_above_limit` enforces it. */
  limitPerApp: number;
  /** Most dynos of one process type. */
  limitPerType: number;
  /** Changes are made at once, but told this late. */
  changeReplyDelayMs: number;
  /** Called when the formation has been read, before anything else can happen. */
  onReading: (() => void) | null;
  stop(): Promise<void>;
};

export function jsonFault(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Fault {
  return { kind: 'reply', status, headers, body: JSON.stringify(body) };
}

type Answer = { readonly status: number; readonly body: unknown };

export async function startScriptedHeroku(
  formation: Record<string, ScriptedProcessType> = {
    web: { quantity: 1, size: 'Standard-1X' },
    worker: { quantity: 2, size: 'Standard-1X' },
  },
): Promise<ScriptedHeroku> {
  const faults: Fault[] = [];
  let lasting: Fault | null = null;

  const server = createServer((request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method = '', url: path = '', headers } = request;
    heroku.requests.push({ method, path, headers, body });
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('RateLimit-Remaining', String(heroku.remainingCalls));
    response.setHeader('RateLimit-Multiplier', '1');
    response.setHeader('Oauth-Scope', 'write');
    response.setHeader('Request-Id', `heroku-own-id,${String(headers['request-id'])}`);
    const fault = faults.shift() ?? lasting;
    if (fault && fault.kind !== 'reset-after-obeying') {
      await misbehave(fault, response);
      return;
    }
    const answer = answerTo(method, path, headers, body);
    if (method === 'PATCH' && heroku.changeReplyDelayMs > 0) await pause(heroku.changeReplyDelayMs);
    if (method === 'GET' && path.endsWith('/formation')) heroku.onReading?.();
    if (fault) response.destroy();
    else response.writeHead(answer.status).end(JSON.stringify(answer.body));
  }

  function answerTo(
    method: string,
    path: string,
    headers: IncomingMessage['headers'],
    body: string,
  ): Answer {
    if (headers.accept !== 'application/vnd.heroku+json; version=3')
      return refuse(406, 'not_acceptable', 'Please specify a version');
    const tokens = [heroku.token, ...heroku.otherTokens];
    if (!tokens.some((token) => headers.authorization === `Bearer ${token}`))
      return refuse(401, 'unauthorized', 'Invalid credentials provided.');
    if (path === '/account/rate-limits')
      return { status: 200, body: { remaining: heroku.remainingCalls } };
    if (!/^\/apps\/demo(\/|$)/.test(path))
      return refuse(404, 'not_found', "Couldn't find that app.", { resource: 'app' });
    if (path === '/apps/demo')
      return { status: 200, body: { id: 'a1', name: 'demo', maintenance: false, stack: {} } };
    if (path === '/apps/demo/dynos') return { status: 200, body: dynos(heroku.formation) };
    if (path !== '/apps/demo/formation')
      return refuse(404, 'not_found', 'The requested API endpoint was not found.');
    return method === 'PATCH' ? scale(heroku, body) : { status: 200, body: list(heroku.formation) };
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const heroku: ScriptedHeroku = {
    url: `http://127.0.0.1:${String(port)}`,
    token: 'HRKU-test-token_0123456789',
    otherTokens: [],
    requests: [],
    formation,
    remainingCalls: 4_500,
    limitPerSize: Infinity,
    limitPerApp: Infinity,
    limitPerType: Infinity,
    changeReplyDelayMs: 0,
    onReading: null,
    script: (...next) => void faults.push(...next),
    always: (fault) => (lasting = fault),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return heroku;
}

async function misbehave(
  fault: Exclude<Fault, { kind: 'reset-after-obeying' }>,
  response: ServerResponse,
): Promise<void> {
  if (fault.kind === 'hang') return;
  if (fault.kind === 'reset') {
    response.destroy();
    return;
  }
  if (fault.kind === 'reply') {
    response.writeHead(fault.status, fault.headers).end(fault.body);
    return;
  }
  response.writeHead(fault.status);
  while (!response.destroyed) {
    response.write(' ');
    await pause(20);
  }
}

function scale(heroku: ScriptedHeroku, body: string): Answer {
  const { updates } = JSON.parse(body) as { updates: { type: string; quantity: number }[] };
  const after = structuredClone(heroku.formation);
  for (const { type, quantity } of updates) {
    const entry = after[type];
    if (!entry)
      return refuse(404, 'not_found', "Couldn't find that formation.", { resource: 'formation' });
    entry.quantity = quantity;
    const entries = Object.values(after);
    const total = (some: ScriptedProcessType[]) =>
      some.reduce((sum, { quantity: dynos }) => sum + dynos, 0);
    const sameSize = entries.filter(({ size }) => size === entry.size);
    const { limitPerApp, limitPerSize, limitPerType } = heroku;
    if (quantity > limitPerType) return tooMany('cannot_run_above_limit', limitPerType, entry.size);
    if (total(sameSize) > limitPerSize)
      return tooMany('cannot_run_above_limit', limitPerSize, entry.size);
    if (total(entries) > limitPerApp) return tooMany('cannot_update_above_limit', limitPerApp, '');
  }
  Object.assign(heroku.formation, after);
  const changed = new Set(updates.map(({ type }) => type));
  return { status: 200, body: list(after).filter(({ type }) => changed.has(type)) };
}

function list(formation: Record<string, ScriptedProcessType>) {
  return Object.entries(formation).map(([type, { quantity, size }]) => ({
    app: { id: 'a1', name: 'demo' },
    command: `node ${type}.js`,
    created_at: '2026-01-01T00:00:00Z',
    dyno_size: { id: 's1', name: size },
    id: `f-${type}`,
    quantity,
    size,
    type,
    updated_at: '2026-01-01T00:00:00Z',
  }));
}

function dynos(formation: Record<string, ScriptedProcessType>) {
  return Object.entries(formation).flatMap(([type, { quantity, size }]) =>
    Array.from({ length: quantity }, (_, index) => ({
      name: `${type}.${String(index + 1)}`,
      ...{ type, size, state: 'up', created_at: '2026-01-01T00:00:00Z' },
    })),
  );
}

function refuse(status: number, id: string, message: string, more: object = {}): Answer {
  return { status, body: { ...more, id, message } };
}

function tooMany(id: string, limit: number, size: string): Answer {
  return refuse(422, id, `Cannot run more than ${String(limit)} ${size} dynos.`, { limit });
}
