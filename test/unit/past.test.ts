import { expect, test } from 'vitest';
import { createPast } from '../../src/commands/past.ts';
import { OperationalError } from '../../src/errors.ts';
import type { HistoryStore } from '../../src/state/history-store.ts';
import { minuteMs, noonMs, reportAt } from '../support/history.ts';
import { spanOfHours } from '../support/page-views.ts';

/** A history that counts how often it is asked, with the clock that goes with it. */
function stage(read: HistoryStore['read']) {
  let timeMs = noonMs;
  let reads = 0;
  const history: Pick<HistoryStore, 'read'> = {
    read(...words) {
      reads += 1;
      return read(...words);
    },
  };
  const past = createPast(
    () => history,
    () => timeMs,
  );
  return { past, passMs: (ms: number) => (timeMs += ms), reads: () => reads };
}

const last = reportAt(noonMs);
const ticks = [3, 2, 1, 0].map((minutes) => reportAt(noonMs - minutes * minuteMs));

test('is every tick before the last one once, oldest first', async () => {
  const { past } = stage((_pool, { stepMs }) =>
    // What is long ago is read in larger steps than the last hour, and what was read twice is told once.
    Promise.resolve({
      ticks: stepMs === undefined ? ticks.slice(1) : ticks.slice(0, 2),
      skipped: 0,
    }),
  );
  expect(await past(last, spanOfHours())).toEqual({ ticks: ticks.slice(0, 3) });
});

test('is read once for all who look within a few seconds, also when that fails', async () => {
  const { past, passMs, reads } = stage(() =>
    Promise.reject(new OperationalError('STATE_UNAVAILABLE', 'no answer', { hint: '' })),
  );
  await Promise.all([past(last, spanOfHours()), past(last, spanOfHours())]);
  const once = reads();
  expect(await past(last, spanOfHours())).toEqual({ why: 'no answer' });
  expect(reads()).toBe(once);
  passMs(5_000);
  await past(last, spanOfHours());
  expect(reads()).toBe(2 * once);
});

test('keeps a bug from passing for trouble with Redis', async () => {
  const { past } = stage(() => Promise.reject(new TypeError('a bug')));
  await expect(past(last, spanOfHours())).rejects.toThrow('a bug');
});

test('goes as far back as is asked, for each length of its own', async () => {
  const asked: (readonly [hours: number, stepMs: number | undefined])[] = [];
  const { past } = stage((_pool, { sinceMs, untilMs, stepMs }) => {
    asked.push([(untilMs - sinceMs) / 3_600_000, stepMs]);
    return Promise.resolve({ ticks: [], skipped: 0 });
  });
  for (const hours of [24, 24, 168]) await past(last, spanOfHours(hours));
  expect(asked).toEqual([
    [24, 5 * minuteMs],
    [1, undefined],
    [168, 60 * minuteMs],
    [1, undefined],
  ]);
});
