const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Making one costs more than all questions that a tick asks it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, calendar: 'gregory', hourCycle: 'h23', year: 'numeric', month: 'numeric' },
      ...{ day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  formats.set(timeZone, format);
  return format;
}

/** Whether it is the name of a time zone that is known here. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What clocks on the wall show at a moment, as if that were UTC: milliseconds, exact to the second. */
function shownMs(atMs: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(atMs);
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((one) => one.type === type)?.value);
  const date = [part('year'), part('month') - 1, part('day')] as const;
  return Date.UTC(...date, part('hour'), part('minute'), part('second'));
}

/** The day that calendars show there at a moment, as days since 1 January 1970. */
export function dayAt(atMs: number, timeZone: string): number {
  return Math.floor(shownMs(atMs, timeZone) / dayMs);
}

/** `2026-11-30 08:00`, as clocks and calendars show it there. */
export function shownAt(atMs: number, timeZone: string): string {
  return new Date(shownMs(atMs, timeZone)).toISOString().slice(0, 16).replace('T', ' ');
}

/**
 * The first moment at which clocks there show this time of this day, or a later one. Where they are set forward over it,
 * that is the moment at which they are set; where they show it twice, because they are set back, it is the first time.
 * So an earlier time never comes after a later one, and windows that touch neither overlap nor leave a gap.
 */
export function momentOf(day: number, minutes: number, timeZone: string): number {
  const wanted = day * dayMs + minutes * minuteMs;
  const offsetAt = (atMs: number) => shownMs(atMs, timeZone) - atMs;
  // Nowhere are clocks changed twice within two days: one of these two offsets is in force at the moment in question.
  const offsets = [offsetAt(wanted - dayMs), offsetAt(wanted + dayMs)];
  const earliest = wanted - Math.max(...offsets);
  const latest = wanted - Math.min(...offsets);
  if (shownMs(earliest, timeZone) === wanted) return earliest;
  if (shownMs(latest, timeZone) === wanted) return latest;
  // Clocks are set forward over it, somewhere between these two.
  let [before, after] = [earliest, latest];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (shownMs(middle, timeZone) < wanted) before = middle;
    else after = middle;
  }
  return after;
}
