import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createApp, type App } from './app.ts';
import { createDataMaintenance, type DataMaintenanceOptions } from './data-maintenance.ts';
import type { Dyno } from './dyno.ts';
import type { DynoUsage } from './dyno-meter.ts';
import { parseProcfile } from './procfile.ts';
import { createRateLimit, herokuRateLimit, type RateLimitSettings } from './rate-limit.ts';
import { createApiServer } from './server.ts';

export type HerokuEmulatorOptions = {
  readonly appName: string;
  readonly apiKey: string;
  /** Of the loopback interface; 0 or none takes a free one. */
  readonly port?: number;
  /** Where the processes run. */
  readonly directory: string;
  /** The text of the Procfile. */
  readonly procfile: string;
  /** Dynos to begin with; process types that are not named have none. */
  readonly formation: Readonly<
    Record<string, { readonly quantity: number; readonly size?: string }>
  >;
  /** Config vars. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets what `heroku logs` would show, without the time: `heroku[worker.1]: State changed from starting to up`. */
  readonly log: (line: string) => void;
  /** Least and most time from the request for a dyno until its process starts; Heroku needs 2 to 4 s as a rule. */
  readonly bootSeconds?: readonly [number, number];
  /** Time from the moment a dyno is down for the API until its process gets SIGTERM; about 1 on Heroku. */
  readonly stopDelaySeconds?: number;
  /** Time from SIGTERM to SIGKILL; 30 on Heroku. */
  readonly killGraceSeconds?: number;
  readonly rateLimit?: RateLimitSettings;
  /** The maintenance that waits for the app's Redis; none is told of unless REDIS_URL is set. */
  readonly dataMaintenance?: DataMaintenanceOptions;
};

export type HerokuEmulator = {
  /** For `HEROKU_API_URL`. */
  readonly url: string;
  /** Dynos asked for, by process type. */
  quantities(): Readonly<Record<string, number>>;
  /** Dynos with a process or about to have one; those that were told to stop are `down`. */
  livingDynos(): readonly Dyno[];
  usage(): DynoUsage & {
    /** Requests that changed the formation, or would have if it had not been so already. */
    readonly formationPatches: number;
  };
  /** Makes a release of new code: every dyno is replaced, and old and new ones overlap under the same names. */
  deploy(): void;
  /**
   * Stops serving and ends every process at once. Dynos are process groups of their own, which Ctrl-C does not reach, so
   * whoever starts an emulator calls this on SIGINT and SIGTERM; an exit of any other kind ends the dynos too.
   */
  close(): Promise<void>;
};

/**
 * Heroku in small, for demos and tests: one app whose dynos are real processes of this machine, and the Platform API
 * to scale it, on the loopback interface, which serves the maintenances of its Redis too. Needs a POSIX system, for process groups.
 * @throws {Error} when the Procfile cannot be read, the formation breaks a limit, or the port is taken
 */
export async function startHerokuEmulator(options: HerokuEmulatorOptions): Promise<HerokuEmulator> {
  const app = createApp({
    bootSeconds: [2, 4],
    stopDelaySeconds: 1,
    killGraceSeconds: 30,
    ...options,
    commands: parseProcfile(options.procfile),
  });
  const counted = countingPatches(app);
  const rateLimit = createRateLimit(options.rateLimit ?? herokuRateLimit);
  const maintenance = createDataMaintenance(app, options.dataMaintenance ?? { seconds: 20 });
  const server = createApiServer(counted.app, maintenance, options.apiKey, rateLimit);

  const discardAll = () => {
    app.dynos.discardAll();
  };
  process.once('exit', discardAll);

  async function close(): Promise<void> {
    process.off('exit', discardAll);
    server.close();
    server.closeAllConnections();
    const living = app.dynos.living();
    discardAll();
    await Promise.all(living.map(({ ended }) => ended));
  }

  try {
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    app.scale(Object.entries(options.formation).map(([type, wanted]) => ({ type, ...wanted })));
  } catch (error) {
    await close();
    throw error;
  }

  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    quantities: () => Object.fromEntries(app.formation().map((row) => [row.type, row.quantity])),
    livingDynos: () => app.dynos.living(),
    usage: () => ({ ...app.dynos.usage(), formationPatches: counted.patches() }),
    deploy: () => {
      app.deploy();
    },
    close,
  };
}

function countingPatches(app: App) {
  let patches = 0;
  const scale: App['scale'] = (updates) => {
    const rows = app.scale(updates);
    patches++;
    return rows;
  };
  return { app: { ...app, scale }, patches: () => patches };
}
