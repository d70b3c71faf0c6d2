/** What became of a request for a number of workers. */
export type ScaleResult =
  | { readonly kind: 'scaled'; readonly workers: number }
  /** The platform refused and named the most it allows for this process type; nothing was changed. */
  | { readonly kind: 'limited'; readonly limitWorkers: number; readonly why: string };

/** What is scaled. One implementation for each platform. */
export type Target = {
  /**
   * Workers asked of the platform, as read at most `maxAgeMs` ago.
   * @throws {OperationalError} a `TARGET_…` code
   */
  currentWorkers(maxAgeMs: number, signal: AbortSignal): Promise<number>;
  /**
   * Asks for an absolute number of workers; repeating it changes nothing.
   * @throws {OperationalError} a `TARGET_…` code
   */
  scaleTo(workers: number, signal: AbortSignal): Promise<ScaleResult>;
};
