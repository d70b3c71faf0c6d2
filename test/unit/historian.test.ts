import pino from 'pino';
import { expect, test } from 'vitest';
import { createHistorian } from '../../src/commands/historian.ts';
import { OperationalError } from '../../src/errors.ts';
import type { Fullness, HistoryStore } from '../../src/state/history-store.ts';
import { noonMs, reportAt } from '../support/history.ts';

/** What the log says when keeping a tick ends in each of these ways, one after the other. */
async function logOf(ends: readonly (Fullness | Error | null)[], heldForMs: number | null = 1_000) {
  const lines: { level: number; msg: string; hint?: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line) as never) });
  let added = 0;
  const history = {
    add() {
      const end = ends[added] ?? null;
      added += 1;
      return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
    },
  } as unknown as HistoryStore;
  const keep = createHistorian(log);
  const pool = { name: 'worker', config: { DRY_RUN: false }, intervalMs: 60_000, history };
  for (const [place] of ends.entries())
    await keep(
      { ...pool, lease: { heldForMs: () => heldForMs } } as unknown as Parameters<typeof keep>[0],
      reportAt(noonMs + place),
    );
  return { lines, added };
}

const trouble = () => new OperationalError('STATE_UNAVAILABLE', 'Redis is away', { hint: 'Wait.' });
const full = { usedBytes: 20_500_000, maxBytes: 25_000_000 };

test('what keeps ticks out of the history is said once, and again when it comes back', async () => {
  const { lines } = await logOf([trouble(), trouble(), full, full, null, full]);
  expect(lines.map(({ msg }) => msg)).toEqual([
    'this tick is not in the history of worker: Redis is away',
    'this tick is not in the history of worker: Redis uses 21 MB of 25 MB, and the rest is left to the queues',
    'this tick is not in the history of worker: Redis uses 21 MB of 25 MB, and the rest is left to the queues',
  ]);
  expect(lines[0]?.hint).toBe('Wait.');
});

test('a daemon that stands by keeps nothing', async () => {
  expect((await logOf([null, null], null)).added).toBe(0);
});

test('a bug is not taken for trouble', async () => {
  await expect(logOf([new TypeError('a bug')])).rejects.toThrow('a bug');
});
