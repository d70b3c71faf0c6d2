import { describe, expect, test } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { createPace } from '../../src/targets/heroku/pacing.ts';

const rejected = () =>
  Promise.reject(new OperationalError('TARGET_REJECTED', 'wrong token', { hint: 'make one' }));
const unstretched = (pauseMs: number) => pauseMs;
const fine = () => Promise.resolve('fine');

/** Calls once a second, and counts what got through. */
async function everySecond(
  seconds: number,
  call: (atMs: number) => Promise<unknown>,
): Promise<number> {
  let failures = 0;
  for (let second = 0; second < seconds; second += 1) {
    await call(second * 1_000).catch(() => (failures += 1));
  }
  return failures;
}

describe('what fails at every tick', () => {
  test('is asked for a few times at first, then every ten seconds, and fails all the same', async () => {
    let nowMs = 0;
    let asked = 0;
    const pace = createPace(() => nowMs, unstretched);
    const failures = await everySecond(60, (atMs) => {
      nowMs = atMs;
      return pace('read', () => {
        asked += 1;
        return rejected();
      });
    });
    expect(failures).toBe(60);
    expect(asked).toBeGreaterThan(6);
    expect(asked).toBeLessThanOrEqual(9);
  });

  test('leaves reading alone too while only changes fail, because each change begins with one', async () => {
    let nowMs = 0;
    let asked = 0;
    const pace = createPace(() => nowMs, unstretched);
    const count =
      <T>(request: () => Promise<T>) =>
      () => {
        asked += 1;
        return request();
      };
    await everySecond(60, async (atMs) => {
      nowMs = atMs;
      await pace('read', count(fine));
      await pace('change', count(rejected));
    });
    expect(asked).toBeLessThanOrEqual(18);
  });

  test('waits longer while calls must be spared, but never more than a minute', async () => {
    let nowMs = 0;
    let asked = 0;
    const pace = createPace(
      () => nowMs,
      () => 600_000,
    );
    await everySecond(600, (atMs) => {
      nowMs = atMs;
      return pace('read', () => {
        asked += 1;
        return rejected();
      });
    });
    expect(asked).toBe(3 + 10);
  });

  test('is forgotten as soon as it works', async () => {
    let nowMs = 0;
    const pace = createPace(() => nowMs, unstretched);
    await expect(pace('read', rejected)).rejects.toThrow('wrong token');
    await expect(pace('read', rejected)).rejects.toThrow('wrong token');
    await expect(pace('read', fine)).rejects.toThrow('wrong token');
    nowMs += 10_000;
    expect(await pace('read', fine)).toBe('fine');
    await expect(pace('read', rejected)).rejects.toThrow('wrong token');
    expect(await pace('read', fine)).toBe('fine');
  });

  test('does not mind what has a pause of its own, or is a bug', async () => {
    const pace = createPace(() => 0, unstretched);
    const limited = () =>
      Promise.reject(new OperationalError('TARGET_RATE_LIMITED', 'wait', { hint: '' }));
    const broken = () => Promise.reject(new TypeError('a bug'));
    for (const failing of [limited, limited, limited, broken, broken]) {
      await expect(pace('read', failing)).rejects.toThrow();
    }
    expect(await pace('read', fine)).toBe('fine');
  });
});
