import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Report } from '../../src/commands/check/report.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { checkReport, fixOf, runCheck, told } from '../support/check-stage.ts';
import { connectRedis } from '../../src/redis.ts';
import { createOverrideStore } from '../../src/state/override-store.ts';
import { soon } from '../support/lease.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { jsonFault, startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

let redis: RedisServer;
let heroku: ScriptedHeroku;
let environment: Readonly<Record<string, string>>;
const endings: (() => unknown)[] = [];
beforeEach(async () => {
  redis = await startRedis();
  heroku = await startScriptedHeroku({ worker: { quantity: 0, size: 'Standard-1X' } });
  environment = {
    REDIS_URL: redis.url,
    QUEUES: 'emails',
    HEROKU_API_URL: heroku.url,
    HEROKU_API_KEY: heroku.token,
    HEROKU_APP_NAME: 'demo',
  };
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  await heroku.stop();
  await redis.stop();
});

describe('the report of check', () => {
  test('has a line for each finding under its subject, the fix below, and a total', async () => {
    const { exitCode, output } = await runCheck({ ...environment, PORT: '9394' });
    expect(exitCode).toBe(0);
    const stable = output
      .replace(/(?<=answers )\(.*\)/, '(…)')
      .replace(/(?<=Redis allows ).*/, '…');
    expect(stable).toBe(`Configuration
ok       1 to 10 workers, one for every 100 ready jobs, a look every 1m, scaling down waits 5m

Redis
ok       Redis answers (…)
ok       At MAX_WORKERS about 21 connections are needed (10 × 2 for workers, 1 for others), and Redis allows …

State
ok       The autoscaler may keep its state there

Queues
warning  emails was never seen: misspelled?
         No queue has the prefix "bull": compare QUEUE_PREFIX and REDIS_URL with those of the app

Workers
ok       None is connected
ok       Insight: counts only, as no job is there to look at, or none may be. To see which dyno runs what, in the app: joinPool([worker]) from backlog-autoscaler/worker, or at least name: process.env.DYNO in the Worker’s options

Heroku
ok       Heroku accepts the token (scope write)
ok       About 60 API calls an hour will be used, 1 % of the account’s 4,500
ok       The app demo is there
ok       worker of demo has 0 Standard-1X dynos now

HTTP
warning  PORT is set without METRICS_TOKEN: anyone who can reach the port can read the metrics and the status
         heroku config:set METRICS_TOKEN=$(openssl rand -hex 32)

0 problems, 2 warnings
`);
  });

  test('is one JSON document with --json', async () => {
    const { exitCode, output } = await runCheck(
      { ...environment, PROCESS_TYPE: 'wroker' },
      { json: true },
    );
    const report = JSON.parse(output) as Report;
    expect(exitCode).toBe(1);
    expect(Object.keys(report)).toEqual(['findings', 'problems', 'warnings']);
    expect(report).toMatchObject({ problems: 1, warnings: 1 });
    expect(report.findings).toContainEqual({
      subject: 'heroku',
      pool: 'wroker',
      level: 'problem',
      message: 'The app demo has no process type wroker; it has worker',
      fix: expect.stringContaining('PROCESS_TYPE=worker') as string,
    });
    for (const finding of report.findings) {
      expect(finding.message).not.toBe('');
      expect('fix' in finding).toBe(finding.level !== 'ok');
    }
  });

  test('repeats the warnings of the configuration, each once', async () => {
    const report = await checkReport({ ...environment, MIN_WORKER: '3', PORT: '0' });
    expect(fixOf(report, 'did you mean MIN_WORKERS?')).toBe(
      'If so: heroku config:set MIN_WORKERS=… && heroku config:unset MIN_WORKER',
    );
    expect(told(report).filter((line) => line.includes('METRICS_TOKEN'))).toHaveLength(1);
    const guarded = await checkReport({ ...environment, PORT: '0', METRICS_TOKEN: 'a-long-text' });
    expect(told(guarded)).toContainEqual(expect.stringMatching(/^ok http: /));
  });

  test('leaves a configuration that cannot be loaded to the caller', async () => {
    await expect(runCheck({ ...environment, QUEUES: '' })).rejects.toThrow(ConfigError);
  });

  test('counts what operators set, and says that a pool is paused', async () => {
    const connection = connectRedis(redis.url, { rejectUnauthorized: true, name: 'test' });
    const store = createOverrideStore(connection);
    const anna = { by: 'anna', forMs: 3_600_000 };
    await store.set('worker', { minWorkers: '7' }, anna, soon());
    await store.pause('worker', anna, soon());
    connection.close();
    const report = await checkReport({ ...environment, WORKER_BUDGET: '6' });
    expect(fixOf(report, 'the minimums add up to 7 workers, more than WORKER_BUDGET=6')).toMatch(
      /WORKER_BUDGET=7, or lower worker minWorkers=7 \(set by anna until .* UTC\)$/,
    );
    expect(fixOf(report, 'Nothing is changed: paused by anna')).toBe('backlog-autoscaler resume');
  });

  test('shows no secret, not even one that a server repeats', async () => {
    const secrets = { HEROKU_API_KEY: 'api-key-0123456789', METRICS_TOKEN: 'metrics-0123456789' };
    const password = 'pass-word-0123456789';
    const REDIS_URL = redis.url.replace('//', `//:${password}@`);
    const message = [...Object.values(secrets), password].join(' and ');
    heroku.always(jsonFault(403, { id: 'forbidden', message }));
    const given = { ...environment, ...secrets, REDIS_URL, PORT: '0' };
    for (const json of [true, false]) {
      const { output } = await runCheck(given, { json });
      expect(output).toContain('[secret] and [secret] and [secret]');
      for (const secret of [...Object.values(secrets), password])
        expect(output).not.toContain(secret);
    }
  });
});

describe('check of several pools', () => {
  test('tells them apart, and looks at what they share once', async () => {
    const other = await startRedis();
    endings.push(() => other.stop());
    const directory = mkdtempSync(join(tmpdir(), 'autoscaler-pools-'));
    endings.push(() => {
      rmSync(directory, { recursive: true });
    });
    const POOLS_FILE = join(directory, 'pools.yml');
    writeFileSync(
      POOLS_FILE,
      `pools:
  - { name: emails, processType: worker, queues: [emails] }
  - { name: reports, processType: reporter, queues: [reports] }
  - { name: images, processType: imager, queues: [images], redisUrl: '${other.url}' }
`,
    );
    heroku.formation['imager'] = { quantity: 1, size: 'Basic' };
    const { REDIS_URL = '', HEROKU_API_KEY = '', HEROKU_API_URL = '' } = environment;
    const shared = { REDIS_URL, HEROKU_API_KEY, HEROKU_API_URL, HEROKU_APP_NAME: 'demo' };

    const report = await checkReport({ ...shared, POOLS_FILE });

    const answers = report.findings.filter(({ message }) => message.includes('answers ('));
    expect(answers.map(({ pool }) => pool)).toEqual([undefined, 'images']);
    expect(report.findings.filter(({ message }) => message.includes('app demo is there'))).toEqual([
      { subject: 'heroku', level: 'ok', message: 'The app demo is there' },
    ]);
    expect(heroku.requests).toHaveLength(2);
    expect(fixOf(report, 'has no process type reporter')).toContain(
      'write `processType: worker` into pool reports of POOLS_FILE',
    );
    expect(fixOf(report, 'MAX_WORKERS=10 of imager cannot be reached')).toContain(
      'write `maxWorkers: 1` into pool images of POOLS_FILE',
    );
    const { output } = await runCheck({ ...shared, POOLS_FILE });
    expect(output).toMatch(/^Queues of pool emails\nwarning .*\n.*\n\nQueues of pool reports\n/m);
  });

  test('counts the API calls of all pools of an account', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'autoscaler-pools-'));
    endings.push(() => {
      rmSync(directory, { recursive: true });
    });
    const POOLS_FILE = join(directory, 'pools.yml');
    const pools = ['a', 'b', 'c'].map(
      (name) => `  - { name: ${name}, processType: ${name}, queues: [${name}] }\n`,
    );
    writeFileSync(POOLS_FILE, `pools:\n${pools.join('')}`);
    const report = await checkReport({ ...environment, POOLS_FILE, POLL_INTERVAL: '5s' });
    expect(told(report)).toContainEqual(
      expect.stringMatching(/^warning heroku: About 1,080 API calls an hour will be used, 24 %/),
    );
  });
});

describe('check of servers that hang', () => {
  test('tells about Heroku although Redis hangs', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    const report = await checkReport(environment);
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(report, 'does not answer')).toMatch(/run `check` again/);
    expect(told(report)).toContain('ok heroku: The app demo is there');
  });

  test('ends by itself when Heroku hangs and Redis falls silent half way', async () => {
    heroku.always({ kind: 'hang' });
    const REDIS_URL = await relayUntil('EVAL', redis, () => undefined);
    const report = await checkReport({ ...environment, REDIS_URL });
    expect(report.exitCode).toBe(1);
    expect(told(report)).toContainEqual(expect.stringMatching(/^ok redis: Redis answers/));
    expect(told(report)).toContainEqual(expect.stringMatching(/^problem redis: .* in time$/));
    expect(told(report)).toContainEqual(expect.stringMatching(/^problem heroku: .* in time$/));
  });

  test('tells what it learned when it is asked to end while Redis has fallen silent', async () => {
    const interruption = new AbortController();
    const url = await relayUntil('EVAL', redis, () => {
      interruption.abort();
    });
    const { exitCode, output } = await runCheck(
      { ...environment, REDIS_URL: url },
      { shutdown: interruption.signal },
    );
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^ok {7}Redis answers/m);
    expect(output).toMatch(/^problem {2}Redis at .* did not answer in time$/m);
  });
});

/** The URL of a relay to a server that passes nothing on as soon as a client sends a word. */
async function relayUntil(word: string, server: RedisServer, then: () => void): Promise<string> {
  const sockets: Socket[] = [];
  const relay = createServer((client) => {
    const upstream = connect(Number(new URL(server.url).port), '127.0.0.1');
    sockets.push(client, upstream);
    upstream.pipe(client);
    client.on('data', (data) => {
      if (data.toString().toUpperCase().includes(word)) {
        upstream.unpipe(client);
        then();
      } else upstream.write(data);
    });
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    relay.close();
  });
  return `redis://127.0.0.1:${String((relay.address() as AddressInfo).port)}`;
}
