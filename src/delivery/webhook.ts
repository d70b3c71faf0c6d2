import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../deadline.ts';
import { createReceiver, type Failure } from './receiver.ts';

const attemptMsMax = 5_000;
const pauseBeforeRepeatingMs = 2_000;

/** Where people are told something. */
export type Webhook = {
  /** Where it is, without what is secret. */
  readonly host: string;
  /** Sends a body of JSON when those before it are through; one that fails is repeated once. Never throws for trouble there. */
  send(json: string): void;
  /** Waits for what is under way, at most so long, and ends. */
  end(timeoutMs: number): Promise<void>;
};

export function createWebhook(url: string, onSent: (failure: Failure | null) => void): Webhook {
  const receiver = createReceiver({
    variable: 'WEBHOOK_URL',
    url,
    secrets: [secretOfWebhook(url)],
  });
  const ending = new AbortController();
  let underWay = Promise.resolve();

  const attempt = (body: string) =>
    withDeadline(ending.signal, attemptMsMax, (signal) =>
      receiver.send(
        { method: 'POST', path: '', headers: { 'content-type': 'application/json' }, body },
        signal,
      ),
    );

  async function deliver(body: string): Promise<void> {
    let failure = await attempt(body);
    if (failure !== null && (await hasPassed(pauseBeforeRepeatingMs, ending.signal)))
      failure = await attempt(body);
    onSent(failure);
  }

  return {
    host: receiver.host,
    send(json) {
      underWay = underWay.then(() => deliver(json));
    },
    async end(timeoutMs) {
      await Promise.race([underWay, sleep(timeoutMs)]);
      ending.abort();
      await underWay;
      await receiver.close();
    },
  };
}

/** Whoever knows the path of such a URL may write there. */
export function secretOfWebhook(url: string): string {
  const { pathname, search } = new URL(url);
  return (pathname + search).slice(1);
}

/** False when the wait was broken off. */
function hasPassed(waitMs: number, signal: AbortSignal): Promise<boolean> {
  return sleep(waitMs, true, { signal }).catch(() => false);
}
