import { notFound } from './api-error.ts';
import type { App } from './app.ts';
import { maintenanceBody } from './bodies.ts';
import type { DataMaintenance } from './data-maintenance.ts';
import { ok, route, scopes, type Route } from './routing.ts';

/**
 * What Heroku serves at api.data.heroku.com, for the one add-on of the app. Its paths are those that Heroku's own command
 * line asks (`heroku data:maintenances`).
 */
export function maintenanceRoutes(app: App, maintenance: DataMaintenance): readonly Route[] {
  const path = '/data/maintenances/v1';
  const all = () => ('REDIS_URL' in app.configVars() ? [maintenanceBody(app, maintenance)] : []);
  const ofAddon = (id: string) => {
    const found = all().find(({ addon }) => addon.uuid === id);
    if (found === undefined) throw notFound('add-on');
    return found;
  };
  return [
    route(`GET ${path}/:addon`, scopes.reading, ({ params }) => ok(ofAddon(params('addon')))),
    route(`GET ${path}/apps/:app`, scopes.reading, () => ok({ maintenances: all() })),
    route(`POST ${path}/:addon/run`, scopes.writing, ({ params }) => {
      const { addon } = ofAddon(params('addon'));
      maintenance.run();
      return ok({ message: `Maintenance for ${addon.name} has been triggered.` });
    }),
  ];
}
