import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Misfit } from '../../src/config/kinds.ts';
import { schedule } from '../../src/config/schedule.ts';
import { decide } from '../../src/decision/decide.ts';
import { noOverrides, type Override } from '../../src/decision/overrides.ts';
import { policyInForce, scheduledPolicy } from '../../src/decision/policy-in-force.ts';
import { boundariesAfter, windowAt } from '../../src/decision/schedule.ts';
import { memory, observation, policy } from '../support/builders.ts';

const office = 'mon-fri 08:00-18:00 Europe/Berlin minWorkers=5 maxWorkers=20';
const weekend = 'sat,sun 00:00-24:00 Europe/Berlin maxWorkers=3';
const pool = (text: string, known: Parameters<typeof policy>[0] = {}) =>
  policy({ minWorkers: 1, maxWorkers: 10, schedule: schedule.parse(text), ...known });
const bounds = (text: string, at: string) => {
  const { minWorkers, maxWorkers } = scheduledPolicy(pool(text), Date.parse(at));
  return [minWorkers, maxWorkers];
};
const inForce = (text: string, at: string, settings: readonly Override[] = []) =>
  policyInForce(
    pool(text),
    { ...noOverrides, settings },
    { nowMs: Date.parse(at), startSeconds: 40 },
  );

/** 2026-11-30 is a Monday; Berlin is an hour ahead of UTC in winter. */
describe('a window', () => {
  test.each([
    ['right before it begins', '2026-11-30T06:59:59.999Z', [1, 10]],
    ['when it begins', '2026-11-30T07:00:00Z', [5, 20]],
    ['right before it ends', '2026-11-30T16:59:59.999Z', [5, 20]],
    ['when it ends', '2026-11-30T17:00:00Z', [1, 10]],
    ['on another of its days', '2026-12-04T12:00:00Z', [5, 20]],
    ['on a day that another has', '2026-12-05T12:00:00Z', [1, 3]],
    ['when that one ends', '2026-12-06T23:00:00Z', [1, 10]],
  ])('counts, or does not, %s', (_, at, expected) => {
    expect(bounds(`${office}; ${weekend}`, at)).toEqual(expected);
  });

  test('follows the clocks of its place, not those of UTC', () => {
    expect(bounds(office, '2026-07-01T05:59:00Z')).toEqual([1, 10]);
    expect(bounds(office, '2026-07-01T06:00:00Z')).toEqual([5, 20]);
  });

  test('may go over midnight, and belongs to the day on which it begins', () => {
    const night = 'fri 22:00-06:00 UTC maxWorkers=2';
    expect(bounds(night, '2026-12-04T21:59:00Z')).toEqual([1, 10]);
    expect(bounds(night, '2026-12-05T05:59:00Z')).toEqual([1, 2]);
    expect(bounds(night, '2026-12-05T06:00:00Z')).toEqual([1, 10]);
    expect(bounds(night, '2026-12-05T23:00:00Z')).toEqual([1, 10]);
  });

  test('may be of one day only', () => {
    const sale = '2026-11-27,2026-11-30 00:00-24:00 UTC minWorkers=8';
    expect(bounds(sale, '2026-11-27T12:00:00Z')).toEqual([8, 10]);
    expect(bounds(sale, '2026-11-28T12:00:00Z')).toEqual([1, 10]);
  });

  test('may go from the end of a week to the beginning of the next', () => {
    const quiet = 'sat-mon 00:00-24:00 UTC maxWorkers=2';
    const days = [27, 28, 29, 30, 31].map((day) => `2026-11-${String(day)}T12:00:00Z`);
    expect(days.slice(0, 4).map((at) => bounds(quiet, at)[1])).toEqual([10, 2, 2, 2]);
  });

  test('that comes first counts where several match', () => {
    const text = 'daily 10:00-12:00 UTC maxWorkers=4; daily 09:00-17:00 UTC minWorkers=3';
    expect(bounds(text, '2026-12-01T09:30:00Z')).toEqual([3, 10]);
    expect(bounds(text, '2026-12-01T11:00:00Z')).toEqual([1, 4]);
  });

  test('may hold a wait', () => {
    const text = 'daily 09:00-17:00 UTC targetWait=90s';
    expect(scheduledPolicy(pool(text), Date.parse('2026-12-01T10:00:00Z'))).toMatchObject({
      ...{ leading: 'learned', targetWaitSeconds: 90 },
    });
  });

  test('lasts an hour less, or more, on the nights when clocks change', () => {
    const [window] = schedule.parse('daily 00:00-06:00 Europe/Berlin minWorkers=2');
    const hoursOn = (date: string) => {
      const found = windowAt(window ? [window] : [], Date.parse(`${date}T00:30:00Z`));
      return ((found?.toMs ?? 0) - (found?.fromMs ?? 0)) / 3_600_000;
    };
    expect(['2026-03-28', '2026-03-29', '2026-10-25'].map(hoursOn)).toEqual([6, 5, 7]);
  });

  test('tiles the time with its neighbours, whatever the zone and its clocks do', () => {
    const parts = ['00:00-02:30', '02:30-02:45', '02:45-22:00', '22:00-24:00'];
    const zone = fc.constantFrom(
      ...['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'],
      // There clocks are set back at midnight, so that it is yesterday once more.
      ...['America/Santiago', 'Africa/Cairo', 'Asia/Beirut'],
    );
    const from = Date.parse('2026-01-01T00:00:00Z');
    const dates = ['03-08', '03-29', '04-05', '10-25', '10-30'].map((day) => `2026-${day}`);
    const minute = fc.integer({ min: 0, max: 366 * 24 * 60 });
    const near = fc
      .constantFrom(...dates)
      .chain((date) =>
        fc
          .integer({ min: -180, max: 24 * 60 })
          .map((minutes) => (Date.parse(`${date}T00:00:00Z`) - from) / 60_000 + minutes),
      );
    fc.assert(
      fc.property(zone, fc.oneof(minute, near), (timeZone, minutes) => {
        const windows = parts.map((times) =>
          schedule.parse(`daily ${times} ${timeZone} minWorkers=1`),
        );
        const atMs = from + minutes * 60_000;
        expect(windows.filter((window) => windowAt(window, atMs) !== null)).toHaveLength(1);
      }),
    );
  });
});

test('a window that began goes on where clocks are then set back to the day before', () => {
  // In St. John’s it was midnight for a minute, and then 23:01 of the day before once more.
  const windows = schedule.parse('sun 00:00-02:00 America/St_Johns minWorkers=1');
  const seen = ['02:29', '02:30', '02:45', '05:29', '05:30'].map((time) =>
    windowAt(windows, Date.parse(`2010-11-07T${time}:00Z`)),
  );
  expect(seen.map((window) => window !== null)).toEqual([false, true, true, true, false]);
});

describe('what comes next', () => {
  test('is each beginning and end once, in order', () => {
    const text = `${office}; ${weekend}`;
    const after = boundariesAfter(schedule.parse(text), Date.parse('2026-12-04T12:00:00Z'), 3);
    expect(after.map(({ atMs }) => new Date(atMs).toISOString())).toEqual([
      '2026-12-04T17:00:00.000Z',
      '2026-12-04T23:00:00.000Z',
      '2026-12-05T23:00:00.000Z',
      '2026-12-06T23:00:00.000Z',
      '2026-12-07T07:00:00.000Z',
      '2026-12-07T17:00:00.000Z',
    ]);
  });

  test('is looked at when it comes, and a start time of a worker before', () => {
    const look = (at: string) => {
      const seen = observation(0, { observedAtMs: Date.parse(at) });
      const interval = { intervalSeconds: 3600 };
      return decide(seen, { ...inForce(office, at), ...interval }, memory()).decision
        .lookAgainAfterSeconds;
    };
    expect(look('2026-11-30T05:00:00Z')).toBeNull();
    expect(look('2026-11-30T06:58:20.5Z')).toBe(60);
    expect(look('2026-11-30T06:59:20Z')).toBe(40);
    expect(look('2026-11-30T16:59:00Z')).toBe(20);
    expect(look('2026-11-30T16:59:30Z')).toBe(30);
  });
});

describe('the policy of a window', () => {
  const saturday = Date.parse('2026-12-05T12:00:00Z');
  const of = (text: string) => scheduledPolicy(pool(text, { leading: 'ratio' }), saturday);

  test('has what the window sets, and says from where each comes', () => {
    const days = 'sat 00:00-24:00 UTC';
    const window = (text: string) => ({ window: { text, untilMs: Date.parse('2026-12-06') } });
    expect(of(`${days} minWorkers=2`)).toMatchObject({
      ...{ minWorkers: 2, maxWorkers: 10, leading: 'ratio', ...window(days) },
    });
    expect(of(`${days} minWorkers=2`).origins).toEqual({ minWorkers: `schedule, ${days}` });
    expect(of(`${days} maxWorkers=5`)).toMatchObject({ maxWorkers: 5, leading: 'ratio' });
    expect(of(`${days} maxWorkers=5`).origins).toEqual({ maxWorkers: `schedule, ${days}` });
    expect(of(`${days} targetWait=90s`)).toMatchObject({
      ...{ targetWaitSeconds: 90, leading: 'learned' },
    });
    expect(of(`${days} targetWait=90s`).origins).toEqual({ targetWait: `schedule, ${days}` });
    expect(of(`${days} targetWait=90s minWorkers=2 maxWorkers=5`).origins).toEqual({
      ...{ minWorkers: `schedule, ${days}`, maxWorkers: `schedule, ${days}` },
      targetWait: `schedule, ${days}`,
    });
  });
});

describe('a floor', () => {
  const sentence = (at: string, current = 1) => {
    const seen = observation(0, { observedAtMs: Date.parse(at), currentWorkers: current });
    const { steps, desiredWorkers } = decide(seen, inForce(office, at), memory()).decision;
    return [desiredWorkers, steps.at(-1)?.why];
  };

  test('is raised a start of a worker before its window, and says so', () => {
    expect(inForce(office, '2026-11-30T06:59:19.999Z')).toMatchObject({ minWorkers: 1 });
    expect(sentence('2026-11-30T06:59:20Z')).toEqual([
      5,
      'at least 5 (schedule from 08:00 Europe/Berlin on, and a worker takes up to 40s to start)',
    ]);
    expect(sentence('2026-11-30T07:00:00Z')).toEqual([
      5,
      'at least 5 (schedule, mon-fri 08:00-18:00 Europe/Berlin)',
    ]);
  });

  test('is raised likewise when a window ends that had a lower one', () => {
    const night = 'daily 22:00-06:00 UTC minWorkers=0 maxWorkers=0';
    expect(inForce(night, '2026-12-01T05:59:30Z')).toMatchObject({ minWorkers: 1, maxWorkers: 1 });
    expect(inForce(night, '2026-12-01T05:59:00Z')).toMatchObject({ minWorkers: 0, maxWorkers: 0 });
  });

  test('is the highest of all whose windows begin before a worker would be up', () => {
    const at = (time: string, one: number, other: number) =>
      policyInForce(
        pool(`mon 08:00-08:01 UTC minWorkers=${one}; mon 08:01-09:00 UTC minWorkers=${other}`),
        noOverrides,
        { nowMs: Date.parse(`2026-11-30T${time}Z`), startSeconds: 200 },
      ).minWorkers;
    expect(at('07:58:00', 7, 3)).toBe(7);
    expect(at('07:58:00', 3, 7)).toBe(7);
    expect(at('07:57:00', 3, 7)).toBe(3);
    expect(at('08:00:30', 7, 3)).toBe(7);
  });

  test('is not lowered before its window ends', () => {
    expect(inForce(office, '2026-11-30T16:59:59Z')).toMatchObject({ minWorkers: 5 });
  });
});

describe('what operators set', () => {
  const set = (setting: 'minWorkers' | 'maxWorkers', value: number): Override => ({
    ...{ setting, value, text: String(value), by: 'anna' },
    ...{ setAtMs: 0, untilMs: 9e14 },
  });

  test('counts before the schedule', () => {
    const at = '2026-11-30T12:00:00Z';
    expect(inForce(office, at, [set('minWorkers', 2)])).toMatchObject({ minWorkers: 2 });
    expect(inForce(office, at, [set('maxWorkers', 3)])).toMatchObject({
      ...{ minWorkers: 3, maxWorkers: 3 },
    });
  });

  test('as a minimum makes way for itself where the schedule has a lower maximum', () => {
    const at = '2026-12-05T12:00:00Z';
    expect(inForce(weekend, at, [set('minWorkers', 6)])).toMatchObject({
      ...{ minWorkers: 6, maxWorkers: 10 },
    });
    expect(inForce(weekend, at, [set('minWorkers', 6)]).origins['maxWorkers']).toBe('MAX_WORKERS');
    expect(inForce(weekend, at, [set('minWorkers', 60)])).toMatchObject({
      ...{ minWorkers: 10, maxWorkers: 10 },
    });
    // One that fits needs no room, and one with a maximum of its own has what was said.
    const fitting = inForce(weekend, at, [set('minWorkers', 3)]);
    expect(fitting).toMatchObject({ minWorkers: 3, maxWorkers: 3 });
    expect(fitting.origins['maxWorkers']).toMatch(/^schedule/);
    expect(inForce(weekend, at, [set('minWorkers', 6), set('maxWorkers', 4)])).toMatchObject({
      minWorkers: 4,
      maxWorkers: 4,
    });
    expect(inForce(weekend, at, [set('maxWorkers', 2)])).toMatchObject({ maxWorkers: 2 });
    const wide = inForce(office, '2026-11-30T12:00:00Z', [set('minWorkers', 60)]);
    expect(wide).toMatchObject({ minWorkers: 20, maxWorkers: 20 });
    expect(wide.origins['minWorkers']).toMatch(/^schedule.*; minWorkers=60 \(set by anna/);
  });
});

describe('the text of a schedule', () => {
  test.each([
    ['', 'has no window'],
    ['mon-fri', 'needs its times after the days'],
    ['mon-fry 08:00-18:00 UTC minWorkers=1', 'begins with its days'],
    ['2026-02-30 08:00-18:00 UTC minWorkers=1', 'begins with its days'],
    ['mon 08:00-08:00 UTC minWorkers=1', 'ends when it begins'],
    ['mon 24:00-25:00 UTC minWorkers=1', 'needs its times'],
    ['mon 08:60-18:00 UTC minWorkers=1', 'needs its times'],
    ['mon 08:00-18:00 minWorkers=1', 'needs a time zone'],
    ['mon 08:00-18:00 Europe/Berln minWorkers=1', 'needs a time zone'],
    ['mon 08:00-18:00 UTC', 'sets nothing'],
    ['mon 08:00-18:00 UTC minWorker=1', 'sets something else'],
    ['mon 08:00-18:00 UTC minWorkers=1 minWorkers=2', 'sets minWorkers twice'],
    ['mon 08:00-18:00 UTC minWorkers=x', 'has a minWorkers that must be a whole number'],
    ['mon 08:00-18:00 UTC targetWait=2', 'has a targetWait that has no unit'],
    ['mon 08:00-18:00 UTC minWorkers=5 maxWorkers=3', 'has minWorkers=5 above maxWorkers=3'],
  ])('%j is refused: %s', (text, reason) => {
    expect(() => schedule.parse(text)).toThrow(Misfit);
    expect(() => schedule.parse(text)).toThrow(reason);
  });

  test('is refused with every problem of every window at once', () => {
    expect(() => schedule.parse(`${office}; mon 8-18 UTC; tue 08:00-09:00 Nowhere x=1`)).toThrow(
      /window 2 needs its times.*window 2 sets nothing.*window 3 needs a time zone.*window 3 sets something else/,
    );
  });
});
