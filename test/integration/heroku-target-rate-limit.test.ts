import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHerokuStage, type HerokuStage } from '../support/heroku-stage.ts';
import { jsonFault } from '../support/scripted-heroku.ts';

const soon = () => AbortSignal.timeout(20_000);
const rateLimited = { code: 'TARGET_RATE_LIMITED' };
const tooMany = (headers: Record<string, string> = {}) =>
  jsonFault(429, { id: 'rate_limit', message: 'Your account reached the API rate limit' }, headers);

let stage: HerokuStage;
beforeEach(async () => (stage = await startHerokuStage()));
afterEach(() => stage.stop());
const read = () => stage.target.currentWorkers(0, soon());
const calls = () => stage.heroku.requests.length;

describe('after a 429', () => {
  it('nothing is asked for a while, and every call says until when; then all is well again', async () => {
    stage.heroku.script(tooMany());
    await expect(read()).rejects.toMatchObject(rateLimited);
    expect(calls()).toBe(1);

    const until = /no calls before \d{4}-\d\d-\d\dT[\d:.]+Z/;
    await expect(read()).rejects.toMatchObject({
      ...rateLimited,
      message: expect.stringMatching(until) as string,
    });
    stage.passSeconds(14);
    await expect(stage.target.scaleTo(5, soon())).rejects.toMatchObject(rateLimited);
    expect(calls()).toBe(1);

    stage.passSeconds(5);
    expect(await read()).toBe(2);
    expect(await stage.target.scaleTo(5, soon())).toEqual({ kind: 'scaled', workers: 5 });
  });

  it('all pools of the account are held back', async () => {
    stage.heroku.script(tooMany());
    await expect(read()).rejects.toMatchObject(rateLimited);
    await expect(stage.account.formation('other', soon())).rejects.toMatchObject(rateLimited);
    expect(calls()).toBe(1);
  });

  it('the pause doubles while it goes on, but always ends within a minute', async () => {
    stage.heroku.always(tooMany());
    for (const [quiet, over] of [
      [14, 19],
      [29, 38],
      [47, 61],
      [47, 61],
    ] as const) {
      const before = calls();
      await expect(read()).rejects.toMatchObject(rateLimited);
      expect(calls()).toBe(before + 1);
      stage.passSeconds(quiet);
      await expect(read()).rejects.toMatchObject(rateLimited);
      expect(calls()).toBe(before + 1);
      stage.passSeconds(over - quiet);
    }
  });

  it('the pause begins small again once a call got through', async () => {
    stage.heroku.script(tooMany(), tooMany());
    await expect(read()).rejects.toMatchObject(rateLimited);
    stage.passSeconds(61);
    await expect(read()).rejects.toMatchObject(rateLimited);
    stage.passSeconds(61);
    expect(await read()).toBe(2);
    stage.heroku.script(tooMany());
    await expect(read()).rejects.toMatchObject(rateLimited);
    stage.passSeconds(19);
    expect(await read()).toBe(2);
  });

  it('several refusals at the same moment count as one', async () => {
    stage.heroku.script(tooMany(), tooMany(), tooMany(), tooMany());
    await Promise.allSettled([read(), read(), read(), read()]);
    expect(calls()).toBe(4);
    stage.passSeconds(19);
    expect(await read()).toBe(2);
  });

  it.each([
    ['seconds', () => '40', 39, 51],
    ['an hour, which is cut', () => '3600', 58, 61],
    ['a date', () => new Date(Date.now() + 30_000).toUTCString(), 27, 39],
    ['a date that has passed', () => 'Thu, 01 Jan 1970 00:00:00 GMT', 0, 2],
    ['nonsense, which is ignored', () => 'soon', 14, 19],
  ])('Heroku may say how long: %s', async (_what, retryAfter, quiet, over) => {
    stage.heroku.script(tooMany({ 'Retry-After': retryAfter() }));
    await expect(read()).rejects.toMatchObject(rateLimited);
    stage.passSeconds(quiet);
    await expect(read()).rejects.toMatchObject(rateLimited);
    expect(calls()).toBe(1);
    stage.passSeconds(over - quiet);
    expect(await read()).toBe(2);
  });

  it('a clock that is set back does not make the pause longer', async () => {
    stage.heroku.script(tooMany());
    await expect(read()).rejects.toMatchObject(rateLimited);
    stage.passSeconds(-3_600);
    expect(await read()).toBe(2);
  });
});

describe('when few calls are left', () => {
  beforeEach(async () => {
    stage.heroku.remainingCalls = 449;
    await read();
    stage.heroku.formation['worker'] = { quantity: 8, size: 'Standard-1X' };
  });

  it('a reading is good for a minute, which leaves the calls to changes', async () => {
    stage.passSeconds(50);
    expect(await stage.target.currentWorkers(10_000, soon())).toBe(2);
    expect(calls()).toBe(1);
    stage.passSeconds(11);
    expect(await stage.target.currentWorkers(10_000, soon())).toBe(8);
  });

  it('a reading right before a change is as fresh as ever', async () => {
    stage.passSeconds(2);
    expect(await stage.target.currentWorkers(2_000, soon())).toBe(8);
  });

  it('changes are made down to the last call, and beyond', async () => {
    stage.heroku.remainingCalls = 0;
    await read();
    expect(await stage.target.scaleTo(5, soon())).toEqual({ kind: 'scaled', workers: 5 });
    expect(stage.account.remainingCalls()).toBe(0);
    expect(await stage.target.scaleTo(6, soon())).toEqual({ kind: 'scaled', workers: 6 });
  });

  it('readings are as fresh as they were once there are enough again', async () => {
    stage.heroku.remainingCalls = 450;
    await read();
    stage.heroku.formation['worker'] = { quantity: 9, size: 'Standard-1X' };
    stage.passSeconds(11);
    expect(await stage.target.currentWorkers(10_000, soon())).toBe(9);
  });

  it('a header that makes no sense changes nothing', async () => {
    stage.heroku.script(jsonFault(200, [], { 'RateLimit-Remaining': 'plenty' }));
    await read();
    expect(stage.account.remainingCalls()).toBe(449);
  });
});

describe('when pools look so often that the account would have no calls for others', () => {
  it('they look less often, all alike, and still right before a change', async () => {
    const targets = Array.from({ length: 16 }, () => stage.anotherTarget());
    const lookForSeconds = async (seconds: number) => {
      const before = calls();
      for (let passed = 0; passed < seconds; passed += 10) {
        for (const target of targets) await target.currentWorkers(10_000, soon());
        stage.passSeconds(10);
      }
      return calls() - before;
    };
    expect(await lookForSeconds(60)).toBe(96);
    expect(stage.timesOverused()).toBe(0);
    // 150 at once and one in 2 s, and what it takes until all have slowed down.
    expect(96 + (await lookForSeconds(840))).toBeLessThanOrEqual(150 + 450 + 2 * 16);
    expect(await lookForSeconds(600)).toBeLessThanOrEqual(300 + 16);
    expect(stage.timesOverused()).toBe(1);

    stage.heroku.formation['worker'] = { quantity: 8, size: 'Standard-1X' };
    for (const target of targets) expect(await target.currentWorkers(2_000, soon())).toBe(8);
    const before = calls();
    expect(await targets[0]?.scaleTo(3, soon())).toEqual({ kind: 'scaled', workers: 3 });
    expect(calls()).toBe(before + 1);
  }, 60_000);

  it('a reading that failed is not replaced by the one before, however calls are spared', async () => {
    await Promise.all(Array.from({ length: 400 }, () => stage.account.formation('demo', soon())));
    expect(await stage.target.currentWorkers(10_000, soon())).toBe(2);
    stage.heroku.formation['worker'] = { quantity: 8, size: 'Standard-1X' };
    stage.passSeconds(30);
    stage.heroku.script(jsonFault(403, { id: 'forbidden', message: 'no' }));
    await expect(stage.target.currentWorkers(0, soon())).rejects.toThrow('forbidden');
    expect(await stage.target.currentWorkers(10_000, soon())).toBe(8);
  });
});
