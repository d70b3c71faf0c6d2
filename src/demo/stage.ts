import { startApp, type DemoApp } from './app.ts';
import { freePort } from './heroku/free-port.ts';
import { queueNames } from './jobs.ts';
import { startDemoRedis, type DemoRedis } from './redis.ts';

/** Everything that runs on this machine for the demo. */
export type Stage = {
  readonly redis: DemoRedis;
  /** The app that is shown. */
  readonly app: DemoApp;
  /** Another that gets the same jobs at the same time, unseen, and whose jobs nobody protects. */
  readonly unprotected: DemoApp;
  /** Variables that point other programs to the app. */
  readonly exports: Readonly<Record<string, string>>;
  /** Of the daemon's own HTTP server. */
  readonly url: string;
  close(): Promise<void>;
};

export async function startStage(): Promise<Stage> {
  const redis = await startDemoRedis();
  const apps: DemoApp[] = [];
  const close = async () => {
    await Promise.all(apps.map((app) => app.close()));
    await redis.stop();
  };
  try {
    const port = String(await freePort());
    const app = await startApp(redis.url, { PORT: port });
    apps.push(app);
    // A database of its own keeps everything apart, the state of the daemons too.
    const unprotected = await startApp(`${redis.url}/1`, { PROTECT_JOBS: 'off' });
    apps.push(unprotected);
    return {
      ...{ redis, app, unprotected },
      exports: exportsOf(app, port),
      url: `http://127.0.0.1:${port}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const policyVariables = [
  ...['MIN_WORKERS', 'MAX_WORKERS', 'EVENTS_PER_WORKER'],
  ...['POLL_INTERVAL', 'SCALE_DOWN_STABILIZATION'],
];

function exportsOf({ heroku, config }: DemoApp, port: string): Readonly<Record<string, string>> {
  const { HEROKU_APP_NAME: name = '', HEROKU_API_KEY: key = '', REDIS_URL: redisUrl = '' } = config;
  // Or another program would go by other bounds than the daemon.
  const policy = Object.entries(config).filter(([variable]) => policyVariables.includes(variable));
  return {
    HEROKU_HOST: heroku.url,
    HEROKU_API_URL: heroku.url,
    HEROKU_APP: name,
    HEROKU_APP_NAME: name,
    HEROKU_API_KEY: key,
    REDIS_URL: redisUrl,
    QUEUES: queueNames.join(),
    ...Object.fromEntries(policy),
    PORT: port,
  };
}
