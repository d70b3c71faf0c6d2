import type { App } from './app.ts';
import { formationBody } from './bodies.ts';
import { findProcessType, type ProcessType } from './formation.ts';
import { formationBatch, formationChange, parseBody } from './requests.ts';
import { ok, route, scopes, type Route } from './routing.ts';

export function formationRoutes(app: App): readonly Route[] {
  const show = (row: ProcessType) => formationBody(app, row);
  return [
    route('GET /apps/:app/formation', scopes.reading, () => ok(app.formation().map(show))),
    route('GET /apps/:app/formation/:type', scopes.reading, ({ params }) =>
      ok(show(findProcessType(app.formation(), params('type')))),
    ),
    route('PATCH /apps/:app/formation', scopes.writing, ({ body }) =>
      ok(app.scale(parseBody(formationBatch, body).updates).map(show)),
    ),
    route('PATCH /apps/:app/formation/:type', scopes.writing, ({ params, body }) => {
      const update = { ...parseBody(formationChange, body), type: params('type') };
      return ok(app.scale([update]).map(show)[0]);
    }),
  ];
}
