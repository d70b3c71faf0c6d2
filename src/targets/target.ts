/** What became of a request for a number of workers. */
export type ScaleResult =
  | { readonly kind: 'scaled'; readonly workers: number }
  /** The platform refused and named the most it allows for this process type; nothing was changed. */
  | { readonly kind: 'limited'; readonly limitWorkers: number; readonly why: string };

/** A worker as the platform lists it; `ordinal` is null where names carry no number. */
export type ListedWorker = {
  readonly name: string;
  readonly ordinal: number | null;
  readonly ageSeconds: number;
};

/** What is scaled. One implementation for each platform. */
export type Target = {
  /**
   * Workers asked of the platform, as read at most `maxAgeMs` ago.
   * @throws {OperationalError} a `TARGET_…` code
   */
  currentWorkers(maxAgeMs: number, signal: AbortSignal): Promise<number>;
  /** What a worker costs an hour, in dollars, as far as was read so far; null when that is not known. */
  workerDollarsPerHour(): number | null;
  /**
   * The workers there are, running or about to, as read at most `maxAgeMs` ago. They may differ from what was asked for
   * a moment ago.
   * @throws {OperationalError} a `TARGET_…` code
   */
  listWorkers(maxAgeMs: number, signal: AbortSignal): Promise<readonly ListedWorker[]>;
  /**
   * Asks for an absolute number of workers; repeating it changes nothing.
   * @throws {OperationalError} a `TARGET_…` code
   */
  scaleTo(workers: number, signal: AbortSignal): Promise<ScaleResult>;
};
