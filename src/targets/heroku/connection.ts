import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, errors, request } from 'undici';
import { within, withDeadline } from '../../deadline.ts';
import { OperationalError } from '../../errors.ts';
import type { Quote } from '../../quote.ts';

export type Call = {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'DELETE';
  /** Below the API's URL, beginning with a slash, its parts already encoded. */
  readonly path: string;
  readonly body?: object;
};

/** A whole HTTP reply, whatever its status. */
export type Reply = {
  readonly status: number;
  readonly text: string;
  /** What Heroku's support asks for; our own id when the reply names none. */
  readonly requestId: string;
  /** The value of a header by its lower-case name. */
  header(name: string): string | null;
};

type Send = (call: Call, signal: AbortSignal) => Promise<Reply>;
type Attempt =
  | { readonly kind: 'replied'; readonly reply: Reply }
  | { readonly kind: 'failed'; readonly error: OperationalError };

export type Connection = {
  /**
   * Sends a call and reads the whole reply; redirects are not followed, so that the token stays with one host.
   * A failed GET is repeated once; a PATCH of absolute values too, but only after its connection failed at once. A POST
   * and a DELETE never are: one that was obeyed although nobody heard of it would be obeyed twice.
   * @throws {OperationalError} `TARGET_UNAVAILABLE` without a reply, `TARGET_UNREADABLE` when it is too large
   */
  exchange(call: Call, signal: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
};

/** A hung server leaves time for a second attempt within the longest tick of 20 s. */
const attemptLimitMs = 8_000;
/** Far more than the formation of any app needs. */
const replyBytesMax = 1024 * 1024;
const pauseBeforeRepeatingMs = 200;
/** What permitted a PATCH (a fresh reading, the lease) is only as good as it is recent. */
const repeatPatchWithinMs = 2_000;

/** Opens connections when they are needed. `onCall` hears of every request that is sent, again too. `onReply` hears of every reply, also of those that are not the last word. */
export function createConnection(parts: {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly userAgent: string;
  readonly quote: Quote;
  readonly onCall: () => void;
  readonly onReply: (call: Call, reply: Reply, durationSeconds: number) => void;
}): Connection {
  const { quote, onReply } = parts;
  const place = `Heroku at ${new URL(parts.apiUrl).host}`;
  const agent = new Agent({
    connect: { timeout: attemptLimitMs },
    headersTimeout: attemptLimitMs,
    bodyTimeout: attemptLimitMs,
    maxResponseSize: replyBytesMax,
  });

  const send: Send = async (call, signal) => {
    const ownId = randomUUID();
    const response = await request(parts.apiUrl.replace(/\/+$/, '') + call.path, {
      dispatcher: agent,
      method: call.method,
      headers: {
        accept: 'application/vnd.heroku+json; version=3',
        authorization: `Bearer ${parts.apiKey}`,
        'content-type': 'application/json',
        'request-id': ownId,
        'user-agent': parts.userAgent,
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal,
    });
    const header = (name: string) => [response.headers[name]].flat()[0] ?? null;
    const status = response.statusCode;
    // The status of a refusal tells enough: its body is welcome, but not being able to read it changes nothing.
    const text =
      status >= 400 ? await response.body.text().catch(() => '') : await response.body.text();
    return { status, text, requestId: quote(header('request-id') ?? ownId), header };
  };

  async function attempt(call: Call, signal: AbortSignal): Promise<Attempt> {
    const startedMs = performance.now();
    parts.onCall();
    // undici does not heed the signal while it connects, hence the guard within the deadline.
    const outcome = await withDeadline(signal, attemptLimitMs, (limit) =>
      within(limit, 'TARGET_UNAVAILABLE', place, send(call, limit)),
    ).then(
      (reply) => ({ kind: 'replied' as const, reply }),
      (error: unknown) => ({ kind: 'failed' as const, error: translate(error, place, quote) }),
    );
    const durationSeconds = (performance.now() - startedMs) / 1_000;
    if (outcome.kind === 'replied') onReply(call, outcome.reply, durationSeconds);
    return outcome;
  }

  return {
    async exchange(call, signal) {
      const startedMs = performance.now();
      // Asked after the pause: a process that is stopped in it and woken later must not do what it was permitted before.
      const isRecent = () => performance.now() - startedMs < repeatPatchWithinMs;
      let last = await attempt(call, signal);
      if (
        isWorthRepeating(call, last) &&
        (await hasTimeToRepeat(signal)) &&
        (call.method === 'GET' || isRecent())
      )
        last = await attempt(call, signal);
      if (last.kind === 'failed') throw last.error;
      return last.reply;
    },
    close: () => agent.destroy(),
  };
}

function hasTimeToRepeat(signal: AbortSignal): Promise<boolean> {
  return pause(pauseBeforeRepeatingMs, true, { signal }).catch(() => false);
}

function isWorthRepeating(call: Call, attempt: Attempt): boolean {
  if (call.method !== 'GET' && call.method !== 'PATCH') return false;
  if (attempt.kind === 'replied') return call.method === 'GET' && attempt.reply.status >= 500;
  return attempt.error.code === 'TARGET_UNAVAILABLE';
}

function translate(error: unknown, place: string, quote: Quote): OperationalError {
  if (error instanceof OperationalError) return error;
  const isNoHttp = error instanceof errors.HTTPParserError;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const isTrouble = typeof code === 'string' && code !== 'UND_ERR_INVALID_ARG';
  // Trouble of sockets, TLS and undici has a code; whatever has none, or blames our arguments, is a bug.
  if (!(error instanceof Error) || !(isTrouble || isNoHttp)) throw error;
  // No `cause`: a parser's error carries the bytes it stumbled over, which might echo the token.
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new OperationalError('TARGET_UNREADABLE', `${place} sent a reply that is too large`, {
      hint: 'No reply of Heroku is that large: check that HEROKU_API_URL names its API.',
    });
  const what = quote(error.message === '' ? String(code) : error.message);
  const isWrongAddress =
    isNoHttp || /NOTFOUND|EAI_AGAIN|REFUSED|UNREACH|CERT|TLS|SSL/.test(String(code));
  return new OperationalError('TARGET_UNAVAILABLE', `${place}: ${what}`, {
    hint: isWrongAddress
      ? 'Check HEROKU_API_URL (it is https://api.heroku.com unless you know better) and the network.'
      : 'The next tick tries again. If this goes on, see https://status.heroku.com.',
  });
}
