import { notFound } from './api-error.ts';
import type { App } from './app.ts';
import { appBody, dynoSizeBody, redisAddonBody, releaseBody } from './bodies.ts';
import { pageOf, type SortKeys } from './ranges.ts';
import { addonQuestion, appChange, configChanges, parseBody } from './requests.ts';
import { ok, route, scopes, type Route } from './routing.ts';
import { dynoSizes } from './sizes.ts';

/** The app itself, its config vars, releases and add-ons. */
export function appRoutes(app: App): readonly Route[] {
  return [
    route('GET /apps/:app', scopes.reading, () => ok(appBody(app))),
    route('PATCH /apps/:app', scopes.writing, ({ body }) => {
      const { maintenance } = parseBody(appChange, body);
      if (maintenance !== undefined) app.setMaintenance(maintenance);
      return ok(appBody(app));
    }),
    route('GET /apps/:app/config-vars', scopes.readingSecrets, () => ok(app.configVars())),
    route('PATCH /apps/:app/config-vars', scopes.writingSecrets, ({ body }) => {
      app.setConfigVars(parseBody(configChanges, body));
      return ok(app.configVars());
    }),
    route('GET /apps/:app/available-dyno-sizes', scopes.reading, () =>
      ok(dynoSizes.map(dynoSizeBody)),
    ),
    ...releaseRoutes(app),
    ...addonRoutes(app),
  ];
}

function releaseRoutes(app: App): readonly Route[] {
  type ReleaseBody = ReturnType<typeof releaseBody>;
  const keys: SortKeys<ReleaseBody> = { version: ({ version }) => version, id: ({ id }) => id };
  const all = () => app.releases().map((release) => releaseBody(app, release));
  return [
    route('GET /apps/:app/releases', scopes.readingSecrets, ({ range }) => {
      const { items, ...page } = pageOf(all(), keys, range);
      return { ...page, body: items };
    }),
    route('GET /apps/:app/releases/:release', scopes.readingSecrets, ({ params }) => {
      const wanted = params('release');
      const found = all().find(({ id, version }) => id === wanted || String(version) === wanted);
      if (found === undefined) throw notFound('release');
      return ok(found);
    }),
  ];
}

function addonRoutes(app: App): readonly Route[] {
  const addons = () => ('REDIS_URL' in app.configVars() ? [redisAddonBody(app)] : []);
  return [
    route('GET /apps/:app/addons', scopes.reading, () => ok(addons())),
    route('POST /actions/addons/resolve', scopes.reading, ({ body }) => {
      const wanted = parseBody(addonQuestion, body);
      if (![undefined, null, app.name, app.id].includes(wanted.app)) throw notFound('app');
      // The alias of an attachment is its config var without the ending.
      const found = addons().filter(({ id, name, config_vars }) =>
        [id, name, ...config_vars, 'REDIS'].includes(wanted.addon),
      );
      if (found.length === 0) throw notFound('add-on');
      return ok(found);
    }),
  ];
}
