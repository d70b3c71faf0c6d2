import { dayAt, momentOf } from './zone.ts';

/** What holds instead of the configured values at certain times. */
export type Window = {
  /** When it is, as people write it: `mon-fri 08:00-18:00 Europe/Berlin`. */
  readonly text: string;
  /** The days on which it begins: 0 is Monday. */
  readonly weekdays: readonly number[];
  /** Single days on which it begins as well, as days since 1 January 1970. */
  readonly dates: readonly number[];
  readonly fromMinutes: number;
  /** Up to 24:00; a time that is not after `fromMinutes` is that of the next day. */
  readonly toMinutes: number;
  readonly timeZone: string;
  readonly minWorkers: number | null;
  readonly maxWorkers: number | null;
  readonly targetWaitSeconds: number | null;
};

/** A window on one of its days. */
type Occurrence = { readonly window: Window; readonly fromMs: number; readonly toMs: number };

/** The window that counts at a moment: the first one in the list that has begun and not ended. */
export function windowAt(windows: readonly Window[], atMs: number): Occurrence | null {
  for (const window of windows) {
    // Where clocks are set back at midnight it may be yesterday once more when a window of today has begun.
    const found = occurrences(window, atMs, 1).find(
      ({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs,
    );
    if (found !== undefined) return found;
  }
  return null;
}

/** When windows begin or end within so many days after a moment, in order and each moment once. */
export function boundariesAfter(
  windows: readonly Window[],
  atMs: number,
  days: number,
): readonly { readonly atMs: number; readonly timeZone: string }[] {
  const all = windows.flatMap((window) =>
    occurrences(window, atMs, days).flatMap(({ fromMs, toMs }) =>
      [fromMs, toMs].map((boundaryMs) => ({ atMs: boundaryMs, timeZone: window.timeZone })),
    ),
  );
  const later = all.filter((boundary) => boundary.atMs > atMs);
  const once = new Map(later.map((boundary) => [boundary.atMs, boundary]));
  return [...once.values()].sort((one, other) => one.atMs - other.atMs);
}

/** Those that began the day before at the earliest, and begin so many days after at the latest. */
function occurrences(window: Window, atMs: number, days: number): readonly Occurrence[] {
  const { timeZone, fromMinutes, toMinutes } = window;
  const today = dayAt(atMs, timeZone);
  return Array.from({ length: days + 2 }, (_, index) => today - 1 + index)
    .filter((day) => isDayOf(window, day))
    .map((day) => ({
      window,
      fromMs: momentOf(day, fromMinutes, timeZone),
      toMs: momentOf(toMinutes > fromMinutes ? day : day + 1, toMinutes, timeZone),
    }));
}

function isDayOf({ weekdays, dates }: Window, day: number): boolean {
  // The first of January 1970 was a Thursday.
  return weekdays.includes((day + 3) % 7) || dates.includes(day);
}
