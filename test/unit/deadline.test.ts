import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { within, withDeadline } from '../../src/deadline.ts';
import { OperationalError } from '../../src/errors.ts';

const never = () => new Promise<never>(() => undefined);
const alive = () => new AbortController().signal;

test('gives up on what never answers, with the code it was given', async () => {
  const waiting = withDeadline(alive(), 20, (signal) =>
    within(signal, 'QUEUE_UNREADABLE', 'Redis', never()),
  );
  await expect(waiting).rejects.toMatchObject({
    code: 'QUEUE_UNREADABLE',
    message: 'Redis did not answer in time',
  });
});

test('fires although nothing but the work refers to the signal when garbage is collected', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const waiting = withDeadline(alive(), 300, (signal) =>
    within(signal, 'QUEUE_UNREADABLE', 'Redis', never()),
  );
  const outcome = waiting.catch((error: unknown) => error);
  await sleep(20);
  collectGarbage();
  await sleep(50);
  collectGarbage();
  expect(await Promise.race([outcome, sleep(5_000)])).toBeInstanceOf(OperationalError);
});

test('has any number wait for one deadline without a warning of Node', async () => {
  const warnings: Error[] = [];
  const collect = (warning: Error) => warnings.push(warning);
  process.on('warning', collect);
  await withDeadline(alive(), 60_000, (signal) =>
    Promise.all(
      Array.from({ length: 50 }, () => within(signal, 'QUEUE_UNREADABLE', 'Redis', sleep(1))),
    ),
  );
  process.off('warning', collect);
  expect(warnings).toEqual([]);
});

test('passes on what the work returns and what it throws', async () => {
  expect(await withDeadline(alive(), 1_000, () => Promise.resolve(7))).toBe(7);
  await expect(
    withDeadline(alive(), 1_000, () => Promise.reject(new Error('a bug'))),
  ).rejects.toThrow('a bug');
});

test('aborts with its parent, also one that was aborted before', async () => {
  const parent = new AbortController();
  const waiting = withDeadline(parent.signal, 60_000, (signal) =>
    within(signal, 'STATE_UNAVAILABLE', 'Redis', never()),
  );
  parent.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
  await expect(
    withDeadline(parent.signal, 60_000, (signal) =>
      within(signal, 'STATE_UNAVAILABLE', 'Redis', never()),
    ),
  ).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
});

test('a rejection that comes after the deadline ends nothing', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const { promise, reject } = withResolvers();
  const waiting = withDeadline(alive(), 10, (signal) =>
    within(signal, 'QUEUE_UNREADABLE', 'Redis', promise),
  );
  await expect(waiting).rejects.toBeInstanceOf(OperationalError);
  reject(new Error('too late'));
  await sleep(50);
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test.each([
  ['an answer', () => Promise.resolve(7), 60_000],
  ['a failure', () => Promise.reject(new Error('a bug')), 60_000],
  ['the deadline', never, 10],
])('leaves no listener and no timer behind after %s', async (_name, work, timeoutMs) => {
  const parent = alive();
  const timers = activeTimers();
  let inner: AbortSignal | undefined;
  await withDeadline(parent, timeoutMs, (signal) => {
    inner = signal;
    return within(signal, 'QUEUE_UNREADABLE', 'Redis', work());
  }).catch(() => undefined);
  expect(activeTimers()).toBeLessThanOrEqual(timers);
  expect(inner && getEventListeners(inner, 'abort')).toEqual([]);
  expect(getEventListeners(parent, 'abort')).toEqual([]);
});

function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}

function withResolvers(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, onError) => {
    reject = onError;
  });
  return { promise, reject };
}
