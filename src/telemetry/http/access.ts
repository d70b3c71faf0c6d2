import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const cookieName = 'backlog-autoscaler-session';
/** A working day: longer than anybody looks at a page, and short enough for a browser that was left open. */
const lifetimeSeconds = 12 * 60 * 60;

/** Compares in constant time: digests have one length, whatever the lengths of the texts. */
export function isToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

/** Whether a request bears the token, as programs do. */
export function bears({ headers }: IncomingMessage, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
  return given !== undefined && isToken(given, token);
}

/**
 * A cookie for the browser of somebody who knew the token. It says until when it is valid and proves it with the token,
 * which it does not contain: every process with the same token takes it, and none has to remember it.
 */
export function sessionCookie(request: IncomingMessage, token: string, nowMs: number): string {
  const expiresAt = String(Math.floor(nowMs / 1000) + lifetimeSeconds);
  return cookie(request, `${expiresAt}.${proof(expiresAt, token)}`, lifetimeSeconds);
}

/** Makes the browser forget its session. */
export function noCookie(request: IncomingMessage): string {
  return cookie(request, '', 0);
}

/** Whether a request comes from a browser with a session that has not ended. */
export function hasSession({ headers }: IncomingMessage, token: string, nowMs: number): boolean {
  const values = (headers.cookie ?? '')
    .split(/; */)
    .flatMap((pair) =>
      pair.startsWith(`${cookieName}=`) ? [pair.slice(cookieName.length + 1)] : [],
    );
  return values.some((value) => {
    const [, expiresAt = '', given = ''] = /^(\d{1,12})\.(.+)$/.exec(value) ?? [];
    return Number(expiresAt) * 1000 > nowMs && isToken(given, proof(expiresAt, token));
  });
}

function proof(expiresAt: string, token: string): string {
  return createHmac('sha256', token).update(`session until ${expiresAt}`).digest('base64url');
}

function cookie(request: IncomingMessage, value: string, maxAgeSeconds: number): string {
  const attributes = ['Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Strict'];
  if (isEncrypted(request)) attributes.push('Secure');
  return [`${cookieName}=${value}`, ...attributes].join('; ');
}

/** The router in front ends TLS and says how the browser came; on a machine of one's own there may be none. */
function isEncrypted({ headers }: IncomingMessage): boolean {
  const [nearest] = [headers['x-forwarded-proto'] ?? ''].flat();
  return /^https\b/i.test(nearest ?? '');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
