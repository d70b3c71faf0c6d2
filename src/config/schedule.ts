import type { Window } from '../decision/schedule.ts';
import { isTimeZone } from '../decision/zone.ts';
import { duration, integer, Misfit, type Kind } from './kinds.ts';
import { wordOf } from './problem.ts';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const dayMs = 24 * 60 * 60_000;

/** What a window may set, and how that is written. */
export const windowSettings = {
  minWorkers: integer(0, 10_000),
  maxWorkers: integer(0, 10_000),
  targetWait: duration({ minMs: 1_000, maxMs: 7 * dayMs }),
} as const satisfies Readonly<Record<string, Kind<number>>>;
type WindowSetting = keyof typeof windowSettings;

/** More than any week needs; each costs a little at every tick. */
const windowsMax = 100;

/**
 * Windows separated by semicolons, the first that matches counts:
 * `mon-fri 08:00-18:00 Europe/Berlin minWorkers=5; sat,sun 00:00-24:00 Europe/Berlin maxWorkers=3`
 */
export const schedule: Kind<readonly Window[]> = {
  form: 'windows such as `mon-fri 08:00-18:00 Europe/Berlin minWorkers=5`, separated by `;`',
  parse(value) {
    const texts = value.split(';').map((text) => text.trim());
    const filled = texts.filter((text) => text !== '');
    if (filled.length === 0)
      throw new Misfit('has no window: mon-fri 08:00-18:00 Europe/Berlin minWorkers=5 is one');
    if (filled.length > windowsMax) throw new Misfit(`has more than ${String(windowsMax)} windows`);
    const problems: string[] = [];
    const windows = filled.map((text, index) => {
      const label = filled.length === 1 ? '' : `window ${String(index + 1)} `;
      return parseWindow(text, (problem) => problems.push(`${label}${problem}`));
    });
    if (problems.length > 0) throw new Misfit(problems.join('; '));
    return windows.filter((window) => window !== null);
  },
};

/** One window: days, times, time zone, and what holds then. Null when there is a problem. */
function parseWindow(text: string, report: (problem: string) => void): Window | null {
  const problems: string[] = [];
  const complain = (problem: string) => problems.push(problem);
  const words = text.split(/\s+/);
  const [days = '', times = '', timeZone = ''] = words;
  const given = words.slice(3);
  const when = { ...parseDays(days, complain), ...parseTimes(times, complain) };
  if (timeZone === '' || timeZone.includes('=') || !isTimeZone(timeZone))
    complain('needs a time zone after the times, such as Europe/Berlin or UTC');
  if (given.length === 0)
    complain('sets nothing: add minWorkers=5, maxWorkers=20 or targetWait=2m');
  const values = parseSettings(given, complain);
  const { minWorkers, maxWorkers, targetWait } = values;
  if (minWorkers !== null && maxWorkers !== null && minWorkers > maxWorkers)
    complain(`has minWorkers=${String(minWorkers)} above maxWorkers=${String(maxWorkers)}`);
  problems.forEach(report);
  if (problems.length > 0) return null;
  return {
    ...{ text: words.slice(0, 3).join(' '), ...when, timeZone, minWorkers, maxWorkers },
    targetWaitSeconds: targetWait === null ? null : targetWait / 1000,
  };
}

/** `mon-fri`, `sat,sun`, `daily`, `2026-12-24`, or several of them. */
function parseDays(
  text: string,
  complain: (problem: string) => void,
): Pick<Window, 'weekdays' | 'dates'> {
  const found = { weekdays: new Set<number>(), dates: new Set<number>() };
  for (const item of text.toLowerCase().split(',')) {
    const [first = '', last = first] = item === 'daily' ? ['mon', 'sun'] : item.split('-');
    const [from, to] = [weekdays.indexOf(first), weekdays.indexOf(last)];
    const date = dateOf(item);
    if (date !== null) found.dates.add(date);
    else if (from === -1 || to === -1 || item.split('-').length > 2)
      complain('begins with its days: mon-fri, sat,sun, daily or a date such as 2026-12-24');
    else
      for (let day = 0; day <= (to - from + 7) % 7; day += 1) found.weekdays.add((from + day) % 7);
  }
  return { weekdays: [...found.weekdays].sort(), dates: [...found.dates] };
}

function dateOf(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  // 30 February is read as a day of March.
  const isReal = Number.isFinite(atMs) && new Date(atMs).toISOString().startsWith(text);
  return isReal ? atMs / dayMs : null;
}

/** `08:00-18:00`, or `22:00-06:00` over midnight. */
function parseTimes(
  text: string,
  complain: (problem: string) => void,
): Pick<Window, 'fromMinutes' | 'toMinutes'> {
  const [, from = '', to = ''] = /^(\d\d?:\d\d)-(\d\d?:\d\d)$/.exec(text) ?? [];
  const [fromMinutes, toMinutes] = [minutesOf(from), minutesOf(to)];
  if (fromMinutes === null || toMinutes === null || fromMinutes === 24 * 60)
    complain('needs its times after the days, such as 08:00-18:00, or 22:00-06:00 over midnight');
  else if (fromMinutes === toMinutes) complain('ends when it begins: 00:00-24:00 is a whole day');
  return { fromMinutes: fromMinutes ?? 0, toMinutes: toMinutes ?? 0 };
}

function minutesOf(text: string): number | null {
  const [, hours = NaN, minutes = NaN] = /^(\d\d?):(\d\d)$/.exec(text) ?? [];
  const sum = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && sum <= 24 * 60 ? sum : null;
}

function parseSettings(
  words: readonly string[],
  complain: (problem: string) => void,
): Readonly<Record<WindowSetting, number | null>> {
  const values: Record<WindowSetting, number | null> = {
    ...{ minWorkers: null, maxWorkers: null, targetWait: null },
  };
  for (const word of words) {
    const [name = '', value = ''] = word.split(/=(.*)/s);
    const setting = Object.keys(windowSettings).find((known) => known === name) as
      WindowSetting | undefined;
    if (setting === undefined) {
      complain(
        'sets something else than minWorkers, maxWorkers or targetWait, such as minWorkers=5',
      );
      continue;
    }
    if (values[setting] !== null) complain(`sets ${setting} twice`);
    try {
      values[setting] = windowSettings[setting].parse(value);
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      complain(`has a ${setting} that ${error.message}`);
    }
  }
  return values;
}

/**
 * The text of a schedule that a pools file has as a list of mappings,
 * `[{ days: mon-fri, from: 08:00, to: 18:00, timeZone: Europe/Berlin, minWorkers: 5 }]`; null when there is a problem.
 */
export function scheduleText(
  entries: readonly unknown[],
  report: (place: string, problem: string) => void,
): string | null {
  const known = ['days', 'from', 'to', 'timeZone', ...Object.keys(windowSettings)];
  const problems: string[] = [];
  const complain = (place: string, problem: string) => {
    problems.push(problem);
    report(place, problem);
  };
  const windows = entries.map((entry, index) => {
    const place = `[${String(index)}]`;
    const texts = new Map<string, string>();
    for (const [key, value] of entry instanceof Map ? (entry as Map<unknown, unknown>) : []) {
      const text = (Array.isArray(value) ? value : [value]).map(String).join(',');
      if (!known.includes(String(key)))
        complain(
          `${place}.${wordOf(String(key))}`,
          `is not known: a window has ${known.join(', ')}`,
        );
      else if (/[\s;=]/.test(text)) complain(`${place}.${String(key)}`, 'must be a single word');
      else texts.set(String(key), text);
    }
    const missing = known.slice(0, 4).filter((key) => !texts.has(key));
    if (missing.length > 0) complain(place, `lacks ${missing.join(', ')}`);
    const of = (key: string) => texts.get(key) ?? '';
    const when = [of('days'), `${of('from')}-${of('to')}`, of('timeZone')];
    const settings = known.slice(4).filter((key) => texts.has(key));
    return [...when, ...settings.map((key) => `${key}=${of(key)}`)].join(' ');
  });
  return problems.length === 0 ? windows.join('; ') : null;
}
