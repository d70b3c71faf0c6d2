import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayAt, isTimeZone, momentOf, shownAt } from '../../src/decision/zone.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / dayMs;
const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const at = (date: string, time: string, zone: string) =>
  new Date(momentOf(day(date), minutes(time), zone)).toISOString();

describe('the moment of a time somewhere', () => {
  test.each([
    ['2026-07-01', '08:00', 'Europe/Berlin', '2026-07-01T06:00:00.000Z', 'in summer'],
    ['2026-12-01', '08:00', 'Europe/Berlin', '2026-12-01T07:00:00.000Z', 'in winter'],
    ['2026-03-29', '01:59', 'Europe/Berlin', '2026-03-29T00:59:00.000Z', 'before a gap'],
    ['2026-03-29', '02:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z', 'where a gap begins'],
    ['2026-03-29', '02:30', 'Europe/Berlin', '2026-03-29T01:00:00.000Z', 'in a gap'],
    ['2026-03-29', '03:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z', 'where a gap ends'],
    ['2026-10-25', '02:00', 'Europe/Berlin', '2026-10-25T00:00:00.000Z', 'where clocks go back to'],
    ['2026-10-25', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z', 'that comes twice'],
    ['2026-10-25', '03:00', 'Europe/Berlin', '2026-10-25T02:00:00.000Z', 'after both'],
    ['2026-03-08', '02:30', 'America/New_York', '2026-03-08T07:00:00.000Z', 'in a gap of New York'],
    ['2026-11-01', '01:30', 'America/New_York', '2026-11-01T05:30:00.000Z', 'twice in New York'],
    ['2026-10-04', '02:15', 'Australia/Lord_Howe', '2026-10-03T15:30:00.000Z', 'in half an hour'],
    [
      '2018-11-04',
      '00:00',
      'America/Sao_Paulo',
      '2018-11-04T03:00:00.000Z',
      'a midnight that is not',
    ],
    [
      '2011-12-30',
      '12:00',
      'Pacific/Apia',
      '2011-12-30T10:00:00.000Z',
      'of a day that is left out',
    ],
    ['2026-06-01', '00:00', 'Asia/Kolkata', '2026-05-31T18:30:00.000Z', 'half an hour off'],
    ['2026-06-01', '24:00', 'UTC', '2026-06-02T00:00:00.000Z', 'at the end of the day'],
  ])('%s %s in %s is %s: one %s', (date, time, zone, expected) => {
    expect(at(date, time, zone)).toBe(expected);
  });

  /** Zones whose clocks change in different ways, and days near a change of each in some year. */
  const zones = [
    'Europe/Berlin',
    'Europe/Dublin',
    'America/New_York',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Asia/Kolkata',
    'Pacific/Apia',
    'America/Havana',
    'America/Santiago',
    'Africa/Cairo',
    'UTC',
  ];
  const place = fc.record({
    zone: fc.constantFrom(...zones),
    // Ten years, in which all of them but two change their clocks.
    day: fc.integer({ min: day('2010-01-01'), max: day('2027-12-31') }),
  });

  /** Days on which clocks change are rare, and are what this is about. */
  function changes(zone: string): readonly number[] {
    const found: number[] = [];
    for (let one = day('2010-01-01'); one < day('2028-01-01'); one += 1)
      if (momentOf(one + 1, 0, zone) - momentOf(one, 0, zone) !== dayMs) found.push(one);
    return found;
  }
  const onChange = fc.constantFrom(
    ...zones.flatMap((zone) => changes(zone).map((one) => ({ zone, day: one }))),
  );
  const anywhere = fc.oneof(place, onChange, onChange);
  const minute = fc.integer({ min: 0, max: 24 * 60 });

  test('is the first at which clocks there show it or more, as somebody sees who watches them', () => {
    fc.assert(
      fc.property(anywhere, minute, ({ zone, day: one }, time) => {
        const moment = momentOf(one, time, zone);
        const wanted = new Date(one * dayMs + time * minuteMs).toISOString();
        const shown = (atMs: number) => `${shownAt(atMs, zone).replace(' ', 'T')}:00.000Z`;
        expect(shown(moment) >= wanted).toBe(true);
        // Nobody saw it in the three hours before, unless clocks were set back after midnight of the day before.
        for (let before = 1; before <= 180; before += 1)
          expect(shown(moment - before * minuteMs) < wanted).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('never comes after that of a later time', () => {
    fc.assert(
      fc.property(anywhere, minute, minute, ({ zone, day: one }, early, late) => {
        const [first, second] = [Math.min(early, late), Math.max(early, late)];
        expect(momentOf(one, first, zone)).toBeLessThanOrEqual(momentOf(one, second, zone));
        expect(momentOf(one, 24 * 60, zone)).toBe(momentOf(one + 1, 0, zone));
      }),
    );
  });

  test('lies on its own day, unless that was left out', () => {
    fc.assert(
      fc.property(
        anywhere,
        fc.integer({ min: 0, max: 24 * 60 - 1 }),
        ({ zone, day: one }, time) => {
          const found = dayAt(momentOf(one, time, zone), zone);
          const isLeftOut = momentOf(one, 0, zone) === momentOf(one + 1, 0, zone);
          const isLastGap = momentOf(one, time, zone) === momentOf(one + 1, 0, zone);
          expect(found === one || isLeftOut || isLastGap).toBe(true);
        },
      ),
    );
  });
});

test('time zones are known by their names', () => {
  expect(['Europe/Berlin', 'UTC', 'America/New_York'].every(isTimeZone)).toBe(true);
  expect(['Europe/Berln', '', 'mon-fri', 'x y'].some(isTimeZone)).toBe(false);
});
