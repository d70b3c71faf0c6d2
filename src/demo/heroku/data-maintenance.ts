import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from './app.ts';

/** A maintenance of the app's Redis that Heroku has announced, and does when it is told to. */
export type DataMaintenance = {
  status(): 'pending' | 'running' | 'completed';
  readonly announcedAtMs: number;
  startedAtMs(): number | null;
  completedAtMs(): number | null;
  /** Has no effect while it runs; once completed, it is done again. */
  run(): void;
};

export type DataMaintenanceOptions = {
  /** How long it takes; about 180 on Heroku. */
  readonly seconds: number;
  /** Puts another server in the place of the Redis and answers its URL, which becomes the app's REDIS_URL. */
  readonly failOver?: () => Promise<string>;
};

export function createDataMaintenance(
  app: App,
  { seconds, failOver }: DataMaintenanceOptions,
): DataMaintenance {
  let startedAtMs: number | null = null;
  let completedAtMs: number | null = null;

  async function maintain(): Promise<void> {
    const url = await failOver?.();
    await sleep(seconds * 1000, undefined, { ref: false });
    // The new address is a config var, so it makes a release, and every dyno of the formation is replaced.
    if (url !== undefined) app.setConfigVars({ REDIS_URL: url });
    completedAtMs = Date.now();
  }

  const isRunning = () => startedAtMs !== null && completedAtMs === null;
  return {
    status: () => (isRunning() ? 'running' : startedAtMs === null ? 'pending' : 'completed'),
    announcedAtMs: app.createdAtMs,
    startedAtMs: () => startedAtMs,
    completedAtMs: () => completedAtMs,
    run() {
      if (isRunning()) return;
      startedAtMs = Date.now();
      completedAtMs = null;
      void maintain();
    },
  };
}
