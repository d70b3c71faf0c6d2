import { notFound } from './api-error.ts';
import type { App } from './app.ts';
import { dynoBody } from './bodies.ts';
import type { Dyno } from './dyno.ts';
import { dynoCreate, parseBody } from './requests.ts';
import { ok, route, scopes, type ApiRequest, type Route } from './routing.ts';

export function dynoRoutes(app: App): readonly Route[] {
  const show = (dyno: Dyno) => dynoBody(app, dyno);
  const restart = (dynos: readonly Dyno[]) => {
    app.dynos.restart(dynos);
    return { status: 202, body: {} };
  };
  const restartOne = ({ params }: ApiRequest) => restart([findDyno(app, params('dyno'))]);
  const restartType = ({ params }: ApiRequest) => restart(dynosOfType(app, params('type')));
  return [
    route('GET /apps/:app/dynos', scopes.reading, () => ok(app.dynos.list().map(show))),
    route('GET /apps/:app/dynos/:dyno', scopes.reading, ({ params }) =>
      ok(show(findDyno(app, params('dyno')))),
    ),
    route('POST /apps/:app/dynos', scopes.writing, ({ body }) => {
      const { time_to_live, size, ...oneOff } = parseBody(dynoCreate, body);
      const dyno = app.runOnce({ ...oneOff, size, timeToLiveSeconds: time_to_live });
      return { status: 201, body: show(dyno) };
    }),
    route('DELETE /apps/:app/dynos', scopes.writing, () => restart(app.dynos.list())),
    route('DELETE /apps/:app/dynos/:dyno', scopes.writing, restartOne),
    route('DELETE /apps/:app/formations/:type', scopes.writing, restartType),
    // What belongs to the formation is started again after a stop, so that a stop is the same as a restart.
    route('POST /apps/:app/dynos/:dyno/actions/stop', scopes.writing, restartOne),
    route('POST /apps/:app/formations/:type/actions/stop', scopes.writing, restartType),
  ];
}

function findDyno(app: App, identity: string): Dyno {
  const found = app.dynos.list().find(({ id, plan }) => id === identity || plan.name === identity);
  if (found === undefined) throw notFound('dyno');
  return found;
}

function dynosOfType(app: App, type: string): readonly Dyno[] {
  const isInFormation = app.formation().some((row) => row.type === type);
  const dynos = app.dynos.list().filter(({ plan }) => plan.type === type);
  if (!isInFormation && dynos.length === 0) throw notFound('formation');
  return dynos;
}
