import { z } from 'zod';
import { createHerokuApi, type HerokuApiParts } from './api.ts';

/**
 * What a person may do to an app at Heroku, and the daemon never does. Every call throws an OperationalError with a
 * `TARGET_…` code.
 */
export type HerokuOperator = {
  /** Ends a dyno and starts a new one under its name at once. */
  restartDyno(app: string, dyno: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

export function createHerokuOperator(parts: HerokuApiParts): HerokuOperator {
  const platform = createHerokuApi(parts);
  return {
    async restartDyno(app, dyno, signal) {
      const path = `/apps/${encodeURIComponent(app)}/dynos/${encodeURIComponent(dyno)}`;
      await platform.ask({ method: 'DELETE', path }, z.unknown(), signal);
    },
    close: () => platform.close(),
  };
}
