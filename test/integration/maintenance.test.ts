import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { prepare } from '../../src/commands/maintenance/begin.ts';
import { parseChoices } from '../../src/commands/maintenance/choices.ts';
import { conduct } from '../../src/commands/maintenance/conduct.ts';
import { openSite, type ScaledPool } from '../../src/commands/maintenance/open-site.ts';
import { overrides } from '../../src/commands/overrides.ts';
import { pause } from '../../src/commands/pause.ts';
import { restart } from '../../src/commands/restart.ts';
import { set } from '../../src/commands/set.ts';
import { loadConfig } from '../../src/config/load.ts';
import { marksKey } from '../../src/drain/protocol.ts';
import {
  createJournalStore,
  stepNames,
  type Journal,
  type JournalStore,
} from '../../src/maintenance/journal.ts';
import type { PoolSite, Site } from '../../src/maintenance/site.ts';
import { startMaintenanceStage, type MaintenanceStage } from '../support/maintenance-stage.ts';
import { until } from '../support/pool.ts';

/** A process that was killed: nothing of it catches this. */
class Killed extends Error {}

/** Kills the first process that comes to a place, and lets every later one pass. */
function createKiller() {
  const places = new Set<string>();
  return {
    places,
    at(place: string) {
      if (places.has(place)) return;
      places.add(place);
      throw new Killed(place);
    },
  };
}
type Killer = ReturnType<typeof createKiller>;

/** A site at which a process dies right after each thing it does, before that can be noted. */
function deadly(site: Site, killer: Killer, step: () => string, done: string[]): Site {
  async function dying(what: string, work: Promise<void>): Promise<void> {
    await work;
    done.push(what);
    killer.at(`${step()}: ${what}`);
  }
  const pool = (own: PoolSite): PoolSite => ({
    ...own,
    async scaleTo(workers, signal) {
      const result = await own.scaleTo(workers, signal);
      await dying(`scale to ${String(workers)}`, Promise.resolve());
      return result;
    },
    overrides: {
      ...own.overrides,
      pause: (...words) => dying('pause', own.overrides.pause(...words)),
      resume: (...words) => dying('resume', own.overrides.resume(...words)),
    },
    board: { ...own.board, mark: (...words) => dying('mark', own.board.mark(...words)) },
  });
  const { operator } = site;
  return {
    ...site,
    pools: () => site.pools().map(pool),
    operator: {
      ...operator,
      setAppMaintenance: (app, isOn, signal) =>
        dying(isOn ? 'close app' : 'open app', operator.setAppMaintenance(app, isOn, signal)),
      runDataMaintenance: (...words) => dying('maintain', operator.runDataMaintenance(...words)),
    },
  };
}

/** A journal whose process dies right before each thing that it would note. */
function deadlyStore(store: JournalStore, killer: Killer, found: Journal): JournalStore {
  let last = found;
  return {
    ...store,
    async write(next) {
      const names = Object.keys(next) as (keyof Journal)[];
      const changed = names
        .filter((name) => !['writer', 'entries'].includes(name))
        .filter((name) => JSON.stringify(next[name]) !== JSON.stringify(last[name]));
      killer.at(`before noting ${next.phase} ${next.step} ${changed.join(' ')}`);
      await store.write(next);
      last = next;
    },
  };
}

function siteOf(stage: MaintenanceStage): Site {
  const config = loadConfig(stage.environment, () => '');
  return openSite(config.pools as unknown as [ScaledPool], config, stage.surroundings());
}

test('a process that dies after anything it did, before that is noted, is followed by one that goes on, and nothing is done twice', async () => {
  let seenAtWork = -1;
  const stage: MaintenanceStage = await startMaintenanceStage({
    seconds: 1,
    failOver() {
      seenAtWork = stage.heroku.livingDynos().length;
      return Promise.resolve(stage.environment['REDIS_URL'] ?? '');
    },
  });
  stage.joinPool();
  await stage.execute(pause, [], { options: { for: '6h' } });
  const choices = parseChoices(['run'], { redis: 'REDIS', 'app-maintenance': true });
  if ('problems' in choices) throw new Error(choices.problems.join());
  const before = siteOf(stage);
  const prepared = prepare(
    before,
    stage.environment['REDIS_URL'] ?? '',
    choices,
    stage.surroundings(),
  );
  const begun = await prepared;
  await before.close();
  if ('problems' in begun) throw new Error(begun.problems.join());

  const killer = createKiller();
  const done: string[] = [];
  /** One process, until it is killed or has got to the end. */
  async function live(first: Journal): Promise<string> {
    const site = siteOf(stage);
    const { journalPath: path } = stage;
    const store = createJournalStore({ path, app: 'demo', redis: () => site.stateRedis() });
    const found = (await store.load()) ?? first;
    let at = found;
    const noting: JournalStore = {
      ...store,
      async write(next) {
        await store.write(next);
        at = next;
      },
    };
    try {
      const { outcome } = await conduct(
        found,
        {
          site: deadly(site, killer, () => `${at.phase} ${at.step}`, done),
          store: deadlyStore(noting, killer, found),
          ...{ writer: String(killer.places.size), killGraceMs: 2_000, isForced: false },
          ...{ verb: 'run', tell: () => undefined },
        },
        stage.surroundings(),
      );
      return outcome;
    } catch (error) {
      if (error instanceof Killed) return 'killed';
      throw error;
    } finally {
      await site.close();
    }
  }
  let outcome: string;
  do outcome = await live(begun);
  while (outcome === 'killed');
  expect(outcome).toBe('finished');

  const places = [...killer.places];
  for (const step of stepNames)
    expect(places).toContainEqual(expect.stringMatching(`before noting (down|up) ${step} .*step`));
  expect(places).toEqual(
    expect.arrayContaining([
      ...['down pause: pause', 'down close-app: close app', 'down drain: mark'],
      ...['down scale-to-zero: scale to 0', 'down run-maintenance: maintain'],
      ...['up find-redis: pause', 'up restore-workers: scale to 2', 'up resume: mark'],
      ...['up resume: pause', 'up open-app: open app'],
    ]),
  );
  expect(done.filter((what) => !['pause', 'mark'].includes(what))).toEqual([
    ...['close app', 'scale to 0', 'maintain', 'scale to 2', 'open app'],
  ]);
  expect(seenAtWork).toBe(0);
  expect(stage.workers()).toBe(2);
  expect(await stage.admin.hlen(marksKey('worker'))).toBe(0);
  expect((await stage.execute(overrides, [])).stdout).toMatch(/paused by (?!maintenance)/);
  expect(await stage.refusals()).toEqual([]);
});

test('maintenance, restart and the overrides need no more of Redis than the guide permits', async () => {
  const stage = await startMaintenanceStage();
  stage.joinPool();
  const ran = await stage.maintain('run', { options: { redis: 'REDIS' } });
  expect(ran.stdout).toBe('Done: everything is as it was before (worker 2).\n');
  const restarted = await stage.execute(restart, []);
  expect(restarted.stdout).toMatch(/^worker: 2 of 2 dynos restarted\n/);
  for (const [command, words] of [
    [pause, []],
    [set, ['minWorkers=2']],
    [overrides, []],
  ] as const)
    expect((await stage.execute(command, words)).exitCode).toBe(0);
  expect(await stage.refusals()).toEqual([]);
});

test('begin tells how it stands at zero, and abort puts everything back, also when there is nothing to abort', async () => {
  const stage = await startMaintenanceStage();
  const nothing = await stage.maintain('abort');
  expect(nothing).toMatchObject({
    exitCode: 0,
    stdout: 'Nothing to abort. No maintenance is known, neither in the journal nor in Redis.\n',
  });
  const begun = await stage.maintain('begin');
  expect(begun.stdout).toMatch(
    /^Nobody works, and the autoscaler is paused until \d{4}-.*worker 2/,
  );
  expect(begun.exitCode).toBe(0);
  const status = await stage.maintain('status', { options: { json: true } });
  expect(JSON.parse(status.stdout)).toMatchObject({ outcome: 'at-zero' });
  expect(stage.workers()).toBe(0);

  const other = await stage.maintain('run', { options: { redis: 'REDIS' } });
  expect(other).toMatchObject({ exitCode: 64, stdout: '' });
  const aborted = await stage.maintain('abort');
  expect(aborted).toMatchObject({
    ...{ exitCode: 0, stdout: 'Aborted: everything is as it was before (worker 2).\n' },
  });
  expect(stage.workers()).toBe(2);
  const again = await stage.maintain('abort');
  expect(again.stdout).toMatch(
    /^Nothing to abort\. The last maintenance, begun at .*, is over\.\n$/,
  );
  expect(again.exitCode).toBe(0);
});

test('abort of a maintenance that Heroku has begun waits for it before workers come back, unless it is forced to', async () => {
  let release: (url: string) => void = () => undefined;
  const stage = await startMaintenanceStage({
    seconds: 0,
    failOver: () => new Promise((resolve) => (release = resolve)),
  });
  /** Goes on until it says so, and is stopped there. */
  function untilSaid(words: RegExp, verb: string) {
    const stop = new AbortController();
    let said = '';
    return stage.maintain(verb, {
      ...{ shutdown: stop.signal, options: { redis: 'REDIS' } },
      complain(text) {
        said += text;
        if (words.test(said)) stop.abort();
      },
    });
  }
  const ran = await untilSaid(/run-maintenance: waits, Heroku says running/, 'run');
  expect(ran).toMatchObject({ exitCode: 1 });
  const waited = await untilSaid(/find-redis: waits, .* running, which nothing can stop/, 'abort');
  expect(waited.stdout).toMatch(/^Stopped at find-redis: .*\n`.* maintenance run` goes on putting/);
  expect(waited.exitCode).toBe(1);
  expect(stage.workers()).toBe(0);

  const forced = await stage.maintain('abort', { options: { force: true } });
  expect(forced.stdout).toMatch(
    /^Aborted: everything is as it was before \(worker 2\)\.\nHeroku’s maintenance of \S+ cannot be stopped, and still runs\./,
  );
  expect(forced.exitCode).toBe(0);
  expect(stage.workers()).toBe(2);
  release(stage.environment['REDIS_URL'] ?? '');
});

test('abort that waited for Heroku says that its maintenance is completed', async () => {
  const stage = await startMaintenanceStage({ seconds: 3 });
  const stop = new AbortController();
  await stage.maintain('run', {
    ...{ options: { redis: 'REDIS' }, shutdown: stop.signal },
    complain(text) {
      if (text.includes('Heroku says running')) stop.abort();
    },
  });
  const aborted = await stage.maintain('abort');
  expect(aborted.stdout).toMatch(
    /^Aborted: everything is as it was before \(worker 2\)\.\nHeroku’s maintenance of \S+ could not be stopped: it is completed,/,
  );
  expect(stage.workers()).toBe(2);
});

test('abort and run go on waiting while Heroku lists an add-on whose running maintenance it says it does not know', async () => {
  const stage = await startMaintenanceStage({
    seconds: 0,
    failOver: () => new Promise(() => undefined),
  });
  const forgetful = await startForgetfulHeroku(stage.heroku.url);
  const goUntilSaid = (verb: string, words: RegExp, config = {}) => {
    const stop = new AbortController();
    return stage.maintain(verb, {
      ...{ config, shutdown: stop.signal, options: { redis: 'REDIS' } },
      complain(text) {
        if (words.test(text)) stop.abort();
      },
    });
  };
  await goUntilSaid('run', /Heroku says running/);
  const config = { HEROKU_API_URL: forgetful };
  await expect(stage.maintain('run', { config })).rejects.toMatchObject({
    code: 'TARGET_UNAVAILABLE',
    hint: expect.stringContaining('`backlog-autoscaler maintenance abort --force`') as string,
  });
  const aborted = await goUntilSaid('abort', /find-redis: waits|Aborted/, config);
  expect(aborted.stdout).toMatch(
    /^Stopped at find-redis: Heroku has redis-\S+, but does not say how its maintenance stands\.\n/,
  );
  expect(stage.workers()).toBe(0);
});

test('begin and abort with a database of others, whose maintenances Heroku never tells of, say nothing about it', async () => {
  const stage = await startMaintenanceStage();
  const config = { HEROKU_API_URL: await startForgetfulHeroku(stage.heroku.url) };
  const begun = await stage.maintain('begin', { config, options: { redis: 'REDIS' } });
  expect(begun.stdout).toMatch(/^Nobody works/);
  const aborted = await stage.maintain('abort', { config });
  expect(aborted.stdout).toBe('Aborted: everything is as it was before (worker 2).\n');
});

/** Heroku as it is at that address, but for what it knows of maintenances: nothing. Returns where it is. */
async function startForgetfulHeroku(url: string): Promise<string> {
  const server = createServer((request, response) => {
    const { method, headers } = request;
    if (request.url?.startsWith('/data/') === true) {
      response.writeHead(404).end('{"id":"not_found","message":"Not found"}');
      return;
    }
    const onward = ask(`${url}${request.url ?? ''}`, { method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

test('abort waits for nothing of an add-on that Heroku no longer knows, and run says what is left to do', async () => {
  const stage = await startMaintenanceStage();
  stage.joinPool();
  const stop = new AbortController();
  await stage.maintain('run', {
    ...{ options: { redis: 'REDIS' }, shutdown: stop.signal },
    complain(text) {
      if (text.includes('scale-to-zero: done')) stop.abort();
    },
  });
  await stage.heroku.call('PATCH', '/apps/demo/config-vars', { REDIS_URL: null });
  await expect(stage.maintain('run', { options: { redis: 'REDIS' } })).rejects.toMatchObject({
    message: expect.stringMatching(/^Heroku no longer knows redis-\S+$/) as string,
    hint: expect.stringContaining('`backlog-autoscaler maintenance abort`') as string,
  });
  const aborted = await stage.maintain('abort');
  expect(aborted.stdout).toMatch(
    /^Aborted: everything is as it was before \(worker 2\)\.\nHeroku no longer knows redis-\S+: nothing of it is left to maintain\.\n$/,
  );
  expect(stage.workers()).toBe(2);
});

test('a process that waits for jobs goes no further once somebody aborts, who hears that Heroku’s maintenance was not begun', async () => {
  const stage = await startMaintenanceStage();
  stage.joinPool(1);
  const running = stage.maintain('run', { options: { redis: 'REDIS' } });
  const lost = expect(running).rejects.toThrow('another process has taken this maintenance over');
  await until(async () => (await stage.admin.hlen(marksKey('worker'))) === 2);
  // The process that waits for the jobs goes no further, and asks nobody to drain any more.
  const aborted = await stage.maintain('abort');
  expect(aborted.stdout).toMatch(/\nHeroku’s maintenance of \S+ was not begun\. /);
  await lost;
  await until(async () => (await stage.admin.hlen(marksKey('worker'))) === 0);
  expect(stage.workers()).toBe(2);
});

test('maintenance says what it would do, and refuses what cannot work', async () => {
  const stage = await startMaintenanceStage();
  const options = { redis: 'REDIS' };
  const dry = await stage.maintain('run', { options: { ...options, 'dry-run': true } });
  expect(dry.stderr).toMatch(/maintenance is pending\n(.*\n)*Will pause the autoscaler for worker/);
  expect(dry.exitCode).toBe(0);
  await expect(stage.maintain('run', { options, config: { DYNO: 'clock.1' } })).rejects.toThrow(
    'this runs in clock.1, which Heroku restarts half way',
  );
  const granted = await stage.heroku.call('POST', '/oauth/authorizations', { scope: ['write'] });
  const { access_token } = granted.body as { access_token: { token: string } };
  const config = { HEROKU_API_KEY: access_token.token };
  const weak = await stage.maintain('run', { options: { ...options, json: true }, config });
  expect(weak.stderr).toContain('authorizations:create -s write,read-protected');
  expect({ exitCode: weak.exitCode, ...(JSON.parse(weak.stdout) as object) }).toMatchObject({
    ...{ exitCode: 1, outcome: 'refused' },
    problems: expect.arrayContaining([
      expect.stringContaining('It must be able to scale'),
    ]) as string[],
  });
  const nothing = await stage.maintain('end');
  const onward = await stage.maintain('run', { options: { ...options, resume: true } });
  expect([nothing, onward].map(({ exitCode }) => exitCode)).toEqual([64, 64]);
  expect(stage.workers()).toBe(2);
});

test('nothing is begun without a yes, and what is forced goes on although jobs run', async () => {
  const stage = await startMaintenanceStage();
  stage.joinPool(1);
  const asked: string[] = [];
  const answer = (isYes: boolean) => (question: string) => {
    asked.push(question);
    return Promise.resolve(isYes);
  };
  const options = { yes: false, json: true };
  const alone = await stage.maintain('begin', { options });
  expect(alone.stderr).toContain('Nobody is there to be asked: --yes goes ahead');
  const refused = await stage.maintain('begin', { options, ask: answer(false) });
  for (const { exitCode, stdout } of [alone, refused])
    expect({ exitCode, ...(JSON.parse(stdout) as object) }).toMatchObject({
      ...{ exitCode: 1, outcome: 'declined' },
    });
  expect(stage.workers()).toBe(2);
  const planned = await stage.maintain('begin', { options: { ...options, 'dry-run': true } });
  expect(JSON.parse(planned.stdout)).toMatchObject({ outcome: 'planned' });

  const config = { DRAIN_TIMEOUT: '1s' };
  const busy = await stage.maintain('begin', { config });
  expect(busy.stdout).toMatch(/^Stopped at drain: worker\.1 runs 1 job/);
  expect(busy.exitCode).toBe(1);
  const forced = await stage.maintain('begin', { config, options: { force: true } });
  expect(forced.stderr).toMatch(/drain: goes on although worker\.1 runs 1 job/);
  expect(forced.exitCode).toBe(0);
  expect(stage.workers()).toBe(0);
  const back = await stage.maintain('end', { options: { yes: false }, ask: answer(true) });
  expect(back.stdout).toBe('Done: everything is as it was before (worker 2).\n');
  expect(asked).toEqual(['Begin? [y/N] ', 'Put everything back? [y/N] ']);
});

test('a journal that cannot be read is not taken for none', async () => {
  const stage = await startMaintenanceStage();
  writeFileSync(stage.journalPath, '{"version":2}');
  await expect(stage.maintain('abort')).rejects.toThrow('cannot be understood');
  const elsewhere = {
    options: { journal: `${stage.journalPath}.none` },
    config: { REDIS_URL: 'redis://127.0.0.1:1' },
  };
  await expect(stage.maintain('abort', elsewhere)).rejects.toThrow('ECONNREFUSED');
});
