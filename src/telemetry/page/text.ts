import { escape } from '../../html/escape.ts';

const grouped = new Intl.NumberFormat('en');

/** A count as people write it; what is not known is a question mark. */
export function number(value: number | null): string {
  return value === null ? '?' : grouped.format(value);
}

/** How much of a time is told, in UTC as everywhere: logs of all time zones meet in it. */
export type Precision = 'minutes' | 'seconds';

/** Times that are less than minutes apart are told by their seconds, too. */
export function precisionOf(lengthMs: number): Precision {
  return lengthMs < 60_000 ? 'seconds' : 'minutes';
}

/** `14:05` or `14:05:30`. */
export function clockTime(atMs: number, precision: Precision): string {
  return new Date(atMs).toISOString().slice(11, precision === 'minutes' ? 16 : 19);
}

/** `24 Nov`. */
export function dayName(atMs: number): string {
  return dayForm.format(atMs);
}

const dayForm = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', timeZone: 'UTC' },
});

/** A time of a report, which a browser and a person can read. */
export function timeElement(iso: string, precision: Precision): string {
  const text = iso.slice(11, precision === 'minutes' ? 16 : 19);
  return `<time datetime="${escape(iso)}">${escape(text)}</time>`;
}

export function badge(isHealthy: boolean): string {
  return isHealthy
    ? '<span class="badge good">healthy</span>'
    : '<span class="badge bad">not healthy</span>';
}
