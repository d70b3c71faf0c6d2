import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import type { AssembledPool } from '../../src/commands/assemble.ts';
import type { Recorder } from '../../src/commands/recorder.ts';
import { startTicking } from '../../src/commands/ticking.ts';
import type { TickRecord } from '../../src/tick-record.ts';
import { hold, tick } from '../support/tick-records.ts';

const recorder = {
  recordTick: () => ({}),
  publish: () => Promise.resolve(),
  keep: () => Promise.resolve(),
} as unknown as Pick<Recorder, 'recordTick' | 'publish' | 'keep'>;

/** Runs a pool whose interval is a day until its ticks have brought these records, and none comes for a while. */
async function ticksOf(...records: Partial<TickRecord>[]): Promise<number> {
  const shutdown = new AbortController();
  let ticks = 0;
  const pool = {
    name: 'worker',
    intervalMs: 86_400_000,
    tick: () => {
      ticks += 1;
      return Promise.resolve(tick(records[ticks - 1] ?? { decision: hold, outcome: 'held' }));
    },
  } as unknown as AssembledPool;
  const { ended } = startTicking(shutdown.signal, [pool], recorder, pino({ level: 'silent' }));
  await sleep(500);
  shutdown.abort();
  await ended;
  return ticks;
}

const soon = { decision: { ...hold, lookAgainAfterSeconds: 0.02 }, outcome: 'held' } as const;

describe('a daemon that has looked', () => {
  test('looks again as soon as the decision asks, for as long as it does', async () => {
    expect(await ticksOf(soon, soon)).toBe(3);
  });

  test('waits for the interval otherwise, also after a failure', async () => {
    expect(await ticksOf({ decision: hold, outcome: 'held' })).toBe(1);
    expect(await ticksOf({ ...soon, outcome: 'failed' })).toBe(1);
  });
});
