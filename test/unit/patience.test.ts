import { expect, test } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { waitUntil } from '../../src/patience.ts';

const never = new AbortController().signal;

/** Looks that answer in turn, or throw. */
function looks(...answers: (string | null | Error)[]) {
  return () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(answer ?? null);
  };
}

function waitFor(look: ReturnType<typeof looks>, patienceMs = 60_000, shutdown = never) {
  const told: string[] = [];
  const ended = waitUntil(look, {
    ...{ everyMs: 1, patienceMs, shutdown },
    onWaiting: (what) => told.push(what),
  });
  return { told, ended };
}

const away = new OperationalError('TARGET_UNAVAILABLE', 'Heroku is away', { hint: '' });
const refused = new OperationalError('TARGET_REJECTED', 'not with this token', { hint: '' });

test('waiting ends when nothing is left to wait for, and tells each thing once', async () => {
  const { told, ended } = waitFor(looks('two jobs', 'two jobs', 'one job', null));
  expect(await ended).toBeNull();
  expect(told).toEqual(['two jobs', 'one job']);
});

test('trouble that may pass is waited out, what will not go away is not', async () => {
  const { told, ended } = waitFor(looks(away, away, null));
  expect(await ended).toBeNull();
  expect(told).toEqual(['Heroku is away']);
  await expect(waitFor(looks(away, refused)).ended).rejects.toBe(refused);
});

test('patience, and whoever shuts down, end it with what it still waited for', async () => {
  expect(await waitFor(looks('one job'), 0).ended).toBe('one job');
  const shutdown = new AbortController();
  const { ended } = waitFor(looks('one job'), 60_000, shutdown.signal);
  shutdown.abort();
  expect(await ended).toBe('one job');
});
