import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { apiKey, neverBoots, startTestHeroku } from '../support/heroku-emulator.ts';

const start = (options: Parameters<typeof startTestHeroku>[0] = {}) =>
  startTestHeroku({ bootSeconds: neverBoots, ...options });

const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as unknown;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown;

describe('who may ask, and how', () => {
  it('answers a bearer token, and the token as password of basic authentication', async () => {
    const heroku = await start();
    for (const user of ['', 'someone@example.com']) {
      const basic = Buffer.from(`${user}:${apiKey}`).toString('base64');
      const reply = await heroku.call('GET', '/apps/demo', undefined, {
        authorization: `Basic ${basic}`,
      });
      expect(reply.status).toBe(200);
    }
    expect((await heroku.call('GET', '/apps/demo')).status).toBe(200);
  });

  it.each(['', 'Bearer wrong', 'Basic d3Jvbmc6d3Jvbmc=', 'HRKU-test'])(
    'answers 401 to the authorization %j, and says nothing of the rate limit',
    async (authorization) => {
      const heroku = await start();
      const reply = await heroku.call('GET', '/apps/demo', undefined, { authorization });
      expect(reply.status).toBe(401);
      expect(reply.body).toEqual({ id: 'unauthorized', message: 'Invalid credentials provided.' });
      expect(reply.headers.has('ratelimit-remaining')).toBe(false);
    },
  );

  it('answers 406 unless version 3 or a variant of it is asked for', async () => {
    const heroku = await start();
    const statusFor = async (accept: string) =>
      (await heroku.call('GET', '/apps/demo', undefined, { accept })).status;
    expect(await statusFor('application/vnd.heroku+json; version=3.sdk')).toBe(200);
    expect(await statusFor('application/vnd.heroku+json;version=3')).toBe(200);
    for (const accept of ['*/*', 'application/json', 'application/vnd.heroku+json; version=30'])
      expect(await statusFor(accept), accept).toBe(406);
  });

  it('grants tokens, and holds them to their scopes', async () => {
    const heroku = await start();
    const granted = await heroku.call('POST', '/oauth/authorizations', {
      description: 'autoscaler',
      expires_in: '3600',
      scope: ['write'],
    });
    expect(granted.status).toBe(201);
    expect(granted.body).toMatchObject({ description: 'autoscaler', scope: ['write'] });
    const { access_token } = granted.body as { access_token: { token: string } };
    const authorization = `Bearer ${access_token.token}`;
    const withToken = (method: string, path: string, body?: unknown) =>
      heroku.call(method, path, body, { authorization });

    const patch = await withToken('PATCH', '/apps/demo/formation/worker', { quantity: 1 });
    expect(patch.status).toBe(200);
    expect(patch.headers.get('oauth-scope')).toBe('write');
    expect(patch.headers.get('oauth-scope-accepted')).toBe('global write write-protected');
    const refused = await withToken('GET', '/apps/demo/config-vars');
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ id: 'forbidden' });
  });
});

describe('headers', () => {
  it('extends the request id, and names the scopes and the type', async () => {
    const heroku = await start();
    const reply = await heroku.call('GET', '/apps/demo/formation', undefined, {
      'request-id': 'mine-1',
    });
    expect(reply.headers.get('request-id')).toMatch(/^[-0-9a-f]{36},mine-1$/);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'private, no-cache',
      'oauth-scope': 'global',
      'oauth-scope-accepted': 'global read read-protected write write-protected',
      'ratelimit-multiplier': '1',
      'ratelimit-remaining': '4499',
    });
  });

  it('answers 304 without a body while nothing has changed', async () => {
    const heroku = await start();
    const etag = (await heroku.call('GET', '/apps/demo/formation')).headers.get('etag') ?? '';
    const again = () =>
      heroku.call('GET', '/apps/demo/formation', undefined, { 'if-none-match': etag });
    expect(await again()).toMatchObject({ status: 304, body: undefined });
    await heroku.call('PATCH', '/apps/demo/formation/worker', { quantity: 2 });
    const changed = await again();
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });
});

describe('the rate limit', () => {
  it('refuses what comes too fast, and says so in advance', async () => {
    const heroku = await start({ rateLimit: { capacity: 3, refillPerMinute: 1 } });
    const remaining = async (path: string) =>
      (await heroku.call('GET', path)).headers.get('ratelimit-remaining');
    expect(await remaining('/apps/demo')).toBe('2');
    expect(await remaining('/apps/nosuch')).toBe('1');
    expect(await remaining('/apps/demo')).toBe('0');
    const refused = await heroku.call('GET', '/apps/demo');
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ id: 'rate_limit' });
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    const limits = await heroku.call('GET', '/account/rate-limits');
    expect(limits).toMatchObject({ status: 200, body: { remaining: 0 } });
  });
});

describe('the formation', () => {
  const formation = { web: { quantity: 1 }, worker: { quantity: 2 } };

  it('shows every type of the Procfile with all the keys of the schema', async () => {
    const heroku = await start({ formation });
    const { body } = await heroku.call('GET', '/apps/demo/formation');
    expect(body).toMatchObject([{ type: 'web' }, { type: 'worker' }, { type: 'clock' }]);
    const [, worker, clock] = body as unknown[];
    expect(worker).toEqual({
      app: { id: uuid, name: 'demo' },
      command: 'sleep 60',
      created_at: time,
      dyno_size: { id: uuid, name: 'Standard-1X' },
      id: uuid,
      quantity: 2,
      size: 'Standard-1X',
      type: 'worker',
      updated_at: time,
    });
    expect(clock).toMatchObject({ quantity: 0 });
  });

  it('goes by the name or the id of the app and of the type', async () => {
    const heroku = await start({ formation });
    const { body: worker } = await heroku.call('GET', '/apps/demo/formation/worker');
    const { id, app } = worker as { id: string; app: { id: string } };
    const path = `/apps/${app.id}/formation/${id}`;
    expect((await heroku.call('GET', path)).body).toEqual(worker);
    const patched = await heroku.call('PATCH', path, { quantity: 3 });
    expect(patched.body).toMatchObject({ type: 'worker', quantity: 3 });
  });

  it('answers a batch with the types it named, and takes text, changes and both forms of sizes', async () => {
    const heroku = await start({ formation });
    const updates = [
      { type: 'worker', quantity: '+2', size: 'standard-2x' },
      { type: 'clock', quantity: '1', dyno_size: { name: 'Performance-M' } },
    ];
    const reply = await heroku.call('PATCH', '/apps/demo/formation', { updates });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject([
      { type: 'worker', quantity: 4, size: 'Standard-2X', dyno_size: { name: 'Standard-2X' } },
      { type: 'clock', quantity: 1, size: 'Performance-M' },
    ]);
    expect(heroku.quantities()).toEqual({ web: 1, worker: 4, clock: 1 });
    expect(heroku.usage().formationPatches).toBe(1);
    expect(heroku.lines.at(-1)).toBe(
      'app[api]: Scaled to worker@4:Standard-2X clock@1:Performance-M by user developer@example.com',
    );
  });

  it('changes nothing when one update of a batch is refused', async () => {
    const heroku = await start({ formation });
    const updates = [
      { type: 'worker', quantity: 5 },
      { type: 'nosuch', quantity: 1 },
    ];
    const reply = await heroku.call('PATCH', '/apps/demo/formation', { updates });
    expect(reply.status).toBe(404);
    expect(reply.body).toMatchObject({ resource: 'formation', id: 'not_found' });
    expect(heroku.quantities()).toEqual({ web: 1, worker: 2, clock: 0 });
    expect(heroku.usage().formationPatches).toBe(0);
    expect((await heroku.call('GET', '/apps/demo/dynos')).body).toHaveLength(3);
  });

  it('names the limit that a quantity breaks', async () => {
    const heroku = await start({ formation });
    const patch = (change: unknown) => heroku.call('PATCH', '/apps/demo/formation/worker', change);
    expect(await patch({ quantity: 11, size: 'performance-m' })).toMatchObject({
      status: 422,
      body: { id: 'cannot_run_above_limit', limit: 10, size: 11 },
    });
    expect(await patch({ quantity: 100 })).toMatchObject({
      status: 422,
      body: { id: 'cannot_update_above_limit', limit: 100 },
    });
  });

  it.each([
    { quantity: -1 },
    { quantity: 1.5 },
    { quantity: 'many' },
    { quantity: '-3' },
    { size: 'Gigantic' },
    { dyno_size: {} },
    [],
  ])('answers 422 to %j', async (change) => {
    const heroku = await start({ formation });
    const reply = await heroku.call('PATCH', '/apps/demo/formation/worker', change);
    expect(reply).toMatchObject({ status: 422, body: { id: 'invalid_params' } });
  });

  it('answers 400 to a body that is not JSON', async () => {
    const heroku = await start({ formation });
    const reply = await heroku.call('PATCH', '/apps/demo/formation', '{"updates":');
    expect(reply).toMatchObject({ status: 400, body: { id: 'bad_request' } });
  });
});

it('goes on when a client hangs up in the middle of a request', async () => {
  const heroku = await start();
  const socket = connect(Number(new URL(heroku.url).port), '127.0.0.1');
  socket.write(
    'PATCH /apps/demo/formation HTTP/1.1\r\nHost: heroku\r\nContent-Length: 99\r\n\r\n{"up',
  );
  await sleep(50);
  socket.destroy();
  await sleep(50);
  expect((await heroku.call('GET', '/apps/demo')).status).toBe(200);
});

describe('what does not exist', () => {
  it.each([
    ['/apps/other/formation', "Couldn't find that app."],
    ['/apps/demo/formation/nosuch', "Couldn't find that formation."],
    ['/apps/demo/dynos/worker.9', "Couldn't find that dyno."],
    ['/apps/demo/releases/99', "Couldn't find that release."],
    ['/dyno-sizes/gigantic', "Couldn't find that dyno size."],
  ])('answers 404 to %s', async (path, message) => {
    const heroku = await start();
    const reply = await heroku.call('GET', path);
    expect(reply).toMatchObject({ status: 404, body: { id: 'not_found', message } });
    expect(reply.headers.get('ratelimit-remaining')).toBe('4499');
  });

  it('answers 404 to an unknown path or method', async () => {
    const heroku = await start();
    for (const [method, path] of [
      ['GET', '/nosuch'],
      ['GET', '//'],
      ['PUT', '/apps/demo/formation'],
    ] as const)
      expect((await heroku.call(method, path)).body).toMatchObject({ id: 'not_found' });
  });
});

describe('the rest of the app', () => {
  it('shows dynos with all the keys of the schema, by name or id', async () => {
    const heroku = await start({ formation: { worker: { quantity: 1 } } });
    const { body } = await heroku.call('GET', '/apps/demo/dynos');
    expect(body).toEqual([
      {
        attach_url: null,
        app: { id: uuid, name: 'demo' },
        command: 'sleep 60',
        created_at: time,
        id: uuid,
        name: 'worker.1',
        release: { id: uuid, version: 1 },
        size: 'Standard-1X',
        state: 'starting',
        type: 'worker',
        updated_at: time,
      },
    ]);
    const [dyno] = body as [{ id: string }];
    for (const identity of ['worker.1', dyno.id])
      expect((await heroku.call('GET', `/apps/demo/dynos/${identity}`)).body).toEqual(dyno);
  });

  it('turns maintenance on and off', async () => {
    const heroku = await start();
    expect((await heroku.call('GET', '/apps/demo')).body).toMatchObject({ maintenance: false });
    await heroku.call('PATCH', '/apps/demo', { maintenance: true });
    expect((await heroku.call('GET', '/apps/demo')).body).toMatchObject({ maintenance: true });
  });

  it('makes a release of every change of config vars, and restarts the dynos on it', async () => {
    const heroku = await start({
      env: { KEEP: '1', DROP: '2' },
      formation: { worker: { quantity: 1 } },
    });
    const reply = await heroku.call('PATCH', '/apps/demo/config-vars', { DROP: null, NEW: '3' });
    expect(reply.body).toEqual({ KEEP: '1', NEW: '3' });
    expect((await heroku.call('GET', '/apps/demo/config-vars')).body).toEqual(reply.body);
    expect((await heroku.call('GET', '/apps/demo/dynos')).body).toMatchObject([
      { name: 'worker.1', release: { version: 2 } },
    ]);
    expect((await heroku.call('GET', '/apps/demo/releases/2')).body).toMatchObject({
      current: true,
      description: 'Set NEW config vars and Remove DROP config vars',
      status: 'succeeded',
    });
  });

  it('gives the latest release alone when asked for one', async () => {
    const heroku = await start();
    heroku.deploy();
    heroku.deploy();
    const range = 'version ..; max=1, order=desc';
    const latest = await heroku.call('GET', '/apps/demo/releases', undefined, { range });
    expect(latest).toMatchObject({ status: 206, body: [{ version: 3, current: true }] });
    expect(latest.headers.get('next-range')).toBe('version ]3..; max=1, order=desc');
    const all = await heroku.call('GET', '/apps/demo/releases', undefined, {
      range: 'id ..; max=1000',
    });
    expect(all.status).toBe(200);
    expect(all.body).toHaveLength(3);
  });

  it('knows the sizes and their prices', async () => {
    const heroku = await start();
    expect((await heroku.call('GET', '/dyno-sizes/standard-2x')).body).toMatchObject({
      name: 'Standard-2X',
      cost: { cents: 5_000, unit: 'month' },
    });
    const all = await heroku.call('GET', '/dyno-sizes');
    expect((await heroku.call('GET', '/apps/demo/available-dyno-sizes')).body).toEqual(all.body);
  });

  it('has a Redis add-on when there is a REDIS_URL', async () => {
    const question = { addon: 'REDIS', app: 'demo' };
    const without = await start();
    expect((await without.call('GET', '/apps/demo/addons')).body).toEqual([]);
    expect((await without.call('POST', '/actions/addons/resolve', question)).status).toBe(404);
    const heroku = await start({ env: { REDIS_URL: 'redis://127.0.0.1:1' } });
    const addon = { addon_service: { name: 'heroku-redis' }, config_vars: ['REDIS_URL'] };
    expect((await heroku.call('GET', '/apps/demo/addons')).body).toMatchObject([addon]);
    const resolved = await heroku.call('POST', '/actions/addons/resolve', question);
    expect(resolved.body).toMatchObject([addon]);
  });

  it('has a maintenance for that Redis, which runs when it is told to and may give it a new address', async () => {
    const heroku = await start({
      env: { REDIS_URL: 'redis://127.0.0.1:1' },
      formation: { worker: { quantity: 1 } },
      dataMaintenance: { seconds: 0, failOver: () => Promise.resolve('redis://127.0.0.1:2') },
    });
    const [addon] = (await heroku.call('GET', '/apps/demo/addons')).body as [{ id: string }];
    const path = `/data/maintenances/v1/${addon.id}`;
    const maintenance = async () => (await heroku.call('GET', path)).body;
    const waiting = await maintenance();
    expect(waiting).toMatchObject({
      addon: { uuid: addon.id },
      status: 'pending',
      method: 'changeover',
    });
    expect((await heroku.call('GET', '/data/maintenances/v1/apps/demo')).body).toEqual({
      maintenances: [waiting],
    });
    expect((await heroku.call('POST', `${path}/run`)).body).toMatchObject({
      message: expect.any(String) as string,
    });
    await expect.poll(maintenance).toMatchObject({ status: 'completed', duration_seconds: 0 });
    expect((await heroku.call('GET', '/apps/demo/config-vars')).body).toEqual({
      REDIS_URL: 'redis://127.0.0.1:2',
    });
    // The address is a config var: every dyno gets it by being replaced.
    expect(heroku.lines).toContainEqual(expect.stringMatching(/heroku\[worker\.1\]: Restarting/));
    expect((await heroku.call('GET', '/data/maintenances/v1/nosuch')).status).toBe(404);
  });
});
