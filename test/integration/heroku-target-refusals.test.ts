import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { startHerokuStage, type HerokuStage } from '../support/heroku-stage.ts';
import { jsonFault, type Fault } from '../support/scripted-heroku.ts';

const soon = () => AbortSignal.timeout(20_000);

async function errorOf(work: Promise<unknown>): Promise<OperationalError> {
  const error: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (error instanceof OperationalError) return error;
  throw error;
}

describe('a refusal of Heroku', () => {
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage()));
  afterEach(() => stage.stop());

  const newToken = 'heroku authorizations:create -s write';
  const rejected = 'TARGET_REJECTED';
  const table: [number, string, string, object, string, string][] = [
    [400, 'bad_request', 'Request invalid.', {}, rejected, 'report it'],
    [401, 'unauthorized', 'Invalid credentials provided.', {}, rejected, newToken],
    [402, 'delinquent', 'Payment is due.', {}, rejected, 'account/billing'],
    [403, 'forbidden', 'You do not have access to the app demo.', {}, rejected, 'heroku access -a'],
    [403, 'suspended', 'This account is suspended.', {}, rejected, 'help.heroku.com'],
    [403, 'two_factor', 'A second factor is required.', {}, rejected, 'second factor'],
    [404, 'not_found', "Couldn't find that app.", { resource: 'app' }, rejected, 'HEROKU_APP_NAME'],
    [
      ...([404, 'not_found', "Couldn't find that formation."] as const),
      ...([{ resource: 'formation' }, rejected, 'PROCESS_TYPE'] as const),
    ],
    [406, 'not_acceptable', 'Specify a version.', {}, rejected, 'HEROKU_API_URL'],
    [409, 'conflict', 'Preboot in progress.', {}, rejected, 'next tick'],
    [410, 'gone', 'It is gone.', {}, rejected, 'heroku apps:info'],
    [416, 'requested_range_not_satisfiable', 'Range.', {}, rejected, 'report it'],
    [418, 'teapot', 'Short and stout.', {}, rejected, 'Request-Id'],
    [
      ...([422, 'invalid_params'] as const),
      'Cannot use the following dyno types in the same app: Basic and Standard-1X',
      ...([{}, rejected, 'heroku ps:type'] as const),
    ],
    [422, 'verification_required', 'Verify.', {}, rejected, 'heroku.com/verify'],
    [422, 'verification_needed', 'Verify.', {}, rejected, 'heroku.com/verify'],
    [422, 'invalid_params', 'Quantity is wrong.', {}, rejected, 'heroku ps:scale'],
    [422, 'cannot_run_above_limit', 'Too many.', {}, rejected, 'MAX_WORKERS'],
    [429, 'rate_limit', 'Your account reached it.', {}, 'TARGET_RATE_LIMITED', 'POLL_INTERVAL'],
    [500, 'internal', 'Oops.', {}, 'TARGET_UNAVAILABLE', 'status.heroku.com'],
    [503, 'maintenance', 'Back soon.', {}, 'TARGET_UNAVAILABLE', 'status.heroku.com'],
  ];

  it.each(table)(
    'with %i %s: %s says what happened and what to type',
    async (status, id, message, more, code, hint) => {
      stage.heroku.always(jsonFault(status, { ...more, id, message }));
      const reading = await errorOf(stage.target.currentWorkers(0, soon()));
      // A rate limit is not asked about twice; a new daemon would see the same as this one after its back-off.
      stage.passSeconds(61);
      for (const error of [reading, await errorOf(stage.target.scaleTo(3, soon()))]) {
        expect(error.code).toBe(code);
        expect(error.message).toContain(`${String(status)} ${id}: ${message}`);
        expect(error.message).toContain('/apps/demo/formation');
        const sentIds = stage.heroku.requests.map((sent) => String(sent.headers['request-id']));
        expect(sentIds.some((sentId) => error.message.includes(sentId))).toBe(true);
        expect(error.hint).toContain(hint);
      }
    },
  );

  it('that is real is recognized: a wrong token, a wrong app, a wrong process type', async () => {
    const wrong: [Parameters<typeof startHerokuStage>[0], string][] = [
      [{ apiKey: 'wrong' }, newToken],
      [{ app: 'other' }, 'HEROKU_APP_NAME'],
      [{ processType: 'wroker' }, 'PROCESS_TYPE'],
    ];
    for (const [overrides, hint] of wrong) {
      const other = await startHerokuStage(overrides);
      const error = await errorOf(other.target.scaleTo(3, soon()));
      await other.stop();
      expect(error).toMatchObject({ code: 'TARGET_REJECTED' });
      expect(error.hint).toContain(hint);
    }
  });

  it.each([
    ['HTML', 404, '<html>not here</html>', 'TARGET_REJECTED'],
    ['nothing', 401, '', 'TARGET_REJECTED'],
    ['a list', 422, '[]', 'TARGET_REJECTED'],
    ['null', 403, 'null', 'TARGET_REJECTED'],
    ['numbers for words', 422, '{"id":7,"message":{},"limit":"9"}', 'TARGET_REJECTED'],
    ['HTML', 502, '<!DOCTYPE html><h1>Application error</h1>', 'TARGET_UNAVAILABLE'],
    ['more than a megabyte', 404, 'x'.repeat(2_000_000), 'TARGET_REJECTED'],
    ['more than a megabyte', 503, 'x'.repeat(2_000_000), 'TARGET_UNAVAILABLE'],
  ])('counts by its status when its body is %s (%i)', async (_what, status, body, code) => {
    stage.heroku.always({ kind: 'reply', status, body });
    expect(await errorOf(stage.target.currentWorkers(0, soon()))).toMatchObject({ code });
    const error = await errorOf(stage.target.scaleTo(3, soon()));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(String(status));
  });
});

describe('a reply that makes no sense', () => {
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage()));
  afterEach(() => stage.stop());

  const whole = JSON.stringify([{ type: 'worker', quantity: 3, size: 'Basic' }]);
  const replies: [string, Fault][] = [
    ['is not JSON', { kind: 'reply', status: 200, body: '<html>Welcome to the hotel</html>' }],
    ['ends early', { kind: 'reply', status: 200, body: whole.slice(0, -5) }],
    ['is empty', { kind: 'reply', status: 204, body: '' }],
    ['is an object', jsonFault(200, { type: 'worker', quantity: 3 })],
    ['has a quantity in words', jsonFault(200, [{ type: 'worker', quantity: 'three' }])],
    ['has half a worker', jsonFault(200, [{ type: 'worker', quantity: 3.5 }])],
    ['has fewer than no workers', jsonFault(200, [{ type: 'worker', quantity: -3 }])],
    ['has a billion workers', jsonFault(200, [{ type: 'worker', quantity: 1e9 }])],
    ['has no quantity', jsonFault(200, [{ type: 'worker' }])],
    ['is a part of the list', { kind: 'reply', status: 206, body: whole }],
    ['was not changed', { kind: 'reply', status: 304, body: '' }],
    ['is far too large', { kind: 'reply', status: 200, body: whole + ' '.repeat(2_000_000) }],
  ];

  it.each(replies)('is unreadable, not a number of workers, when it %s', async (_what, fault) => {
    stage.heroku.always(fault);
    expect(await errorOf(stage.target.currentWorkers(0, soon()))).toMatchObject({
      code: 'TARGET_UNREADABLE',
    });
    expect(stage.heroku.requests).toHaveLength(1);
    const error = await errorOf(stage.target.scaleTo(3, soon()));
    expect(error.code).toBe('TARGET_UNREADABLE');
    expect(error.hint).toContain('HEROKU_API_URL');
    expect(stage.heroku.requests).toHaveLength(2);
  });

  it.each([
    ['another quantity', [{ type: 'worker', quantity: 4 }]],
    ['another process type', [{ type: 'web', quantity: 3 }]],
    ['nothing at all', []],
  ])('is unreadable when a change is confirmed with %s', async (_what, body) => {
    stage.heroku.script(jsonFault(200, body));
    expect(await errorOf(stage.target.scaleTo(3, soon()))).toMatchObject({
      code: 'TARGET_UNREADABLE',
    });
  });

  it('is a redirect, which is not followed: the token stays with the host it was meant for', async () => {
    const thief = await startHerokuStage();
    for (const status of [301, 302, 303, 307, 308]) {
      const headers = { Location: `${thief.heroku.url}/apps/demo/formation` };
      stage.heroku.always({ kind: 'reply', status, headers, body: '' });
      const { target } = stage;
      for (const work of [() => target.currentWorkers(0, soon()), () => target.scaleTo(3, soon())])
        expect(await errorOf(work())).toMatchObject({ code: 'TARGET_UNREADABLE' });
    }
    expect(thief.heroku.requests).toEqual([]);
    await thief.stop();
  });
});

describe('an error about Heroku', () => {
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage()));
  afterEach(() => stage.stop());

  it('never holds a token, whatever the reply repeats and wherever it would be cut', async () => {
    const { heroku, target, passSeconds } = stage;
    const echo = `Bearer ${heroku.token} and HRKU-another_token-1 ${'HRKU-very-long'.repeat(40)}`;
    const faults: Fault[] = [
      jsonFault(403, { id: echo, message: echo }),
      jsonFault(403, { id: 'long', message: 'many\nlines\n'.repeat(1_000) }),
      jsonFault(403, { id: 'forbidden', message: 'No.' }, { 'Request-Id': echo }),
      { kind: 'reply', status: 200, body: echo },
      { kind: 'reply', status: 200, body: 'y'.repeat(75) + heroku.token },
      jsonFault(200, { [heroku.token]: 1, HRKU_: echo }),
      jsonFault(422, { id: 'cannot_run_above_limit', limit: 99, message: echo }),
      jsonFault(503, { id: echo, message: echo }),
    ];
    for (const fault of faults) {
      heroku.always(fault);
      for (const work of [
        () => target.currentWorkers(0, soon()),
        () => target.scaleTo(3, soon()),
      ]) {
        // After several failures in a row Heroku is left alone for a while.
        passSeconds(11);
        const { message, hint, cause, stack } = await errorOf(work());
        expect(cause).toBeUndefined();
        expect([message, hint, stack].join('\n')).not.toMatch(/HRKU-\w|token_0123|another_token/);
        expect(message.length).toBeLessThan(1_000);
        expect(message).not.toContain('\n');
      }
    }
    expect(JSON.stringify(stage.replies)).not.toMatch(/HRKU-\w/);
    heroku.script(jsonFault(422, { id: 'x', limit: 1, message: echo }));
    passSeconds(11);
    expect(JSON.stringify(await target.scaleTo(3, soon()))).not.toMatch(/HRKU-\w/);
  });

  it('never holds a token of another form either, nor the part of it that is left by a cut', async () => {
    const apiKey = '01234567-89ab-cdef-0123-456789abcdef';
    const { heroku, target, stop } = await startHerokuStage({ apiKey });
    for (const message of [`No ${apiKey}`, 'y'.repeat(275) + apiKey]) {
      heroku.always(jsonFault(401, { id: 'x', message }));
      const error = await errorOf(target.currentWorkers(0, soon()));
      expect(error.message).toContain('[secret]');
      expect(error.message).not.toContain('01234567');
    }
    await stop();
  });
});
