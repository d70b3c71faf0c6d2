import { pagePolicy } from '../page/document.ts';
import { spanQuery, type Span } from '../page/span.ts';

export type Answer = {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly extra?: Readonly<Record<string, string>>;
};

export const textType = 'text/plain; charset=utf-8';
const jsonType = 'application/json; charset=utf-8';
const htmlType = 'text/html; charset=utf-8';

/** What every answer carries; one with a page allows that page's own style and script, and nothing else. */
export const protectiveHeaders = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // A kept connection gains nothing at one request in some seconds, holds one of the few places, and may be closed by
  // the server at the moment a router sends the next request.
  Connection: 'close',
};

export function json(status: number, value: object): Answer {
  return { status, type: jsonType, body: `${JSON.stringify(value)}\n` };
}

export function html(status: number, body: string, extra: Answer['extra'] = {}): Answer {
  return {
    status,
    type: htmlType,
    body,
    extra: { 'Content-Security-Policy': pagePolicy, ...extra },
  };
}

/** To the status page with these charts, by GET whatever the request was. */
export function toPage(span: Span, extra: Answer['extra'] = {}): Answer {
  return {
    status: 303,
    type: textType,
    body: 'The page is at /.\n',
    extra: { Location: `/${spanQuery(span)}`, ...extra },
  };
}

/** What a request without the right to its path is told. */
export const challenge = { 'WWW-Authenticate': 'Bearer realm="backlog-autoscaler"' };

export const unauthorized: Answer = {
  status: 401,
  type: textType,
  body: 'This needs the METRICS_TOKEN as a bearer token.\n',
  extra: challenge,
};
export const nothingHere: Answer = {
  status: 404,
  type: textType,
  body: 'There is nothing here.\n',
};
export const tooLong: Answer = {
  status: 414,
  type: textType,
  body: 'No path here is that long.\n',
};
export const readOnly: Answer = {
  status: 405,
  type: textType,
  body: 'This can only be read.\n',
  extra: { Allow: 'GET, HEAD' },
};
