import type { IncomingMessage } from 'node:http';
import { loginPage } from '../page/login-page.ts';
import type { Span } from '../page/span.ts';
import { challenge, html, readOnly, toPage, type Answer } from './answer.ts';
import { isToken, noCookie, sessionCookie } from './access.ts';

/** The longest token with each of its characters escaped, and the name of its field. */
const bodyBytesMax = 2_048;
/** Wrong tokens that may come at once, and the time after which each is forgiven. */
const wrongMax = 10;
const forgivenAfterMs = 6_000;

/** Answers what people do to get in to these charts, and out; null for every other path. */
export type Door = (request: IncomingMessage, path: string, span: Span) => Promise<Answer | null>;

/** With a token, people come in at `/login` with a form, and leave at `/logout`. */
export function createDoor(token: string, nowMs: () => number): Door {
  const guesses = createGuesses(nowMs);
  return async function answer(request, path, span) {
    if (path !== '/login' && path !== '/logout') return null;
    // Whoever opens or reloads the address gets the page or the form.
    if (request.method === 'GET' || request.method === 'HEAD') return toPage(span);
    if (request.method !== 'POST') return readOnly;
    if (path === '/logout') return toPage(span, { 'Set-Cookie': noCookie(request) });
    const body = await readBody(request);
    if (body === null) return html(413, loginPage(span, 'No token is that long.'));
    const waitSeconds = guesses.waitSeconds();
    if (waitSeconds > 0)
      return html(429, loginPage(span, 'Too many wrong tokens. Try again in a few seconds.'), {
        'Retry-After': String(waitSeconds),
      });
    if (!isToken(new URLSearchParams(body).get('token') ?? '', token)) {
      guesses.wrong();
      return html(401, loginPage(span, 'That is not the METRICS_TOKEN.'), challenge);
    }
    return toPage(span, { 'Set-Cookie': sessionCookie(request, token, nowMs()) });
  };
}

/**
 * Slows down those who guess, all together: behind a router, everybody seems to come from one address. While it does,
 * nobody can log in; a session and a bearer open the page all the same.
 */
function createGuesses(nowMs: () => number) {
  const fullMs = wrongMax * forgivenAfterMs;
  let forgivenAtMs = 0;
  function owedMs(): number {
    // A clock that was set back must not keep people out.
    forgivenAtMs = Math.min(forgivenAtMs, nowMs() + fullMs);
    return Math.max(0, forgivenAtMs - nowMs());
  }
  return {
    /** Until the next guess may be made; 0 for now. */
    waitSeconds: () => Math.max(0, Math.ceil((owedMs() + forgivenAfterMs - fullMs) / 1000)),
    wrong() {
      forgivenAtMs = nowMs() + owedMs() + forgivenAfterMs;
    },
  };
}

/** The body of a form; null when it is too large, or its sender has gone and hears no answer. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop cuts off who said no length and goes on sending.
      if (bytes > bodyBytesMax) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString();
}
