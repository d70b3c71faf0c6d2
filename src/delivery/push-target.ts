import type { Failure, ReceiverName } from './receiver.ts';

/** Where metrics are pushed to. Each of these answers null when the receiver accepted it, and never waits beyond the signal. */
export type PushTarget = {
  readonly name: Exclude<ReceiverName, 'webhook'>;
  /** Where it is, without what is secret. */
  readonly host: string;
  /** Sends what the metrics are now. */
  push(nowMs: number, signal: AbortSignal): Promise<Failure | null>;
  /** The last word of a daemon that ends: nobody must take what it said for what still is. */
  leave(nowMs: number, signal: AbortSignal): Promise<Failure | null>;
  /** Whether the receiver answers and accepts the credentials; changes nothing. */
  probe(signal: AbortSignal): Promise<Failure | null>;
  close(): Promise<void>;
};

/** Which series are whose: two daemons differ in `instance`, and a daemon keeps its own over restarts. */
export const jobLabel = 'backlog-autoscaler';
