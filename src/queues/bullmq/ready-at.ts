/** What BullMQ keeps of a job that waits, as its strings; a field that the job lacks is absent. */
export type WaitingJob = {
  /** When it was added, in ms. */
  readonly timestamp?: string | undefined;
  /** Its options as JSON, of which `delay` and `backoff` matter here. */
  readonly opts?: string | undefined;
  /** When it was started last, in ms. A retry by hand removes it. */
  readonly processedOn?: string | undefined;
  /** How often it was started. */
  readonly starts?: string | undefined;
  /** How many of these starts failed. */
  readonly attemptsMade?: string | undefined;
  /** It is the parent of a flow and was added long before it could be started. */
  readonly waitedForChildren?: boolean;
};

/**
 * Since when a waiting job could have been started, in ms; null when that is not recorded. BullMQ keeps no such time, so
 * it follows from what the job has been through: added, delayed, started and given back, failed and backed off. How
 * long a failed run took is not recorded either, so that the time is too early by it, never too late.
 */
export function readyAtMs(job: WaitingJob): number | null {
  const options = parseObject(job.opts);
  const addedAtMs = toNumber(job.timestamp);
  if (addedAtMs === null || options === null || job.waitedForChildren) return null;
  // The `delay` field is of no use: BullMQ resets it when the delay is over.
  const firstReadyAtMs = addedAtMs + (toNumber(options['delay']) ?? 0);

  const starts = toNumber(job.starts) ?? 0;
  const startedAtMs = toNumber(job.processedOn);
  if (startedAtMs === null) return starts === 0 ? finiteOrNull(firstReadyAtMs) : null;

  // A start that was not an attempt ended without back-off: the job was given back, or its worker died.
  const attemptsMade = toNumber(job.attemptsMade) ?? 0;
  const isRetry = attemptsMade > 0 && attemptsMade === starts;
  const waitedMs = isRetry ? backoffMs(options['backoff'], attemptsMade) : 0;
  return waitedMs === null ? null : finiteOrNull(startedAtMs + waitedMs);
}

/** The least that BullMQ's built-in strategies wait after so many attempts (its `Backoffs` class); null for a custom one. */
function backoffMs(backoff: unknown, attemptsMade: number): number | null {
  if (backoff === undefined || backoff === null) return 0;
  if (typeof backoff !== 'object') return toNumber(backoff);
  const { type, delay, jitter } = backoff as Record<string, unknown>;
  const growth = type === 'fixed' ? 1 : type === 'exponential' ? 2 ** (attemptsMade - 1) : null;
  if (growth === null) return null;
  return Math.round((toNumber(delay) ?? 0) * growth * (1 - (toNumber(jitter) ?? 0)));
}

function toNumber(value: unknown): number | null {
  if ((typeof value !== 'string' && typeof value !== 'number') || value === '') return null;
  return finiteOrNull(Number(value));
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function parseObject(json: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
