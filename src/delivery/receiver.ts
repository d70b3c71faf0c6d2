import { Agent, errors, request } from 'undici';
import { createQuote, type Quote } from '../quote.ts';
import { version } from '../version.ts';

/** Everybody who may be sent something; labels the metric. */
export const receiverNames = ['pushgateway', 'remote-write', 'webhook'] as const;
export type ReceiverName = (typeof receiverNames)[number];

/** Why something did not arrive, and what a person can do about it; neither text holds a secret. */
export type Failure = { readonly message: string; readonly hint: string };

export type Message = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the receiver's URL, beginning with a slash, its parts already encoded; empty for the URL itself. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
};

/** A server outside that is told something over HTTP. */
export type Receiver = {
  /** Where it is, without what is secret. */
  readonly host: string;
  /**
   * Sends a message and waits for the answer: null when it was accepted. Trouble of the network is an answer too.
   * Redirects are not followed, so that credentials stay with one host.
   */
  send(message: Message, signal: AbortSignal): Promise<Failure | null>;
  close(): Promise<void>;
};

/** While it connects, undici heeds no signal, so that a message may take so much longer than its deadline. */
const connectMsMax = 5_000;
/** Nobody reads more of an answer. */
const replyBytesMax = 64 * 1024;

/** Opens one connection when it is needed. Credentials in the URL are sent as basic authentication. */
export function createReceiver(parts: {
  /** The config var that the URL is from, for the hints. */
  readonly variable: string;
  readonly url: string;
  /** What the URL holds beside credentials that must not be seen. */
  readonly secrets: readonly string[];
}): Receiver {
  const { variable } = parts;
  const { address, credentials } = split(parts.url);
  const { host } = new URL(address);
  const quote = createQuote([parts.url, ...parts.secrets, ...credentials]);
  const agent = new Agent({
    connections: 1,
    connect: { timeout: connectMsMax },
    maxResponseSize: replyBytesMax,
  });

  return {
    host,
    async send({ method, path, headers, body }, signal) {
      try {
        const response = await request(address + path, {
          ...{ dispatcher: agent, method, body, signal },
          headers: {
            'user-agent': `backlog-autoscaler/${version}`,
            ...Object.fromEntries(credentials.map((each) => ['authorization', `Basic ${each}`])),
            ...headers,
          },
        });
        // The status tells enough: the body is welcome, but not being able to read it changes nothing.
        const text = await response.body.text().catch(() => '');
        return failureOf(response.statusCode, `${host} ${quote(text)}`.trim(), variable);
      } catch (error) {
        const why = signal.aborted ? 'it did not answer in time' : troubleOf(error, quote);
        return { message: `${host}: ${why}`, hint: `Check ${variable} and the network.` };
      }
    },
    close: () => agent.destroy(),
  };
}

/** The URL without its credentials and its last slash, and the credentials as basic authentication writes them. */
function split(url: string): { readonly address: string; readonly credentials: readonly string[] } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  parsed.username = '';
  parsed.password = '';
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    address: parsed.href.replace(/\/+$/, ''),
    credentials: plain === ':' ? [] : [Buffer.from(plain).toString('base64')],
  };
}

function failureOf(status: number, answer: string, variable: string): Failure | null {
  if (status >= 200 && status < 300) return null;
  return { message: `${answer} (HTTP ${status})`, hint: hintFor(status, variable) };
}

function hintFor(status: number, variable: string): string {
  if (status === 401 || status === 403)
    return `It does not accept the credentials: check those in ${variable} (a password in a URL is percent-encoded).`;
  if (status < 400) return `It refers to another address: write that into ${variable}.`;
  if (status === 404 || status === 405)
    return `Nothing takes this at that path: check ${variable}.`;
  if (status === 429) return 'It is told more than it allows; what comes later may do.';
  return status < 500
    ? `What it answered says why; if it does not, check ${variable}.`
    : 'That is trouble of the server; what comes later may do.';
}

/** @throws what is a bug: trouble of sockets, TLS and undici has a code that does not blame our arguments */
function troubleOf(error: unknown, quote: Quote): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const isTrouble = typeof code === 'string' && code !== 'UND_ERR_INVALID_ARG';
  if (!(error instanceof Error) || !(isTrouble || error instanceof errors.HTTPParserError))
    throw error;
  return quote(error.message === '' ? String(code) : error.message);
}
