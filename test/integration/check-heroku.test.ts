import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bullmqMajors, startApplication } from '../support/bullmq.ts';
import { checkReport, fixOf, runCheck, told } from '../support/check-stage.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { jsonFault, startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

describe('check of Heroku', () => {
  let redis: RedisServer;
  let heroku: ScriptedHeroku;
  let environment: Readonly<Record<string, string>>;
  beforeEach(async () => {
    redis = await startRedis();
    heroku = await startScriptedHeroku({
      web: { quantity: 1, size: 'Standard-1X' },
      worker: { quantity: 0, size: 'Standard-1X' },
    });
    environment = {
      REDIS_URL: redis.url,
      QUEUES: 'emails',
      HEROKU_API_URL: heroku.url,
      HEROKU_API_KEY: heroku.token,
      HEROKU_APP_NAME: 'demo',
    };
  });
  afterEach(async () => {
    await heroku.stop();
    await redis.stop();
  });

  test('finds token, app and process type in order, and only asks', async () => {
    const report = await checkReport(environment);
    expect(report).toMatchObject({ exitCode: 0, problems: 0 });
    expect(told(report).filter((line) => line.includes('heroku:'))).toEqual([
      'ok heroku: Heroku accepts the token (scope write)',
      'ok heroku: About 60 API calls an hour will be used, 1 % of the account’s 4,500',
      'ok heroku: The app demo is there',
      'ok heroku: worker of demo has 0 Standard-1X dynos now',
    ]);
    expect(new Set(heroku.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  test('tells what COST_BUDGET pays for, or why it cannot act', async () => {
    const limited = { ...environment, COST_BUDGET: '60' };
    expect(told(await checkReport(limited))).toContain(
      'ok heroku: COST_BUDGET=60 pays for 2 workers all month, as Standard-1X dynos cost $25 a month each; for more only a part of it',
    );
    heroku.formation['worker'] = { quantity: 0, size: 'Eco' };
    const report = await checkReport(limited);
    expect(report.exitCode).toBe(0);
    expect(fixOf(report, 'What Eco dynos cost is not known')).toContain(
      'heroku ps:type worker=standard-1x -a demo',
    );
  });

  test('reports a token that is not accepted once, and how to make another', async () => {
    const HEROKU_API_KEY = 'HRKU-of-somebody-else';
    const { exitCode, output } = await runCheck({ ...environment, HEROKU_API_KEY });
    expect(exitCode).toBe(1);
    expect(output.match(/^problem/gm)).toHaveLength(1);
    expect(output).toContain('Invalid credentials provided');
    expect(output).toContain('heroku authorizations:create -s write');
    expect(output).not.toContain(HEROKU_API_KEY);
  });

  test('reports a token that is revoked half way', async () => {
    heroku.script(jsonFault(200, { name: 'demo', maintenance: false }));
    heroku.script(jsonFault(401, { id: 'unauthorized', message: 'Invalid credentials.' }));
    expect(await checkReport(environment)).toMatchObject({ exitCode: 1, problems: 1 });
  });

  test('reports an app that the token does not see, or may not enter', async () => {
    const unseen = await checkReport({ ...environment, HEROKU_APP_NAME: 'dmeo' });
    expect(unseen).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(unseen, 'Couldn')).toContain('HEROKU_APP_NAME');
    expect(told(unseen)).toContain('ok heroku: Heroku accepts the token (scope write)');

    heroku.always(jsonFault(403, { id: 'forbidden', message: 'You do not have access.' }));
    const forbidden = await checkReport(environment);
    expect(forbidden).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(forbidden, 'You do not have access')).toContain('heroku access -a <app>');
  });

  test('reports a token that may only read', async () => {
    const readOnly = { 'Oauth-Scope': 'read identity' };
    const formation = [{ type: 'worker', quantity: 0, size: 'Standard-1X' }];
    heroku.script(jsonFault(200, { name: 'demo', maintenance: false }, readOnly));
    heroku.script(jsonFault(200, formation, readOnly));
    const report = await checkReport(environment);
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(report, 'The token may not scale: its scope is read identity')).toContain(
      'heroku authorizations:create -s write',
    );
  });

  test('reports a process type that the app does not have, and which it has', async () => {
    const report = await checkReport({ ...environment, PROCESS_TYPE: 'wroker' });
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(report, 'has no process type wroker; it has worker, web')).toContain(
      'heroku config:set PROCESS_TYPE=worker',
    );
  });

  test('reports process types that cannot be read although the app can', async () => {
    heroku.script(jsonFault(200, { name: 'demo', maintenance: false }));
    heroku.script(jsonFault(403, { id: 'forbidden', message: 'Not the formation.' }));
    const report = await checkReport(environment);
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(told(report)).toContainEqual(
      expect.stringMatching(/^problem heroku: .*Not the formation/),
    );
  });

  test('warns of maintenance mode', async () => {
    heroku.script(jsonFault(200, { name: 'demo', maintenance: true }));
    const report = await checkReport(environment);
    expect(report.exitCode).toBe(0);
    expect(fixOf(report, 'maintenance mode')).toBe('heroku maintenance:off -a demo');
  });

  test('warns when few API calls are left', async () => {
    heroku.remainingCalls = 12;
    expect(told(await checkReport(environment))).toContain(
      'warning heroku: The account has only 12 API calls left of 4,500 an hour',
    );
  });

  test('warns when dynos run but none is connected to the queues', async () => {
    heroku.formation['worker'] = { quantity: 2, size: 'Standard-1X' };
    const idle = 'warning workers: Heroku runs 2 dynos of worker, but none is connected';
    expect(told(await checkReport(environment))).toContainEqual(expect.stringContaining(idle));

    const application = startApplication(bullmqMajors[0].library, redis.url);
    await application.hold('emails', { name: 'worker.1' });
    const report = await checkReport(environment);
    await application.close();
    expect(told(report)).not.toContainEqual(expect.stringContaining(idle));
  });

  test.each([
    ['is down', { kind: 'reset' }, /Heroku at 127/],
    ['limits the rate', jsonFault(429, { id: 'rate_limit', message: 'Wait.' }), /429 rate_limit/],
    ['is in trouble', { kind: 'reply', status: 503, body: '<html>' }, /503/],
    ['talks nonsense', { kind: 'reply', status: 200, body: '{' }, /not JSON/],
  ] as const)('reports that Heroku %s, beside what Redis tells', async (_, fault, message) => {
    heroku.always(fault);
    const report = await checkReport(environment);
    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(told(report)).toContainEqual(expect.stringMatching(/^problem heroku: /));
    expect(told(report)).toContainEqual(expect.stringMatching(message));
    expect(told(report)).toContainEqual(expect.stringMatching(/^ok redis: Redis answers/));
  });

  test('does not ask in a dry run without app and token, and asks in one that has them', async () => {
    const { REDIS_URL = '', QUEUES = '', ...herokuVariables } = environment;
    const dryRun = { REDIS_URL, QUEUES, DRY_RUN: 'true' };
    expect(told(await checkReport(dryRun))).toContainEqual(
      expect.stringMatching(/^ok heroku: Dry run: Heroku is not asked/),
    );
    expect(heroku.requests).toHaveLength(0);
    expect(told(await checkReport({ ...dryRun, ...herokuVariables }))).toContain(
      'ok heroku: The app demo is there',
    );
  });
});
