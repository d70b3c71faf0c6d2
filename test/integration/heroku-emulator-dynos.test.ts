import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';

import { startTestHeroku, type TestHeroku } from '../support/heroku-emulator.ts';

const waiting = { timeout: 15_000, interval: 20 };

/** What dynos run here; each says so when it is ready to be judged. */
const scripts = {
  'obedient.js': `
    process.on('SIGTERM', () => { console.log('bye'); process.exit(0); });
    setInterval(() => {}, 1000);
    console.log('ready', process.env.DYNO, process.env.GREETING, process.env.PORT);`,
  'stubborn.js': `
    process.on('SIGTERM', () => console.log('not yet'));
    setInterval(() => {}, 1000);
    console.log('ready');`,
  'crashing.js': `console.log('oh'); process.exit(3);`,
  // A command that ends at once on SIGTERM, with a child that needs a moment more.
  'family.js': `
    const child = require('node:child_process').fork('slow-child.js');
    child.on('message', () => console.log('ready', child.pid));
    process.on('SIGTERM', () => process.exit(0));`,
  'slow-child.js': `
    process.on('SIGTERM', () => setTimeout(() => { console.log('child finished'); process.exit(0); }, 300));
    process.on('disconnect', () => {});
    setInterval(() => {}, 1000);
    process.send('ready');`,
  'reluctant.js': `
    const child = require('node:child_process').fork('stubborn.js');
    process.on('SIGTERM', () => process.exit(0));`,
  'orphaning.js': `
    const child = require('node:child_process').fork('slow-child.js');
    child.on('message', () => { console.log('ready', child.pid); setTimeout(() => process.exit(1), 100); });`,
};

const procfile = Object.keys(scripts)
  .map((name) => `${name.replace('.js', '')}: node ${name}`)
  .concat('web: node obedient.js', 'worker: node obedient.js', 'compound: true && node family.js')
  .join('\n');

async function start(
  quantities: Record<string, number>,
  options: Parameters<typeof startTestHeroku>[0] = {},
): Promise<TestHeroku> {
  const formation = Object.fromEntries(
    Object.entries(quantities).map(([type, quantity]) => [type, { quantity }]),
  );
  return startTestHeroku({ scripts, procfile, formation, ...options });
}

async function untilReady(heroku: TestHeroku, count = 1): Promise<void> {
  await vi.waitFor(() => {
    expect(heroku.lines.filter((line) => line.includes(': ready'))).toHaveLength(count);
  }, waiting);
}

async function untilLogged(heroku: TestHeroku, line: string): Promise<void> {
  await vi.waitFor(() => {
    expect(heroku.lines).toContain(line);
  }, waiting);
}

const names = async (heroku: TestHeroku) => {
  const { body } = await heroku.call('GET', '/apps/demo/dynos');
  return (body as { name: string }[]).map(({ name }) => name);
};
const linesOf = (heroku: TestHeroku, source: string) =>
  heroku.lines
    .filter((line) => line.startsWith(`${source}: `))
    .map((line) => line.slice(source.length + 2));
const pids = (heroku: TestHeroku) => heroku.livingDynos().flatMap(({ pid }) => pid ?? []);

/** A process that has ended, but whose parent has not asked for its status yet, is not alive. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${String(pid)}/stat`;
  return !existsSync(status) || !/\) Z /.test(readFileSync(status, 'utf8'));
}

/** Of the child that a `family` or `orphaning` dyno has started. */
function childPid(heroku: TestHeroku): number {
  const line = heroku.lines.find((candidate) => candidate.includes(': ready'));
  return Number(line?.split(' ').at(-1));
}

describe('a dyno', () => {
  it('runs its command with its name, the config vars, and a port when it is web', async () => {
    const heroku = await start({ worker: 1, web: 1 }, { env: { GREETING: 'hello' } });
    await untilReady(heroku, 2);
    const web = heroku.livingDynos().find(({ plan }) => plan.type === 'web');
    expect(linesOf(heroku, 'app[worker.1]')).toEqual(['ready worker.1 hello undefined']);
    expect(linesOf(heroku, 'app[web.1]')).toEqual([`ready web.1 hello ${String(web?.port)}`]);
    expect(web?.port).toBeGreaterThan(0);
    expect(linesOf(heroku, 'heroku[worker.1]')).toEqual([
      'Starting process with command `node obedient.js`',
      'State changed from starting to up',
    ]);
    expect((await heroku.call('GET', '/apps/demo/dynos/web.1')).body).toMatchObject({
      state: 'up',
    });
  });

  it('ends as its command does on SIGTERM', async () => {
    const heroku = await start({ worker: 1 });
    await untilReady(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/worker', { quantity: 0 });
    await untilLogged(heroku, 'heroku[worker.1]: Process exited with status 0');
    expect(heroku.lines.slice(-5)).toEqual([
      'heroku[worker.1]: State changed from up to down',
      'app[api]: Scaled to worker@0:Standard-1X by user developer@example.com',
      'heroku[worker.1]: Stopping all processes with SIGTERM',
      'app[worker.1]: bye',
      'heroku[worker.1]: Process exited with status 0',
    ]);
    expect(heroku.usage().killedDynos).toBe(0);
  });

  it('is killed when it takes longer than the grace', async () => {
    const heroku = await start({ stubborn: 1 }, { killGraceSeconds: 0.5 });
    await untilReady(heroku);
    const [pid = 0] = pids(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/stubborn', { quantity: 0 });
    await untilLogged(heroku, 'app[stubborn.1]: not yet');
    expect(isAlive(pid)).toBe(true);
    await untilLogged(heroku, 'heroku[stubborn.1]: Process exited with status 137');
    expect(isAlive(pid)).toBe(false);
    expect(linesOf(heroku, 'heroku[stubborn.1]').slice(-4)).toEqual([
      'Stopping all processes with SIGTERM',
      'Error R12 (Exit timeout) -> At least one process failed to exit within 0.5 seconds of SIGTERM',
      'Stopping remaining processes with SIGKILL',
      'Process exited with status 137',
    ]);
    await vi.waitFor(() => {
      expect(heroku.usage().killedDynos).toBe(1);
    }, waiting);
  });

  it.each(['family', 'compound'])(
    'lets every process of %s finish, not its command alone',
    async (type) => {
      const heroku = await start({ [type]: 1 });
      await untilReady(heroku);
      const child = childPid(heroku);
      await heroku.call('PATCH', `/apps/demo/formation/${type}`, { quantity: 0 });
      await vi.waitFor(() => {
        expect(heroku.lines.at(-1)).toMatch('Process exited with status');
      }, waiting);
      expect(heroku.lines).toContain(`app[${type}.1]: child finished`);
      expect(isAlive(child)).toBe(false);
      expect(heroku.usage().killedDynos).toBe(0);
    },
  );

  it('is killed for one of its processes, even when its command has ended in time', async () => {
    const heroku = await start({ reluctant: 1 }, { killGraceSeconds: 0.5 });
    await untilReady(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/reluctant', { quantity: 0 });
    await untilLogged(heroku, 'heroku[reluctant.1]: Process exited with status 137');
    expect(heroku.lines).toContain('app[reluctant.1]: not yet');
    expect(heroku.lines).toContain(
      'heroku[reluctant.1]: Stopping remaining processes with SIGKILL',
    );
  });

  it('takes with it what a command that crashes leaves behind', async () => {
    const heroku = await start({ orphaning: 1 });
    await untilLogged(heroku, 'heroku[orphaning.1]: State changed from up to crashed');
    await vi.waitFor(() => {
      expect(isAlive(childPid(heroku))).toBe(false);
    }, waiting);
  });
});

describe('scaling', () => {
  it('removes the highest numbers, which are gone at once while their processes shut down', async () => {
    const heroku = await start({ stubborn: 4 });
    await untilReady(heroku, 4);
    await heroku.call('PATCH', '/apps/demo/formation/stubborn', { quantity: 2 });
    expect((await names(heroku)).sort()).toEqual(['stubborn.1', 'stubborn.2']);
    const leaving = heroku.livingDynos().filter(({ state }) => state === 'down');
    expect(leaving.map(({ plan }) => plan.name).sort()).toEqual(['stubborn.3', 'stubborn.4']);
    expect(leaving.every(({ pid }) => pid !== null && isAlive(pid))).toBe(true);
    const downs = heroku.lines.filter((line) => line.endsWith('from up to down'));
    expect(downs).toEqual([
      'heroku[stubborn.4]: State changed from up to down',
      'heroku[stubborn.3]: State changed from up to down',
    ]);
  });

  it('fills the lowest free numbers, without a touch to those that run', async () => {
    const heroku = await start({ worker: 1 });
    await untilReady(heroku);
    const before = pids(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/worker', { quantity: 3 });
    await untilReady(heroku, 3);
    expect((await names(heroku)).sort()).toEqual(['worker.1', 'worker.2', 'worker.3']);
    expect(pids(heroku)).toEqual(expect.arrayContaining(before));
  });

  it('changes nothing when the quantity is the same', async () => {
    const heroku = await start({ worker: 2 });
    await untilReady(heroku, 2);
    const before = pids(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/worker', { quantity: 2 });
    expect(pids(heroku)).toEqual(before);
  });

  it('replaces the dynos when the size changes', async () => {
    const heroku = await start({ worker: 1 });
    await untilReady(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/worker', { size: 'standard-2x' });
    await untilReady(heroku, 2);
    const { body } = await heroku.call('GET', '/apps/demo/dynos');
    expect(body).toMatchObject([{ name: 'worker.1', size: 'Standard-2X' }]);
  });

  it('never starts a process that is no longer wanted when it would', async () => {
    const heroku = await start({ worker: 1 }, { bootSeconds: [0.3, 0.3] });
    await heroku.call('PATCH', '/apps/demo/formation/worker', { quantity: 0 });
    await vi.waitFor(() => {
      expect(heroku.livingDynos()).toEqual([]);
    }, waiting);
    expect(linesOf(heroku, 'heroku[worker.1]')).toEqual(['State changed from starting to down']);
  });

  it('counts dyno-seconds until the process has ended', async () => {
    const heroku = await start({ stubborn: 1 }, { killGraceSeconds: 0.5 });
    await untilReady(heroku);
    await heroku.call('PATCH', '/apps/demo/formation/stubborn', { quantity: 0 });
    const { stubborn: whenScaled = 0 } = heroku.usage().dynoSeconds;
    await vi.waitFor(() => {
      expect(heroku.livingDynos()).toEqual([]);
    }, waiting);
    const { stubborn: whenEnded = 0 } = heroku.usage().dynoSeconds;
    expect(whenEnded - whenScaled).toBeGreaterThan(0.4);
    expect(heroku.usage().dynoSeconds).toEqual({ stubborn: whenEnded });
  });
});

describe('restarts', () => {
  it('start the new dyno of a deploy while the old one of the same name shuts down', async () => {
    const heroku = await start({ stubborn: 1 });
    await untilReady(heroku);
    const [old] = pids(heroku);
    heroku.deploy();
    await untilReady(heroku, 2);
    expect(heroku.livingDynos()).toMatchObject([
      { plan: { name: 'stubborn.1', release: { version: 1 } }, state: 'down', pid: old },
      { plan: { name: 'stubborn.1', release: { version: 2 } }, state: 'up' },
    ]);
    expect(await names(heroku)).toEqual(['stubborn.1']);
    expect(linesOf(heroku, 'heroku[stubborn.1]')).toContain('State changed from up to starting');
  });

  it('give new config vars to the processes', async () => {
    const heroku = await start({ worker: 1 }, { env: { GREETING: 'hello' } });
    await untilReady(heroku);
    await heroku.call('PATCH', '/apps/demo/config-vars', { GREETING: 'goodbye' });
    await untilLogged(heroku, 'app[worker.1]: ready worker.1 goodbye undefined');
  });

  it.each([
    ['DELETE', '/dynos/worker.1', ['worker.1']],
    ['POST', '/dynos/worker.1/actions/stop', ['worker.1']],
    ['DELETE', '/formations/worker', ['worker.1', 'worker.2']],
    ['POST', '/formations/worker/actions/stop', ['worker.1', 'worker.2']],
    ['DELETE', '/dynos', ['web.1', 'worker.1', 'worker.2']],
  ])('follow %s %s', async (method, path, expected) => {
    const heroku = await start({ worker: 2, web: 1 });
    await untilReady(heroku, 3);
    const reply = await heroku.call(method, `/apps/demo${path}`);
    expect(reply).toMatchObject({ status: 202, body: {} });
    await untilReady(heroku, 3 + expected.length);
    const restarted = heroku.lines.filter((line) => line.endsWith(': Restarting'));
    expect(restarted.sort()).toEqual(expected.map((name) => `heroku[${name}]: Restarting`));
    expect((await names(heroku)).sort()).toEqual(['web.1', 'worker.1', 'worker.2']);
  });

  it('follow the first crash at once, and the second after a while', async () => {
    const heroku = await start({ crashing: 1 });
    await vi.waitFor(() => {
      expect(linesOf(heroku, 'app[crashing.1]')).toEqual(['oh', 'oh']);
    }, waiting);
    await vi.waitFor(async () => {
      const { body } = await heroku.call('GET', '/apps/demo/dynos');
      expect(body).toMatchObject([{ name: 'crashing.1', state: 'crashed' }]);
    }, waiting);
    expect(linesOf(heroku, 'heroku[crashing.1]').slice(2, 5)).toEqual([
      'Process exited with status 3',
      'State changed from up to crashed',
      'State changed from crashed to starting',
    ]);
    await sleep(300);
    expect(linesOf(heroku, 'app[crashing.1]')).toEqual(['oh', 'oh']);
    await heroku.call('PATCH', '/apps/demo/formation/crashing', { quantity: 0 });
    expect(await names(heroku)).toEqual([]);
  });
});

describe('a one-off dyno', () => {
  it('runs once, with variables of its own', async () => {
    const heroku = await start({}, { env: { GREETING: 'hello' } });
    const created = await heroku.call('POST', '/apps/demo/dynos', {
      command: 'echo "$GREETING $WHOM"',
      env: { WHOM: 'world' },
    });
    expect(created.status).toBe(201);
    const name = expect.stringMatching(/^run\.\d{4}$/) as unknown;
    expect(created.body).toMatchObject({ name, type: 'run', state: 'starting' });
    const source = `[${(created.body as { name: string }).name}]`;
    await untilLogged(heroku, `heroku${source}: State changed from up to complete`);
    expect(linesOf(heroku, `app${source}`)).toEqual(['hello world']);
    await vi.waitFor(async () => {
      expect(await names(heroku)).toEqual([]);
    }, waiting);
  });

  it('ends when its time is over, or when it is stopped', async () => {
    const heroku = await start({});
    const run = (more: object) =>
      heroku.call('POST', '/apps/demo/dynos', { command: 'sleep 60', ...more });
    await run({ time_to_live: 1 });
    await vi.waitFor(async () => {
      expect(await names(heroku)).toEqual([]);
    }, waiting);
    const { name } = (await run({})).body as { name: string };
    await heroku.call('POST', `/apps/demo/dynos/${name}/actions/stop`);
    expect(await names(heroku)).toEqual([]);
    await vi.waitFor(() => {
      expect(heroku.livingDynos()).toEqual([]);
    }, waiting);
  });

  it('is refused above the limit of its size', async () => {
    const heroku = await start({}, { bootSeconds: [3_600, 3_600] });
    const run = () =>
      heroku.call('POST', '/apps/demo/dynos', { command: 'true', size: 'performance-m' });
    for (let count = 1; count <= 5; count++) expect((await run()).status).toBe(201);
    expect(await run()).toMatchObject({
      status: 422,
      body: { id: 'cannot_run_above_limit', limit: 5 },
    });
  });
});

describe('the end', () => {
  it('leaves no process, whatever state it was in, and serves no more', async () => {
    const quantities = { family: 1, stubborn: 2, worker: 1, crashing: 1 };
    const heroku = await start(quantities, { killGraceSeconds: 3_600 });
    await untilReady(heroku, 4);
    const all = [...pids(heroku), Number(/ready (\d+)/.exec(heroku.lines.join('\n'))?.[1])];
    // One that is shutting down, and one that has not started yet.
    await heroku.call('PATCH', '/apps/demo/formation/stubborn', { quantity: 1 });
    await heroku.call('PATCH', '/apps/demo/formation/worker', { quantity: 2 });
    expect(all.filter(isAlive).length).toBeGreaterThanOrEqual(5);
    await heroku.close();
    await vi.waitFor(() => {
      expect(all.filter(isAlive)).toEqual([]);
    }, waiting);
    expect(heroku.livingDynos()).toEqual([]);
    await expect(heroku.call('GET', '/apps/demo')).rejects.toThrow('fetch failed');
  });

  it('hangs up on clients in the middle of a request', async () => {
    const heroku = await start({});
    const socket = connect(Number(new URL(heroku.url).port), '127.0.0.1');
    socket.write('PATCH /apps/demo HTTP/1.1\r\nHost: heroku\r\nContent-Length: 99\r\n\r\n{');
    await sleep(50);
    const hungUp = once(socket, 'close');
    await heroku.close();
    await hungUp;
  });

  it('comes with the end of the process that serves', async () => {
    const before = process.listeners('exit');
    const heroku = await start({ stubborn: 1 });
    await untilReady(heroku);
    const [pid = 0] = pids(heroku);
    const added = process.listeners('exit').filter((listener) => !before.includes(listener));
    for (const listener of added) listener(0);
    await vi.waitFor(() => {
      expect(isAlive(pid)).toBe(false);
    }, waiting);
    await heroku.close();
    expect(process.listeners('exit')).toEqual(before);
  });

  it('leaves nothing behind when it cannot even begin', async () => {
    const port = await freePort();
    const listeners = process.listeners('exit');
    await expect(start({ nosuch: 1 }, { port })).rejects.toThrow("Couldn't find that formation.");
    expect(process.listeners('exit')).toEqual(listeners);
    const first = await start({}, { port });
    expect(first.url).toBe(`http://127.0.0.1:${String(port)}`);
    await expect(start({ worker: 1 }, { port })).rejects.toThrow('EADDRINUSE');
  });
});
