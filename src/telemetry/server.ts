import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Registry } from 'prom-client';
import { OperationalError } from '../errors.ts';
import type { Health, Status } from './report.ts';

/**
 * What the paths serve: the daemon answers from its own process, `web` from what daemons published. Each throws
 * OperationalError when it cannot tell, and settles within a few seconds.
 */
export type Sources = {
  /** Prometheus text. */
  metrics(): Promise<string>;
  health(): Promise<Health>;
  status(): Promise<Status>;
  /** The HTML of the status page. */
  page(): Promise<string>;
};

export type TelemetryServer = {
  readonly port: number;
  /** Stops listening and drops the connections that are open. */
  close(): Promise<void>;
};

type Answer = {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly extra?: Readonly<Record<string, string>>;
};

const textType = 'text/plain; charset=utf-8';
const jsonType = 'application/json; charset=utf-8';
const htmlType = 'text/html; charset=utf-8';
const openPath = '/healthz';
const urlLengthMax = 2_048;

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // A kept connection gains nothing at one request in some seconds, holds one of the few places, and may be closed by
  // the server at the moment a router sends the next request.
  Connection: 'close',
};

/**
 * Serves the HTTP paths. With a token, every path but `/healthz` needs it as a bearer; `host` null means all interfaces.
 * @throws {OperationalError} `CONFIG_INVALID` when the port cannot be listened on
 */
export async function startServer(options: {
  readonly port: number;
  readonly host: string | null;
  readonly token: string | null;
  readonly sources: Sources;
}): Promise<TelemetryServer> {
  const { token, sources } = options;
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    respond(request, response, token, sources);
  const server = createServer(
    // Only the head of a request is ever read, so a client that sends it slowly is cut off soon.
    { maxHeaderSize: 8 * 1024, requestTimeout: 5_000, connectionsCheckingInterval: 1_000 },
    // What is thrown here is a bug, which ends the process like every other.
    (request, response) => void serve(request, response),
  );
  // Without listeners of their own, Node answers these by itself, and without the headers that protect.
  server.on('checkExpectation', (request, response) => void serve(request, response));
  server.on('clientError', refuseNonsense);
  server.maxConnections = 200;
  // Ends connections on which nothing moves, such as those of clients that do not read their answer.
  server.setTimeout(30_000);
  await listening(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listening(server: Server, port: number, host: string | null): Promise<void> {
  try {
    server.listen({ port, ...(host === null ? {} : { host }) });
    await once(server, 'listening');
  } catch (error) {
    throw new OperationalError('CONFIG_INVALID', `PORT ${port} cannot be listened on`, {
      hint: 'Another process may hold it: choose another PORT, or unset PORT to serve nothing.',
      cause: error,
    });
  }
}

/** What is not HTTP, too large or too slow is answered in the same manner, if there is still somebody to hear it. */
function refuseNonsense(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = nonsense[error.code ?? ''] ?? 400;
  const body = `${STATUS_CODES[status] ?? ''}\n`;
  const all = { ...headers, 'Content-Type': textType, 'Content-Length': body.length };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const nonsense: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  token: string | null,
  sources: Sources,
): Promise<void> {
  const { status, type, body, extra } = await answer(request, token, sources);
  const bytes = Buffer.from(body);
  const own = { 'Content-Type': type, 'Content-Length': bytes.length };
  response.writeHead(status, { ...headers, ...own, ...extra });
  response.end(bytes);
}

async function answer(
  request: IncomingMessage,
  token: string | null,
  sources: Sources,
): Promise<Answer> {
  const { method, url = '' } = request;
  if (method !== 'GET' && method !== 'HEAD') return readOnly;
  if (url.length > urlLengthMax) return tooLong;
  const path = url.split('?', 1)[0] ?? '';
  if (path !== openPath && token !== null && !bears(request.headers.authorization, token))
    return unauthorized;
  const route = routes.get(path);
  if (route === undefined) return nothingHere;
  try {
    return await route(sources);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    const { code, message, hint } = error;
    // Anyone may ask for the health; where Redis is, is not for anyone to know.
    const told = path === openPath ? { code } : { code, message, hint };
    return { status: 503, type: jsonType, body: json({ error: told }) };
  }
}

const unauthorized: Answer = {
  status: 401,
  type: textType,
  body: 'This needs the METRICS_TOKEN as a bearer token.\n',
  extra: { 'WWW-Authenticate': 'Bearer realm="backlog-autoscaler"' },
};
const tooLong: Answer = { status: 414, type: textType, body: 'No path here is that long.\n' };
const nothingHere: Answer = { status: 404, type: textType, body: 'There is nothing here.\n' };
const readOnly: Answer = {
  status: 405,
  type: textType,
  body: 'This can only be read.\n',
  extra: { Allow: 'GET, HEAD' },
};

const routes: ReadonlyMap<string, (sources: Sources) => Promise<Answer>> = new Map([
  [
    '/metrics',
    async (sources: Sources) => ({
      status: 200,
      type: Registry.PROMETHEUS_CONTENT_TYPE,
      body: await sources.metrics(),
    }),
  ],
  [
    openPath,
    async (sources: Sources) => {
      const health = await sources.health();
      return { status: health.isHealthy ? 200 : 503, type: jsonType, body: json(health) };
    },
  ],
  [
    '/status.json',
    async (sources: Sources) => ({
      status: 200,
      type: jsonType,
      body: json(await sources.status()),
    }),
  ],
  ['/', async (sources: Sources) => ({ status: 200, type: htmlType, body: await sources.page() })],
]);

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Digests have one length whatever the token's, which a comparison in constant time needs. */
function bears(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
