import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeTarget, type PlatformTrouble } from '../contract/target.contract.ts';
import { startHerokuStage, type HerokuStage } from '../support/heroku-stage.ts';
import { jsonFault, type Fault } from '../support/scripted-heroku.ts';

const faults: Record<PlatformTrouble, Fault> = {
  'is down': { kind: 'reset' },
  hangs: { kind: 'hang' },
  'limits the rate': jsonFault(429, { id: 'rate_limit', message: 'Your account reached it' }),
  refuses: jsonFault(403, { id: 'forbidden', message: 'You do not have access to the app.' }),
  'talks nonsense': { kind: 'reply', status: 200, body: '{"quantity": ' },
};

describeTarget('Heroku', async () => {
  const stage = await startHerokuStage();
  const { heroku, target } = stage;
  const worker = heroku.formation['worker'] ?? { quantity: NaN, size: '' };
  return {
    target,
    workers: () => heroku.formation['worker']?.quantity ?? NaN,
    setWorkers: (workers) => (worker.quantity = workers),
    calls: () => heroku.requests.length,
    limitWorkers: (workers) => (heroku.limitPerType = workers),
    trouble: (trouble) => {
      heroku.always(faults[trouble]);
    },
    stop: () => stage.stop(),
  };
});

describe('the Heroku target', () => {
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage()));
  afterEach(() => stage.stop());
  const soon = () => AbortSignal.timeout(20_000);

  it('says who it is and what it speaks, with an id for every request', async () => {
    await stage.target.currentWorkers(0, soon());
    await stage.target.currentWorkers(0, soon());
    const [first, second] = stage.heroku.requests;
    expect(first).toMatchObject({ method: 'GET', path: '/apps/demo/formation', body: '' });
    expect(first?.headers).toMatchObject({
      accept: 'application/vnd.heroku+json; version=3',
      authorization: `Bearer ${stage.heroku.token}`,
      'content-type': 'application/json',
      'user-agent': 'backlog-autoscaler/1.2.3',
    });
    expect(first?.headers['request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(second?.headers['request-id']).not.toBe(first?.headers['request-id']);
  });

  it('scales with one batch PATCH of an absolute quantity and never a size', async () => {
    await stage.target.scaleTo(6, soon());
    expect(stage.heroku.requests).toHaveLength(1);
    expect(stage.heroku.requests[0]).toMatchObject({
      method: 'PATCH',
      path: '/apps/demo/formation',
      body: '{"updates":[{"type":"worker","quantity":6}]}',
    });
    expect(stage.heroku.formation).toEqual({
      web: { quantity: 1, size: 'Standard-1X' },
      worker: { quantity: 6, size: 'Standard-1X' },
    });
  });

  it('tells of every reply with its Request-Id, what the token may do and the calls that are left', async () => {
    stage.heroku.remainingCalls = 4_321;
    expect(stage.account.remainingCalls()).toBeNull();
    await stage.target.currentWorkers(0, soon());
    const sentId = stage.heroku.requests[0]?.headers['request-id'] ?? '?';
    expect(stage.replies).toEqual([
      {
        method: 'GET',
        path: '/apps/demo/formation',
        status: 200,
        requestId: `heroku-own-id,${String(sentId)}`,
        remainingCalls: 4_321,
        scope: 'write',
        durationSeconds: expect.any(Number) as number,
      },
    ]);
    expect(stage.account.remainingCalls()).toBe(4_321);
  });

  it('counts a process type that the formation does not list as no workers', async () => {
    stage.heroku.script(jsonFault(200, [{ type: 'web', quantity: 3 }]));
    expect(await stage.target.currentWorkers(0, soon())).toBe(0);
    stage.heroku.script(jsonFault(200, []));
    expect(await stage.target.currentWorkers(0, soon())).toBe(0);
  });

  it('reads a formation with fields it has never heard of, and without those it does not need', async () => {
    stage.heroku.script(
      jsonFault(200, [{ type: 'worker', quantity: 4, color: 'blue', dyno_size: null }]),
    );
    expect(await stage.target.currentWorkers(0, soon())).toBe(4);
  });

  it('takes a reading for as old as its question, not as its answer', async () => {
    const read = stage.target.currentWorkers(0, soon());
    stage.passSeconds(30);
    await read;
    stage.heroku.formation['worker'] = { quantity: 9, size: 'Standard-1X' };
    expect(await stage.target.currentWorkers(20_000, soon())).toBe(9);
  });

  it('does not trust a reading from the future, when the clock was set back', async () => {
    await stage.target.currentWorkers(0, soon());
    stage.passSeconds(-3_600);
    stage.heroku.formation['worker'] = { quantity: 9, size: 'Standard-1X' };
    expect(await stage.target.currentWorkers(20_000, soon())).toBe(9);
  });

  it('answers what a check of the set-up asks', async () => {
    const { account } = stage;
    expect(await account.app('demo', soon())).toEqual({ name: 'demo', maintenance: false });
    expect(await account.formation('demo', soon())).toEqual([
      { type: 'web', quantity: 1, size: 'Standard-1X' },
      { type: 'worker', quantity: 2, size: 'Standard-1X' },
    ]);
    expect(await account.dynos('demo', soon())).toContainEqual({
      ...{ id: null, name: 'worker.2', type: 'worker', state: 'up', size: 'Standard-1X' },
      created_at: '2026-01-01T00:00:00Z',
    });
  });
});

describe('the list of workers on Heroku', () => {
  const soon = () => AbortSignal.timeout(20_000);
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage()));
  afterEach(() => stage.stop());
  const dyno = (name: string, createdAt: string, type = 'worker') => ({
    ...{ name, type, state: 'up', size: 'Standard-1X', created_at: createdAt },
  });

  it('has the dynos of the process type, with their numbers and ages', async () => {
    const { target, heroku } = stage;
    const minuteAgo = new Date(Date.now() - 60_000).toISOString();
    const dynos = [
      dyno('worker.12', minuteAgo),
      dyno('web.1', minuteAgo, 'web'),
      dyno('run.4711', minuteAgo, 'run'),
      dyno('worker-23z34x56y-w78k9', minuteAgo),
      // Whatever this is, it is not known to be old.
      dyno('worker.3', 'yesterday'),
    ];
    heroku.script(jsonFault(200, dynos));
    const workers = await target.listWorkers(0, soon());
    expect(workers).toMatchObject([
      { name: 'worker.12', ordinal: 12 },
      { name: 'worker-23z34x56y-w78k9', ordinal: null },
      { name: 'worker.3', ordinal: 3, ageSeconds: 0 },
    ]);
    expect(workers[0]?.ageSeconds).toBeGreaterThanOrEqual(60);
    expect(workers[0]?.ageSeconds).toBeLessThan(120);
  });

  it('is asked for again once it is too old, or the workers were scaled', async () => {
    const { target, heroku, passSeconds } = stage;
    const lists = () => heroku.requests.filter(({ path }) => path.endsWith('/dynos')).length;
    expect(await target.listWorkers(10_000, soon())).toHaveLength(2);
    passSeconds(9);
    await target.listWorkers(10_000, soon());
    expect(lists()).toBe(1);
    passSeconds(1);
    await target.listWorkers(10_000, soon());
    expect(lists()).toBe(2);
    await target.scaleTo(4, soon());
    expect(await target.listWorkers(600_000, soon())).toHaveLength(4);
  });
});

it('encodes the app and leaves the base path of the API’s URL alone', async () => {
  const stage = await startHerokuStage({ app: 'a/b?c', processType: 'worker' });
  try {
    await expect(stage.target.currentWorkers(0, AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'TARGET_REJECTED',
    });
    expect(stage.heroku.requests[0]?.path).toBe('/apps/a%2Fb%3Fc/formation');
  } finally {
    await stage.stop();
  }
});

describe('a limit of Heroku', () => {
  const soon = () => AbortSignal.timeout(20_000);
  const formation = () => ({
    web: { quantity: 3, size: 'Standard-1X' },
    mailer: { quantity: 4, size: 'Performance-M' },
    worker: { quantity: 2, size: 'standard-1x' },
  });
  let stage: HerokuStage;
  beforeEach(async () => (stage = await startHerokuStage({ formation: formation() })));
  afterEach(() => stage.stop());
  const above = (id: string, limit: unknown) =>
    jsonFault(422, { id, limit, message: `Cannot have more than ${String(limit)} dynos.` });

  it('is taken as one of the process type where it is smaller than what was asked', async () => {
    stage.heroku.script(above('cannot_run_above_limit', 10));
    expect(await stage.target.scaleTo(25, soon())).toEqual({
      kind: 'limited',
      limitWorkers: 10,
      why: 'Cannot have more than 10 dynos.',
    });
    expect(stage.heroku.formation).toEqual(formation());
  });

  it('is shared with the other types of the same size, however it is spelt, where it is not smaller', async () => {
    stage.heroku.script(above('cannot_run_above_limit', 10));
    expect(await stage.target.scaleTo(10, soon())).toMatchObject({ limitWorkers: 7 });
  });

  it('is shared with all other types when the whole app has it', async () => {
    stage.heroku.script(above('cannot_update_above_limit', 100));
    expect(await stage.target.scaleTo(95, soon())).toMatchObject({ limitWorkers: 93 });
  });

  it('leaves no workers when the others use it up', async () => {
    stage.heroku.script(above('cannot_update_above_limit', 5));
    expect(await stage.target.scaleTo(5, soon())).toMatchObject({ limitWorkers: 0 });
  });

  it('is found in two rounds when it counts several types and less than it was asked', async () => {
    stage.heroku.limitPerApp = 20;
    expect(await stage.target.scaleTo(50, soon())).toMatchObject({ limitWorkers: 20 });
    expect(await stage.target.scaleTo(20, soon())).toMatchObject({ limitWorkers: 13 });
    expect(await stage.target.scaleTo(13, soon())).toEqual({ kind: 'scaled', workers: 13 });
    expect(stage.heroku.formation['worker']?.quantity).toBe(13);
  });

  it('is reckoned with a fresh reading when the others were read long ago', async () => {
    await stage.target.currentWorkers(0, soon());
    stage.passSeconds(300);
    stage.heroku.formation['web'] = { quantity: 30, size: 'Standard-1X' };
    stage.heroku.script(above('cannot_update_above_limit', 100));
    expect(await stage.target.scaleTo(95, soon())).toMatchObject({ limitWorkers: 66 });
  });

  it('costs no second reading when the others have just been read', async () => {
    await stage.target.currentWorkers(0, soon());
    stage.heroku.script(above('cannot_update_above_limit', 100));
    await stage.target.scaleTo(95, soon());
    expect(stage.heroku.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH']);
  });

  it('remembers the other types after scaling, of which the reply tells nothing', async () => {
    await stage.target.currentWorkers(0, soon());
    await stage.target.scaleTo(5, soon());
    stage.heroku.script(above('cannot_update_above_limit', 100));
    expect(await stage.target.scaleTo(95, soon())).toMatchObject({ limitWorkers: 93 });
    expect(stage.heroku.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'PATCH']);
  });

  it('that explains nothing is a refusal', async () => {
    stage.heroku.script(above('cannot_run_above_limit', 400));
    await expect(stage.target.scaleTo(5, soon())).rejects.toMatchObject({
      code: 'TARGET_REJECTED',
      hint: expect.stringContaining('MAX_WORKERS') as string,
    });
  });

  it.each([['many'], [null], [-3], [2.5]])('of %j is a refusal', async (limit) => {
    stage.heroku.script(above('cannot_run_above_limit', limit));
    await expect(stage.target.scaleTo(5, soon())).rejects.toMatchObject({
      code: 'TARGET_REJECTED',
    });
  });
});
