import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHerokuStage, type HerokuStage } from '../support/heroku-stage.ts';
import { jsonFault, type Fault } from '../support/scripted-heroku.ts';

const soon = () => AbortSignal.timeout(25_000);
const unavailable = { code: 'TARGET_UNAVAILABLE' };

describe('a network or a Heroku in trouble', () => {
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage()));
  afterEach(() => stage.stop());
  const methods = () => stage.heroku.requests.map(({ method }) => method);
  const html = (status: number): Fault => ({ kind: 'reply', status, body: '<h1>Sorry</h1>' });

  it.each([
    ['a connection that breaks', { kind: 'reset' } as const],
    ['an error 500', jsonFault(500, { id: 'internal' })],
    ['an error 503 in HTML', html(503)],
  ])('that has passed a moment later is not noticed: %s', async (_what, fault) => {
    stage.heroku.script(fault);
    expect(await stage.target.currentWorkers(0, soon())).toBe(2);
    expect(methods()).toEqual(['GET', 'GET']);
  });

  it('is asked once more and no more', async () => {
    stage.heroku.always(html(502));
    await expect(stage.target.currentWorkers(0, soon())).rejects.toMatchObject(unavailable);
    expect(methods()).toEqual(['GET', 'GET']);
    expect(stage.replies.map(({ status }) => status)).toEqual([502, 502]);
  });

  it('does not keep a change from being made when the connection breaks at once', async () => {
    stage.heroku.script({ kind: 'reset' });
    expect(await stage.target.scaleTo(5, soon())).toEqual({ kind: 'scaled', workers: 5 });
    expect(methods()).toEqual(['PATCH', 'PATCH']);
  });

  it('has a change wait for the next tick when the process was stopped before it could be repeated', async () => {
    stage.heroku.script({ kind: 'reset' });
    const scaling = stage.target.scaleTo(5, soon()).catch((error: unknown) => error);
    while (stage.heroku.requests.length === 0) await sleep(10);
    await sleep(50);
    // As if it were stopped and woken: whatever permitted the change may be another daemon's by now.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    expect(await scaling).toMatchObject(unavailable);
    expect(methods()).toEqual(['PATCH']);
  });

  it('does not harm when the change was made but not confirmed: the number is absolute', async () => {
    stage.heroku.script({ kind: 'reset-after-obeying' });
    expect(await stage.target.scaleTo(5, soon())).toEqual({ kind: 'scaled', workers: 5 });
    expect(stage.heroku.formation['worker']?.quantity).toBe(5);
  });

  it('has a change that was answered with an error wait for the next tick', async () => {
    stage.heroku.script(html(503));
    await expect(stage.target.scaleTo(5, soon())).rejects.toMatchObject(unavailable);
    expect(methods()).toEqual(['PATCH']);
    expect(stage.heroku.formation['worker']?.quantity).toBe(2);
  });

  it.each([
    ['never answers', { kind: 'hang' } as const],
    ['drips its answer', { kind: 'drip', status: 200 } as const],
    ['drips an error', { kind: 'drip', status: 500 } as const],
  ])('is given up with the tick when Heroku %s', async (_what, fault) => {
    stage.heroku.always(fault);
    const tick = () => AbortSignal.timeout(300);
    await expect(stage.target.currentWorkers(0, tick())).rejects.toMatchObject(unavailable);
    await expect(stage.target.scaleTo(5, tick())).rejects.toMatchObject(unavailable);
    expect(methods()).toEqual(['GET', 'PATCH']);
  });

  it.each([
    ['hangs', { kind: 'hang' } as const],
    ['drips', { kind: 'drip', status: 200 } as const],
  ])(
    'is asked once more when the first answer %s, but a change is not, its permission being old',
    async (_what, fault) => {
      stage.heroku.script(fault, fault);
      const [reading, scaling] = await Promise.allSettled([
        stage.account.formation('demo', soon()),
        stage.account.scale('demo', 'worker', 5, soon()),
      ]);
      expect(reading).toMatchObject({ status: 'fulfilled', value: [{}, { quantity: 2 }] });
      expect(scaling).toMatchObject({ status: 'rejected', reason: unavailable });
      expect(methods().toSorted()).toEqual(['GET', 'GET', 'PATCH']);
    },
  );

  it('is not asked again when the tick ends in between', async () => {
    const tick = new AbortController();
    stage.heroku.script(html(503));
    const reading = stage.target.currentWorkers(0, tick.signal);
    while (stage.replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    tick.abort();
    await expect(reading).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('503') as string,
    });
    expect(methods()).toEqual(['GET']);
  });
});

describe('an address where Heroku is not', () => {
  const read = async (apiUrl: string, signal: AbortSignal) => {
    const stage = await startHerokuStage({ apiUrl });
    return stage.target.currentWorkers(0, signal).finally(() => stage.stop());
  };

  /** A server that speaks no HTTP, if anything. */
  async function withServer(
    onConnection: (socket: Socket) => void,
    work: (port: string) => Promise<void>,
  ): Promise<void> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      onConnection(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await work(String((server.address() as AddressInfo).port)).finally(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }

  it('is named when nobody listens there', async () => {
    let freed = '';
    await withServer(
      () => undefined,
      (port) => {
        freed = port;
        return Promise.resolve();
      },
    );
    await expect(read(`http://127.0.0.1:${freed}`, soon())).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining(`127.0.0.1:${freed}`) as string,
      hint: expect.stringContaining('HEROKU_API_URL') as string,
    });
  });

  it('is named when the name does not exist', async () => {
    await expect(read('http://heroku.invalid', soon())).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('heroku.invalid') as string,
      hint: expect.stringContaining('HEROKU_API_URL') as string,
    });
  });

  it('is given up with the tick when a connection is never completed', async () => {
    // A server that accepts but never greets keeps the TLS handshake, and so the connecting, waiting.
    await withServer(
      () => undefined,
      async (port) => {
        const tick = AbortSignal.timeout(300);
        const started = read(`https://127.0.0.1:${port}`, tick);
        await expect(started).rejects.toMatchObject(unavailable);
      },
    );
  });

  it.each([
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['breaks off within its headers', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['breaks off within its body', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[{"type":'],
  ])('is unavailable when what answers %s', async (_what, bytes) => {
    await withServer(
      (socket) => {
        socket.once('data', () => socket.end(bytes));
      },
      async (port) => {
        await expect(read(`http://127.0.0.1:${port}`, soon())).rejects.toMatchObject(unavailable);
      },
    );
  });

  it('may have a path and a slash at its end', async () => {
    let asked = '';
    await withServer(
      (socket) => {
        socket.once('data', (bytes) => {
          asked = String(bytes).split('\r\n', 1).join();
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]');
        });
      },
      async (port) => {
        expect(await read(`http://127.0.0.1:${port}/proxy/`, soon())).toBe(0);
      },
    );
    expect(asked).toBe('GET /proxy/apps/demo/formation HTTP/1.1');
  });
});
