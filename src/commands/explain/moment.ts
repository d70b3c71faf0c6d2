/** A moment that a person named, in Unix milliseconds: all of the minute or second that was named, so its end. */
export type Moment = { readonly untilMs: number } | { readonly problem: string };

const form =
  /^(?:(\d{4})-(\d\d)-(\d\d)[T ])?(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?\s?(Z|[+-]\d\d:?\d\d)?$/i;

export const momentExamples = '14:05, "2026-11-28 14:05" or 2026-11-28T14:05:00Z';

const minuteMs = 60_000;

/**
 * Reads `14:05`, `14:05:30`, `2026-11-28 14:05` or ISO 8601; without an offset in the time zone of the process. A time
 * without a date is the last one of that name.
 */
export function parseMoment(text: string, nowMs: number): Moment {
  const unreadable = { problem: `is no time that can be read: write ${momentExamples}` };
  const match = form.exec(text.trim());
  if (match === null) return unreadable;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const today = new Date(nowMs);
  const date =
    year === undefined
      ? ([today.getFullYear(), today.getMonth(), today.getDate()] as const)
      : ([Number(year), Number(month) - 1, Number(day)] as const);
  const time = [Number(hour), Number(minute), Number(second ?? 0)] as const;
  // What a calendar does not have, as 25:00, would otherwise count on into the next day.
  const written = new Date(Date.UTC(...date, ...time));
  const isReal =
    written.getUTCDate() === date[2] &&
    written.getUTCHours() === time[0] &&
    written.getUTCMinutes() === time[1] &&
    written.getUTCSeconds() === time[2];
  if (!isReal || (zone !== undefined && year === undefined)) return unreadable;

  const startMs =
    zone === undefined ? new Date(...date, ...time).getTime() : written.getTime() - offsetMs(zone);
  const dated = year === undefined && startMs > nowMs ? yesterday(date, time) : startMs;
  if (dated > nowMs) return { problem: 'is in the future' };
  if (fraction !== undefined) return { untilMs: dated + Number(fraction.padEnd(3, '0')) };
  return { untilMs: dated + (second === undefined ? minuteMs : 1_000) - 1 };
}

type Triple = readonly [number, number, number];

function yesterday([year, month, day]: Triple, time: Triple): number {
  return new Date(year, month, day - 1, ...time).getTime();
}

function offsetMs(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  const distance = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * minuteMs;
  return sign === '-' ? -distance : distance;
}

/** The time zone in which times are read and told. */
export function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `14:05:00`, with the date when that is not the day of `besideMs`. */
export function clock(atMs: number, besideMs: number): string {
  // The Swedish way to write a time is nearly that of ISO 8601.
  const written = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });
  const [date = '', time = ''] = written.format(atMs).split(' ');
  const isSameDay = written.format(besideMs).startsWith(date);
  return isSameDay ? time : `${date} ${time}`;
}
