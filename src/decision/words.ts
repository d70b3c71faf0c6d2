const wholeNumber = new Intl.NumberFormat('en');

/** `1,240 ready jobs`, `1 ready job`: the count with the noun it needs. */
export function counted(count: number, noun: string): string {
  return `${wholeNumber.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A length of time as people say it: `45s`, `12m`, `3h`; the nearest unit is exact enough for a sentence. */
export function spoken(seconds: number): string {
  if (seconds < 90) return `${String(Math.round(seconds))}s`;
  if (seconds < 90 * 60) return `${String(Math.round(seconds / 60))}m`;
  return `${String(Math.round(seconds / 3600))}h`;
}

const unitSeconds = { d: 86_400, h: 3_600, m: 60 };

/** A length of time that somebody chose, so that it is not rounded: `90s`, `2m`, in the largest unit that is whole. */
export function asChosen(seconds: number): string {
  const [unit, length] = Object.entries(unitSeconds).find(
    ([, one]) => seconds >= one && seconds % one === 0,
  ) ?? ['s', 1];
  return `${String(seconds / length)}${unit}`;
}

/** `14:05 UTC`, with the date where that alone would leave the day open; logs of all time zones meet in this one. */
export function timeOfDay(atMs: number, isDated: boolean): string {
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  return `${isDated ? `${date} ` : ''}${time.slice(0, 5)} UTC`;
}
