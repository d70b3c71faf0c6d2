import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clock, parseMoment } from '../../src/commands/explain/moment.ts';

const zone = process.env['TZ'];
beforeAll(() => {
  process.env['TZ'] = 'Europe/Berlin';
});
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** In Berlin it is five seconds past half past three in the afternoon. */
const nowMs = Date.UTC(2026, 10, 28, 14, 30, 5);
const read = (text: string) => {
  const moment = parseMoment(text, nowMs);
  return 'problem' in moment ? moment.problem : new Date(moment.untilMs).toISOString();
};

describe('a time that a person names', () => {
  test.each([
    ['14:05', '2026-11-28T13:05:59.999Z'],
    ['9:05', '2026-11-28T08:05:59.999Z'],
    ['14:05:30', '2026-11-28T13:05:30.999Z'],
    ['15:30', '2026-11-28T14:30:59.999Z'],
    ['16:00', '2026-11-27T15:00:59.999Z'],
    ['2026-11-27 14:05', '2026-11-27T13:05:59.999Z'],
    ['2026-07-01 14:05', '2026-07-01T12:05:59.999Z'],
    ['2026-11-28T14:05', '2026-11-28T13:05:59.999Z'],
    ['2026-11-28T14:05:00Z', '2026-11-28T14:05:00.999Z'],
    ['2026-11-28T14:05:00.25Z', '2026-11-28T14:05:00.250Z'],
    ['2026-11-28T09:05:00-05:00', '2026-11-28T14:05:00.999Z'],
    ['2026-11-28 14:05 Z', '2026-11-28T14:05:59.999Z'],
    [' 14:05 ', '2026-11-28T13:05:59.999Z'],
  ])('%s', (text, iso) => {
    expect(read(text)).toBe(iso);
  });

  test.each([
    '',
    'noon',
    '25:00',
    '14:60',
    '14:05:61',
    '2026-02-30 14:05',
    '14:05Z',
    '14',
    '2026-11-28',
    '1e3:00',
  ])('but %j is none, and examples are given', (text) => {
    expect(read(text)).toMatch(/^is no time that can be read: write 14:05, /);
  });

  test('is not in the future', () => {
    expect(read('2026-11-28 15:31')).toBe('is in the future');
  });
});

test('a time is told with its date when that is another than today', () => {
  expect(clock(nowMs, nowMs)).toBe('15:30:05');
  expect(clock(nowMs - 16 * 3_600_000, nowMs)).toBe('2026-11-27 23:30:05');
});
