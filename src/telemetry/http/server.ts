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
import { OperationalError } from '../../errors.ts';
import { protectiveHeaders, textType, type Answer } from './answer.ts';
import { createRoutes, type Sources } from './routes.ts';

export type TelemetryServer = {
  readonly port: number;
  /** Stops listening and drops the connections that are open. */
  close(): Promise<void>;
};

/**
 * Serves the HTTP paths. With a token, every path but `/healthz` needs it as a bearer, and the page opens also to people
 * who log in with it; `host` null means all interfaces.
 * @throws {OperationalError} `CONFIG_INVALID` when the port cannot be listened on
 */
export async function startServer(options: {
  readonly port: number;
  readonly host: string | null;
  readonly token: string | null;
  readonly sources: Sources;
  readonly nowMs: () => number;
}): Promise<TelemetryServer> {
  const answer = createRoutes(options);
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    respond(response, answer(request));
  const server = createServer(
    // What is read of a request is small, so a client that sends it slowly is cut off soon.
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
  const all = { ...protectiveHeaders, 'Content-Type': textType, 'Content-Length': body.length };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const nonsense: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

async function respond(response: ServerResponse, answering: Promise<Answer>): Promise<void> {
  const { status, type, body, extra } = await answering;
  const bytes = Buffer.from(body);
  const own = { 'Content-Type': type, 'Content-Length': bytes.length };
  response.writeHead(status, { ...protectiveHeaders, ...own, ...extra });
  response.end(bytes);
}
