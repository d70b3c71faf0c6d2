import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { createDrainBoard } from '../../src/drain/board.ts';
import { workersKey } from '../../src/drain/protocol.ts';
import { connectRedis } from '../../src/redis.ts';
import type { WorkerClient } from '../../src/worker/bullmq-worker.ts';
import { connectToPool } from '../../src/worker/pool-connection.ts';
import { bullmqMajors, startApplication } from '../support/bullmq.ts';
import { checkReport, fixOf, runCheck, told } from '../support/check-stage.ts';
import { guidedRulesOf } from '../support/security-guide.ts';
import { leaveOutUnless } from '../support/left-out.ts';
import { contentsOf } from '../support/redis-contents.ts';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function redisWith(...extra: string[]): Promise<RedisServer> {
  const server = await startRedis({ extra });
  endings.push(() => server.stop());
  return server;
}

function clientOf(url: string): Redis {
  const client = new Redis(url);
  // A server that is out of connections may first refuse this one, which then tries again.
  client.on('error', () => undefined);
  endings.push(() => {
    client.disconnect();
  });
  return client;
}

const dryRun = { DRY_RUN: 'true', QUEUES: 'emails' };
const password = 'pass-word-0123';

/** A server whose URL is that of a user with these rules. */
async function redisWithUser(
  rules: string,
): Promise<{ admin: Redis; adminUrl: string; url: string }> {
  const server = await redisWith();
  const admin = clientOf(server.url);
  await admin.call('ACL', 'SETUSER', 'robot', 'on', `>${password}`, ...rules.split(' '));
  return { admin, adminUrl: server.url, url: server.url.replace('//', `//robot:${password}@`) };
}

/** Says everything to the pool that a daemon ever says as the user of this URL, and a companion as another. */
async function playDrain(url: string, urlOfCompanion: string): Promise<void> {
  const connection = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
  endings.push(() => {
    connection.close();
  });
  const signal = AbortSignal.timeout(10_000);
  const board = createDrainBoard(connection, 'worker');
  const member = { pool: 'worker', dyno: 'worker.1', processId: 'one' };
  const client = clientOf(urlOfCompanion);
  const companion = connectToPool(client as unknown as WorkerClient, member, undefined);
  await companion.ready;
  await companion.beat('working', { activeJobs: 0, concurrency: 1 });
  await companion.countHandedBack();
  await board.mark(['worker.1'], ['worker.2'], signal);
  expect(await companion.beat('working', { activeJobs: 0, concurrency: 1 })).toBe(true);
  await client.hset(workersKey('worker'), 'old', '');
  expect(await board.read(signal)).toMatchObject({ isJoined: true, handedBackJobs: 1 });
  await companion.leave();
  expect(await board.read(signal)).toMatchObject({ processes: [] });
}

/** Types what the report says into a shell of the server, as its administrator. */
async function type(admin: Redis, fix: string | undefined): Promise<void> {
  const [tool, ...typed] = (fix ?? '').split(' ');
  expect(tool).toBe('redis-cli');
  // What the shell makes of it: only what is quoted reaches the server as it is.
  const [command = '', ...words] = typed.map((word) => {
    const [, quoted] = /^'(.*)'$/.exec(word) ?? [];
    if (quoted === undefined) expect(word).toMatch(/^[\w@+-]+$/);
    return quoted ?? word;
  });
  await admin.call(command, ...words);
}

/** What a user may do, as the server sums it up; the same rights may have been given in several ways. */
async function rightsOf(admin: Redis, user: string): Promise<unknown> {
  const answer = (await admin.call('ACL', 'GETUSER', user)) as unknown[];
  const value = (name: string) => String(answer[answer.indexOf(name) + 1]);
  const allowed = await Promise.all(
    [
      ['GET', 'x'],
      ['KEYS', '*'],
      ['SORT_RO', 'x'],
      ['HINCRBY', 'x', 'y', '1'],
      ['CLIENT', 'KILL', 'ID', '1'],
    ].map(async (words) => String(await admin.call('ACL', 'DRYRUN', user, ...words))),
  );
  return { keys: value('keys').split(' ').sort(), commands: value('commands'), allowed };
}

describe('check of a Redis that answers', () => {
  test('tells version and time, that state can be kept, and writes nothing', async () => {
    const { url } = await redisWith();
    const application = startApplication(bullmqMajors[0].library, url);
    await application.queue('emails').add('job', {});
    await application.close();
    const client = clientOf(url);
    const before = await contentsOf(client);

    const report = await checkReport({ ...dryRun, REDIS_URL: url });

    expect(report.exitCode).toBe(0);
    const findings = told(report);
    expect(findings).toContainEqual(
      expect.stringMatching(/^ok redis: Redis answers \(\d+\.\d+\.\d+, (under 1|\d+) ms\)$/),
    );
    expect(findings).toContain('ok state: The autoscaler may keep its state there');
    expect(await contentsOf(client)).toEqual(before);
    expect(before.size).toBeGreaterThan(0);
  });

  test('warns when keys are evicted, and when memory is nearly full', async () => {
    const { url } = await redisWith('--maxmemory-policy', 'allkeys-lru');
    const client = clientOf(url);
    await client.setrange('ballast', 20 * 1024 * 1024 - 1_000, 'x');
    await client.config('SET', 'maxmemory', '24mb');
    const report = await checkReport({ ...dryRun, REDIS_URL: url, HEROKU_APP_NAME: 'shop' });
    expect(report).toMatchObject({ exitCode: 0, problems: 0 });
    expect(fixOf(report, 'maxmemory-policy allkeys-lru')).toContain(
      'heroku redis:maxmemory --policy noeviction -a shop',
    );
    expect(told(report)).toContainEqual(
      expect.stringMatching(/^warning redis: .* of 24 MB of memory are used: when it is full/),
    );
  });

  test('warns when the workers that MAX_WORKERS allows could not all connect, or not within the budget', async () => {
    const { url } = await redisWith('--maxclients', '40');
    const application = startApplication(bullmqMajors[0].library, url);
    endings.push(() => application.close());
    for (const queue of ['emails', 'reports'])
      await application.hold(queue, { name: 'worker.1' }).then(({ worker }) => worker);
    const environment = { ...dryRun, QUEUES: 'emails,reports', REDIS_URL: url };

    const tight = await checkReport(environment);
    // Two workers take four connections, and there is one more: that of the check itself.
    expect(told(tight)).toContain(
      'warning redis: At MAX_WORKERS about 41 connections are needed (10 × 4 for workers, 1 for others), but Redis allows 40: some could not connect',
    );
    expect(fixOf(tight, 'about 41')).toContain('heroku config:set MAX_WORKERS=9');

    const roomy = await checkReport({ ...environment, MAX_WORKERS: '9' });
    expect(told(roomy)).toContain(
      'ok redis: At MAX_WORKERS about 37 connections are needed (9 × 4 for workers, 1 for others), and Redis allows 40',
    );

    const shared = await checkReport({ ...environment, CONNECTION_BUDGET: '80%' });
    expect(told(shared)).toContain(
      'warning redis: Redis allows 40 connections, 80% of which may be used (CONNECTION_BUDGET): beside 1 of others, 4 for each worker are enough for 7 workers, fewer than MAX_WORKERS=10',
    );
    expect(fixOf(shared, '80% of which')).toContain('heroku config:set MAX_WORKERS=7');
  });

  test('finds a replica good enough for queues but not for state', async () => {
    const primary = await redisWith();
    const { port } = new URL(primary.url);
    const replica = await redisWith('--replicaof', `127.0.0.1 ${port}`);
    const report = await checkReport({ ...dryRun, REDIS_URL: replica.url });
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(told(report)).toContain(
      'problem state: This server is a replica, and the autoscaler could not keep its state there',
    );

    const apart = { REDIS_URL: replica.url, STATE_REDIS_URL: primary.url };
    expect(await checkReport({ ...dryRun, ...apart })).toMatchObject({ exitCode: 0, problems: 0 });

    const swapped = { REDIS_URL: primary.url, STATE_REDIS_URL: replica.url };
    const fix = fixOf(await checkReport({ ...dryRun, ...swapped }), 'This server is a replica');
    expect(fix).toBe('Set STATE_REDIS_URL to the primary');
  });

  test('names the config var of the server that does not answer', async () => {
    const { url } = await redisWith();
    const away = { REDIS_URL: url, STATE_REDIS_URL: 'redis://127.0.0.1:1' };
    const report = await checkReport({ ...dryRun, ...away });
    expect(fixOf(report, '127.0.0.1:1:')).toMatch(/\bSTATE_REDIS_URL\b/);
  });
});

describe('check of a Redis user who may not do everything', () => {
  test('names the permissions for scripts and state, and typing them is all it takes', async () => {
    const { admin, adminUrl, url } = await redisWithUser('+@connection +info');
    const environment = { ...dryRun, REDIS_URL: url };
    const before = await checkReport(environment);
    expect(before).toMatchObject({ exitCode: 1, problems: 2 });
    expect(told(before)).toContain('warning queues: The queues were not examined');

    const fix = fixOf(before, 'may not run scripts');
    expect(fixOf(before, 'may not write the autoscaler')).toBe(fix);
    await type(admin, fix);
    expect(await checkReport(environment)).toMatchObject({ exitCode: 0, problems: 0 });
    await expect(playDrain(url, adminUrl)).resolves.toBeUndefined();

    // A user who got nothing but the rules of the guide may do exactly the same.
    await admin.call(
      'ACL',
      'SETUSER',
      'guided',
      'on',
      `>${password}`,
      ...guidedRulesOf('autoscaler'),
    );
    expect(await rightsOf(admin, 'robot')).toEqual(await rightsOf(admin, 'guided'));
  });

  test('goes on without INFO and CLIENT LIST', async () => {
    const { url } = await redisWithUser('~* +@all -info -client|list');
    const report = await checkReport({ ...dryRun, REDIS_URL: url });
    expect(report).toMatchObject({ exitCode: 0, problems: 0 });
    const findings = told(report);
    expect(findings).toContainEqual(
      expect.stringMatching(/^ok redis: Redis answers \(unknown version/),
    );
    expect(findings).toContainEqual(expect.stringContaining('may not run INFO'));
    expect(findings).toContainEqual(
      expect.stringContaining('no job is running, and Redis does not list its clients'),
    );
  });
});

describe('check of a Redis that cannot be used', () => {
  test('explains that no server is behind the URL', async () => {
    const REDIS_URL = `redis://127.0.0.1:${String(await freePort())}`;
    const report = await checkReport({ ...dryRun, REDIS_URL });
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(report, 'ECONNREFUSED')).toContain('No server answers there');
  });

  test('explains a host that does not exist, and asks for rediss:// on Heroku', async () => {
    const remote = { ...dryRun, REDIS_URL: 'redis://nowhere.invalid:6379', DYNO: 'run.1234' };
    const report = await checkReport(remote);
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(report, 'nowhere.invalid')).toContain('does not exist');
    expect(fixOf(report, 'Its URL begins with redis://')).toContain('rediss://');
  });

  test('explains a wrong password and does not repeat it', async () => {
    const { url } = await redisWithUser('~* +@all');
    const wrong = 'wrong-pass-word';
    const { exitCode, output } = await runCheck({
      ...dryRun,
      REDIS_URL: url.replace(password, wrong),
    });
    expect(exitCode).toBe(1);
    expect(output).toContain('WRONGPASS');
    expect(output).toContain('The password in REDIS_URL is wrong or missing');
    expect(output).not.toContain(wrong);
  });

  test('explains a server that is out of connections', async () => {
    const { url } = await redisWith('--maxclients', '1');
    await clientOf(url).ping();
    const report = await checkReport({ ...dryRun, REDIS_URL: url });
    expect(report.exitCode).toBe(1);
    expect(fixOf(report, `Redis at ${new URL(url).host}`)).toContain('out of connections');
  });

  test.skipIf(leaveOutUnless('openssl'))(
    'explains a certificate that is self-signed, and accepts it when told to',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'autoscaler-certificate-'));
      endings.push(() => {
        rmSync(directory, { recursive: true });
      });
      const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
      execFileSync(
        'openssl',
        `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout ${key} -out ${certificate}`.split(
          ' ',
        ),
        { stdio: 'ignore' },
      );
      const port = String(await freePort());
      await redisWith(
        ...['--tls-port', port, '--tls-cert-file', certificate, '--tls-key-file', key],
        ...['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'],
      );
      const environment = { ...dryRun, REDIS_URL: `rediss://127.0.0.1:${port}` };

      const strict = await checkReport(environment);
      expect(strict.exitCode).toBe(1);
      expect(fixOf(strict, 'certificate')).toContain('REDIS_TLS_REJECT_UNAUTHORIZED=false');

      const lenient = await checkReport({ ...environment, REDIS_TLS_REJECT_UNAUTHORIZED: 'false' });
      expect(lenient.exitCode).toBe(0);
      expect(told(lenient)).toContainEqual(expect.stringContaining('TLS, any certificate'));
    },
  );
});
