import { z } from 'zod';
import { createHerokuApi, type HerokuApiParts } from './api.ts';
import type { Call } from './connection.ts';
import * as shapes from './shapes.ts';

/**
 * What a person may do to an app at Heroku, and the daemon never does. Every call throws an OperationalError with a
 * `TARGET_…` code.
 */
export type HerokuOperator = {
  /** Ends a dyno and starts a new one under its name at once. */
  restartDyno(app: string, dyno: string, signal: AbortSignal): Promise<void>;
  /** Turns the app's maintenance mode on or off: while it is on, web dynos get no requests. */
  setAppMaintenance(app: string, isOn: boolean, signal: AbortSignal): Promise<void>;
  /** The value of a config var, a secret more often than not; null when the app has none of that name. */
  configVar(app: string, name: string, signal: AbortSignal): Promise<string | null>;
  /** The add-on that goes by this name for the app: its own name, its id, or the name of its attachment. */
  addon(app: string, name: string, signal: AbortSignal): Promise<shapes.Addon>;
  /** Whether Heroku has this add-on still, for whichever app. */
  hasAddon(addonId: string, signal: AbortSignal): Promise<boolean>;
  /**
   * How the maintenance that Heroku has announced for a database stands; null when what serves databases knows no such
   * add-on, which by itself does not mean that it is gone.
   */
  dataMaintenance(addonId: string, signal: AbortSignal): Promise<shapes.DataMaintenance | null>;
  /** Begins it; it then takes minutes. */
  runDataMaintenance(addonId: string, signal: AbortSignal): Promise<void>;
  /** What the token may do, as in `global` or `write`, as the last reply said; null before that. */
  scopes(): readonly string[] | null;
  close(): Promise<void>;
};

const platformUrl = 'https://api.heroku.com';
const dataUrl = 'https://api.data.heroku.com';

/** Heroku keeps databases at an address of their own; whatever stands in for it serves both at one. */
export function createHerokuOperator(parts: HerokuApiParts): HerokuOperator {
  let scopes: readonly string[] | null = null;
  const platform = createHerokuApi({
    ...parts,
    onReply({ scope }) {
      scopes = scope?.split(/[\s,]+/) ?? scopes;
    },
  });
  const isHeroku = parts.apiUrl.replace(/\/+$/, '') === platformUrl;
  const data = createHerokuApi({ ...parts, apiUrl: isHeroku ? dataUrl : parts.apiUrl });
  const ask = async (call: Call, signal: AbortSignal) => {
    await platform.ask(call, z.unknown(), signal);
  };
  return {
    restartDyno: (app, dyno, signal) =>
      ask({ method: 'DELETE', path: `${pathOf(app)}/dynos/${encodeURIComponent(dyno)}` }, signal),
    setAppMaintenance: (app, maintenance, signal) =>
      ask({ method: 'PATCH', path: pathOf(app), body: { maintenance } }, signal),
    async configVar(app, name, signal) {
      const call: Call = { method: 'GET', path: `${pathOf(app)}/config-vars` };
      return (await platform.ask(call, shapes.configVars, signal))[name] ?? null;
    },
    async addon(app, addon, signal) {
      const call: Call = { method: 'POST', path: '/actions/addons/resolve', body: { addon, app } };
      return platform.ask(call, shapes.oneAddon, signal);
    },
    async hasAddon(addon, signal) {
      const call: Call = { method: 'POST', path: '/actions/addons/resolve', body: { addon } };
      const reply = await platform.exchange(call, signal);
      if (reply.status === 404) return false;
      platform.read(call, reply, shapes.oneAddon);
      return true;
    },
    async dataMaintenance(addonId, signal) {
      const call: Call = { method: 'GET', path: maintenancePath(addonId) };
      const reply = await data.exchange(call, signal);
      return reply.status === 404 ? null : data.read(call, reply, shapes.dataMaintenance);
    },
    async runDataMaintenance(addonId, signal) {
      const call: Call = { method: 'POST', path: `${maintenancePath(addonId)}/run` };
      await data.ask(call, z.unknown(), signal);
    },
    scopes: () => scopes,
    async close() {
      await Promise.all([platform.close(), data.close()]);
    },
  };
}

function pathOf(app: string): string {
  return `/apps/${encodeURIComponent(app)}`;
}

function maintenancePath(addonId: string): string {
  return `/data/maintenances/v1/${encodeURIComponent(addonId)}`;
}
