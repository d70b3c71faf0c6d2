import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { healthOf } from '../../src/telemetry/health.ts';
import { tickReport } from '../../src/telemetry/report.ts';
import type { Sources } from '../../src/telemetry/http/routes.ts';
import { startServer, type TelemetryServer } from '../../src/telemetry/http/server.ts';
import { bounds, tick } from '../support/tick-records.ts';

const nowMs = Date.UTC(2026, 0, 5, 12);
const healthAt = (ageMs: number) =>
  healthOf([{ pool: 'worker', intervalMs: 10_000, lastGoodTickAtMs: nowMs - ageMs }], nowMs);
const status = { pools: [tickReport(tick(), bounds)] };

const answering: Sources = {
  metrics: () => Promise.resolve('# HELP a_total b\n'),
  health: () => Promise.resolve(healthAt(1_000)),
  status: () => Promise.resolve(status),
  page: () => Promise.resolve('<!doctype html><p>fine</p>'),
};
const redisDown = () =>
  Promise.reject(
    new OperationalError('STATE_UNAVAILABLE', 'Redis at secret-host:6379: ECONNREFUSED', {
      hint: 'Check REDIS_URL.',
    }),
  );

const servers: TelemetryServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(
  options: { token?: string; nowMs?: () => number; sources?: Partial<Sources> } = {},
) {
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    token: options.token ?? null,
    nowMs: options.nowMs ?? (() => nowMs),
    sources: { ...answering, ...options.sources },
  });
  servers.push(server);
  return { server, url: `http://127.0.0.1:${String(server.port)}` };
}

type Reply = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
};

/** Sends the path as it is, which `fetch` would tidy up. */
async function ask(
  url: string,
  options: { path: string; method?: string; headers?: Record<string, string>; body?: string },
): Promise<Reply> {
  const { path, method = 'GET', headers = {}, body } = options;
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, path, method, headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

describe('the paths', () => {
  test('serve metrics, health, status and the page with their content types', async () => {
    const { url } = await serve();
    const metrics = await ask(url, { path: '/metrics' });
    expect(metrics).toMatchObject({ status: 200, body: '# HELP a_total b\n' });
    expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');

    const health = await ask(url, { path: '/healthz' });
    expect(health.status).toBe(200);
    expect(JSON.parse(health.body)).toEqual(healthAt(1_000));

    const report = await ask(url, { path: '/status.json?pretty=1' });
    expect(report.headers['content-type']).toContain('application/json');
    expect(JSON.parse(report.body)).toEqual(status);

    const page = await ask(url, { path: '/' });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('fine');
  });

  test('say 503 with the same body when a pool is not healthy', async () => {
    const { url } = await serve({ sources: { health: () => Promise.resolve(healthAt(30_000)) } });
    const reply = await ask(url, { path: '/healthz' });
    expect(reply.status).toBe(503);
    expect(JSON.parse(reply.body)).toEqual(healthAt(30_000));
  });

  test.each([
    ['/', 6],
    ['/?hours=24', 24],
    ['/?hours=168', 168],
    ['/?hours=1e9', 6],
    ['/?%E0%A4%A', 6],
  ])('of %s draw charts of %i hours', async (path, hours) => {
    const { url } = await serve({
      sources: { page: (span) => Promise.resolve(`${String(span.hours)} hours`) },
    });
    expect((await ask(url, { path })).body).toBe(`${String(hours)} hours`);
  });

  test('say 503, why and what to do when a source cannot tell', async () => {
    const { url } = await serve({ sources: { metrics: redisDown, page: redisDown } });
    const error = {
      code: 'STATE_UNAVAILABLE',
      message: 'Redis at secret-host:6379: ECONNREFUSED',
      hint: 'Check REDIS_URL.',
    };
    const metrics = await ask(url, { path: '/metrics' });
    expect(metrics.status).toBe(503);
    expect(JSON.parse(metrics.body)).toEqual({ error });
    const page = await ask(url, { path: '/' });
    expect(page.status).toBe(503);
    expect(page.headers['content-type']).toContain('text/html');
    for (const text of Object.values(error)) expect(page.body).toContain(text);
  });

  test('tell strangers who ask for the health no more than the code of an error', async () => {
    const { url } = await serve({ token: 'a-token', sources: { health: redisDown } });
    const reply = await ask(url, { path: '/healthz' });
    expect(reply.status).toBe(503);
    expect(JSON.parse(reply.body)).toEqual({ error: { code: 'STATE_UNAVAILABLE' } });
  });

  test.each(['/nothing', '/metrics/', '/healthz/../metrics', '//', '/<script>', '/__proto__'])(
    '%s is not one of them, and is not repeated',
    async (path) => {
      const { url } = await serve();
      const reply = await ask(url, { path });
      expect(reply).toMatchObject({ status: 404, body: 'There is nothing here.\n' });
      expect(reply.headers['content-type']).toContain('text/plain');
    },
  );
});

describe('methods', () => {
  test('HEAD answers as GET does, without the body', async () => {
    const { url } = await serve();
    const get = await ask(url, { path: '/status.json' });
    const head = await ask(url, { path: '/status.json', method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])(
    '%s is refused',
    async (method) => {
      const { url } = await serve();
      const reply = await ask(url, { path: '/metrics', method });
      expect(reply.status).toBe(405);
      expect(reply.headers['allow']).toBe('GET, HEAD');
    },
  );

  test('a body is not waited for', async () => {
    const { url } = await serve();
    const headers = { 'Content-Length': '1000000' };
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, path: '/metrics', method: 'POST', headers });
    sent.on('error', () => undefined);
    sent.flushHeaders();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(405);
    sent.destroy();
  });
});

describe('with a token', () => {
  const token = 'correct horse battery';
  const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });

  test.each(['/metrics', '/status.json', '/', '/unknown'])('%s needs it', async (path) => {
    const { url } = await serve({ token });
    const values = ['', 'wrong', `${token}x`, token.slice(0, -1), token.toUpperCase()];
    const wrong = [{}, ...values.map(bearer), { Authorization: token }];
    for (const headers of [...wrong, { Authorization: `Basic ${btoa(`:${token}`)}` }]) {
      const reply = await ask(url, { path, headers });
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer /);
      expect(reply.body).not.toContain('worker');
    }
    const right = await ask(url, { path, headers: bearer(token) });
    expect(right.status).toBe(path === '/unknown' ? 404 : 200);
  });

  test('/healthz is open to all', async () => {
    const { url } = await serve({ token });
    expect((await ask(url, { path: '/healthz' })).status).toBe(200);
    expect((await ask(url, { path: '/healthz?', headers: bearer('wrong') })).status).toBe(200);
  });
});

describe('people', () => {
  const token = 'correct horse, battery & staple+';
  const form = (given: string) => ({
    path: '/login',
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: given }).toString(),
  });
  const cookieOf = ({ headers }: Reply) => String(headers['set-cookie']);
  const withCookie = (cookie: string) => ({ headers: { Cookie: cookie.split(';', 1)[0] ?? '' } });

  test('get a form where the page is, then the page for twelve hours, and nothing else', async () => {
    let timeMs = nowMs;
    const { url } = await serve({ token, nowMs: () => timeMs });
    const closed = await ask(url, { path: '/' });
    expect(closed.status).toBe(401);
    expect(closed.body).toContain('<form');
    expect(closed.body).not.toContain('fine');

    const entered = await ask(url, form(token));
    expect(entered).toMatchObject({ status: 303, headers: { location: '/' } });
    const session = withCookie(cookieOf(entered));
    expect(await ask(url, { path: '/', ...session })).toMatchObject({
      status: 200,
      body: expect.stringContaining('fine') as string,
    });
    for (const path of ['/metrics', '/status.json', '/unknown'])
      expect((await ask(url, { path, ...session })).status).toBe(401);

    timeMs += 12 * 3_600_000 - 1;
    expect((await ask(url, { path: '/', ...session })).status).toBe(200);
    timeMs += 1;
    expect((await ask(url, { path: '/', ...session })).status).toBe(401);
  });

  test('find the charts of the range they asked for, also after a wrong token, and go nowhere else', async () => {
    const { url } = await serve({ token });
    const closed = await ask(url, { path: '/?hours=24' });
    expect(closed.body).toContain('action="/login?hours=24"');
    const wrong = await ask(url, { ...form('wrong'), path: '/login?hours=24' });
    expect(wrong.body).toContain('action="/login?hours=24"');
    for (const [path, location] of [
      ['/login?hours=24', '/?hours=24'],
      ['/login?hours=168', '/?hours=168'],
      ['/login?hours=//elsewhere.example', '/'],
    ] as const)
      expect(await ask(url, { ...form(token), path })).toMatchObject({
        ...{ status: 303, headers: { location } },
      });
  });

  test('keep their session in every process with that token, and in none with another', async () => {
    const [one, same, other] = await Promise.all([
      serve({ token }),
      serve({ token }),
      serve({ token: 'another' }),
    ]);
    const session = withCookie(cookieOf(await ask(one.url, form(token))));
    expect((await ask(same.url, { path: '/', ...session })).status).toBe(200);
    expect((await ask(other.url, { path: '/', ...session })).status).toBe(401);
  });

  test('get a cookie that scripts, other sites and open networks do not, and that has no token in it', async () => {
    const { url } = await serve({ token });
    const open = cookieOf(await ask(url, form(token)));
    expect(open).toMatch(
      /^backlog-autoscaler-session=\d+\.[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    const request = form(token);
    const routed = await ask(url, {
      ...request,
      headers: { ...request.headers, 'X-Forwarded-Proto': 'https' },
    });
    expect(cookieOf(routed)).toMatch(/; SameSite=Strict; Secure$/);
  });

  test('cannot make a session of their own, or a longer one', async () => {
    const { url } = await serve({ token });
    const session = cookieOf(await ask(url, form(token))).split(';', 1)[0] ?? '';
    const [, expiresAt = '', proof = ''] = /=(\d+)\.(.*)/.exec(session) ?? [];
    const longer = `${String(Number(expiresAt) + 1)}.${proof}`;
    for (const value of ['', token, expiresAt, `${expiresAt}.`, longer, `${expiresAt}.${proof}x`]) {
      const cookie = `backlog-autoscaler-session=${value}`;
      expect((await ask(url, { path: '/', ...withCookie(cookie) })).status).toBe(401);
    }
    const among = { headers: { Cookie: `a=b; ${session}; c=d` } };
    expect((await ask(url, { path: '/', ...among })).status).toBe(200);
  });

  test('leave, and the browser forgets', async () => {
    const { url } = await serve({ token });
    const left = await ask(url, { path: '/logout', method: 'POST' });
    expect(left).toMatchObject({ status: 303, headers: { location: '/' } });
    expect(cookieOf(left)).toMatch(/^backlog-autoscaler-session=; Path=\/; Max-Age=0; /);
    for (const path of ['/login', '/logout'])
      expect(await ask(url, { path })).toMatchObject({ status: 303, headers: { location: '/' } });
  });

  test.each(['', 'wrong', '<b>wrong</b>', `${token}x`, 'x'.repeat(500)])(
    'who give %j are told no, and nothing is repeated',
    async (given) => {
      const { url } = await serve({ token });
      const reply = await ask(url, form(given));
      expect(reply.status).toBe(401);
      expect(reply.headers['set-cookie']).toBeUndefined();
      expect(reply.body).toContain('That is not the METRICS_TOKEN.');
      if (given !== '') expect(reply.body).not.toContain(given);
    },
  );

  test('who guess have to wait after ten wrong tokens, with the right one too, and then may go on', async () => {
    let timeMs = nowMs;
    const { url } = await serve({ token, nowMs: () => timeMs });
    for (let guess = 0; guess < 10; guess += 1)
      expect((await ask(url, form(`guess ${String(guess)}`))).status).toBe(401);
    const refused = await ask(url, form(token));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '6' } });
    expect(
      (await ask(url, { path: '/', headers: { Authorization: `Bearer ${token}` } })).status,
    ).toBe(200);
    timeMs += 6_000;
    expect((await ask(url, form(token))).status).toBe(303);
    // A clock that is set back far keeps nobody out for longer.
    expect((await ask(url, form('wrong'))).status).toBe(401);
    timeMs -= 3_600_000;
    expect((await ask(url, form(token))).status).toBe(429);
    timeMs += 6_000;
    expect((await ask(url, form(token))).status).toBe(303);
  });

  test('cannot send more than a token', async () => {
    const { url } = await serve({ token });
    const reply = await ask(url, form('x'.repeat(3_000)));
    expect(reply.status).toBe(413);
    const { hostname, port } = new URL(url);
    const endless = request({ hostname, port, path: '/login', method: 'POST' });
    endless.on('error', () => undefined);
    const ended = once(endless, 'close');
    endless.write(`token=${'x'.repeat(100_000)}`);
    await ended;
    expect((await ask(url, { path: '/healthz' })).status).toBe(200);
  });

  test('who send their token too slowly, or go away, are cut off', async () => {
    const { server, url } = await serve({ token });
    const head = 'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=';
    const slow = connect(server.port, '127.0.0.1');
    const gone = connect(server.port, '127.0.0.1');
    const ended = [slow, gone].map(untilEnded);
    slow.write(head);
    gone.write(head, () => gone.destroy());
    await Promise.all(ended);
    expect((await ask(url, { path: '/healthz' })).status).toBe(200);
  });

  test('need no door where there is no token', async () => {
    const { url } = await serve();
    expect((await ask(url, form('anything'))).status).toBe(405);
    expect((await ask(url, { path: '/login' })).status).toBe(404);
  });
});

describe('protection', () => {
  test('every answer forbids guessing, caching, framing and running anything', async () => {
    const { url } = await serve({ token: 'a-token' });
    const requests = [
      { path: '/' },
      { path: '/', headers: { Authorization: 'Bearer a-token' } },
      { path: '/none', headers: { Authorization: 'Bearer a-token' } },
      { path: '/healthz', method: 'POST' },
    ];
    for (const asked of requests) {
      const { headers } = await ask(url, asked);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        connection: 'close',
      });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
    }
  });

  test('a head that is too large is refused', async () => {
    const { url } = await serve();
    const reply = await ask(url, { path: '/healthz', headers: { 'X-Filler': 'x'.repeat(9_000) } });
    expect(reply.status).toBe(431);
  });

  test('a client that never finishes its request is cut off', async () => {
    const { server } = await serve();
    const silent = connect(server.port, '127.0.0.1');
    const slow = connect(server.port, '127.0.0.1');
    await Promise.all([once(silent, 'connect'), once(slow, 'connect')]);
    slow.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    await Promise.all([silent, slow].map(untilEnded));
  });

  test('closing does not wait for clients that hang', async () => {
    let asked: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const metrics = () => {
      asked?.();
      return new Promise<never>(() => undefined);
    };
    const { server } = await serve({ sources: { metrics } });
    const hanging = connect(server.port, '127.0.0.1');
    const ended = untilEnded(hanging);
    hanging.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    await arrived;
    await server.close();
    await ended;
    servers.splice(0);
  });

  test('a host keeps all other addresses of the machine closed', async () => {
    const { server } = await serve();
    const elsewhere = connect(server.port, '127.0.0.2');
    await expect(once(elsewhere, 'connect')).rejects.toThrow();
  });

  test('a port that is taken is a matter of configuration', async () => {
    const { server } = await serve();
    const second = startServer({
      port: server.port,
      host: '127.0.0.1',
      token: null,
      nowMs: () => nowMs,
      sources: answering,
    });
    await expect(second).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

function untilEnded(socket: Socket): Promise<void> {
  // How it ends, with a reset or in order, does not matter.
  socket.on('error', () => undefined);
  socket.resume();
  return new Promise((resolve) =>
    socket.once('close', () => {
      resolve();
    }),
  );
}

describe('nonsense', () => {
  test.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00', 400],
    ['a request line without an end', `GET /${'x'.repeat(20_000)}`, 431],
    [
      'an expectation that nobody can meet',
      'GET /none HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n',
      404,
    ],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['an address that is too long', `GET /${'y'.repeat(3_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
    ['a way out of here', 'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ])(
    '%j is answered with the headers that protect, and is not repeated',
    async (_what, bytes, status) => {
      const { server } = await serve();
      const socket = connect(server.port, '127.0.0.1');
      let told = '';
      socket.on('data', (chunk) => (told += chunk.toString('latin1')));
      const ended = untilEnded(socket);
      socket.write(bytes, 'latin1');
      await ended;
      expect(told).toMatch(new RegExp(`^HTTP/1.1 ${String(status)} `));
      expect(told).toContain('X-Content-Type-Options: nosniff');
      expect(told).toContain('X-Frame-Options: DENY');
      expect(told).toContain("default-src 'none'");
      expect(told).not.toMatch(/xxx|yyy|wonders|passwd/);
    },
  );

  test('a client that dribbles its request is cut off although it never pauses', async () => {
    const { server } = await serve();
    const socket = connect(server.port, '127.0.0.1');
    const ended = untilEnded(socket);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    const timer = setInterval(() => socket.write('X-Drop: 1\r\n'), 200);
    await ended;
    clearInterval(timer);
  });

  test('more connections than can be held are closed, and do not end the service', async () => {
    const { server, url } = await serve();
    const many = Array.from({ length: 260 }, () => connect(server.port, '127.0.0.1'));
    const ended = many.map(untilEnded);
    await Promise.all(ended);
    expect((await ask(url, { path: '/healthz' })).status).toBe(200);
  });
});
