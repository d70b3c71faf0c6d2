/** What a value of a config var may look like: how it is read, and how the documents describe it. */
export type Kind<T> = {
  /** One short phrase for tables and messages, such as `a whole number from 0 to 10000`. */
  readonly form: string;
  /** @throws {Misfit} when the text is not of this form */
  readonly parse: (text: string) => T;
};

/** Says what is wrong with a value and what to write instead; never repeats the value, which may be secret. */
export class Misfit extends Error {}

export type ValueOf<K> = K extends Kind<infer T> ? T : never;

export function text(form: string, pattern: RegExp): Kind<string> {
  return {
    form,
    parse(value) {
      if (!pattern.test(value)) throw new Misfit(`must be ${form}`);
      return value;
    },
  };
}

export function integer(min: number, max: number): Kind<number> {
  const form = `a whole number from ${String(min)} to ${String(max)}`;
  return {
    form,
    parse(value) {
      const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
      if (!(number >= min && number <= max)) throw new Misfit(`must be ${form}`);
      return number;
    },
  };
}

/** Read as the number before the sign. */
export const percent: Kind<number> = {
  form: 'a whole number of percent, from `1%` to `100%`',
  parse(value) {
    const [, digits = '', sign] = /^(\d{1,3})(%?)$/.exec(value) ?? [];
    if (digits !== '' && sign === '') throw new Misfit(`has no sign: ${digits}%?`);
    const number = Number(digits);
    if (number < 1 || number > 100)
      throw new Misfit('must be a whole number of percent, from 1% to 100%');
    return number;
  },
};

export const boolean: Kind<boolean> = {
  form: '`true` or `false`',
  parse(value) {
    if (!/^(true|false)$/i.test(value)) throw new Misfit('must be true or false');
    return value.toLowerCase() === 'true';
  },
};

export function oneOf<const T extends string>(choices: readonly T[]): Kind<T> {
  const form =
    choices.length === 1
      ? `\`${choices.join()}\``
      : `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
  return {
    form,
    parse(value) {
      const found = choices.find((choice) => choice === value);
      if (found === undefined) throw new Misfit(`must be ${form.replaceAll('`', '')}`);
      return found;
    },
  };
}

/** Names separated by commas. */
export function list(form: string, pattern: RegExp): Kind<readonly string[]> {
  return {
    form,
    parse(value) {
      const items = value.split(',').map((item) => item.trim());
      if (items.some((item) => !pattern.test(item))) throw new Misfit(`must be ${form}`);
      return [...new Set(items)];
    },
  };
}

export function url(protocols: readonly string[]): Kind<string> {
  const form = `a URL that begins with ${protocols.map((protocol) => `\`${protocol}//\``).join(' or ')}`;
  return {
    form,
    parse(value) {
      const parsed = URL.canParse(value) ? new URL(value) : null;
      if (parsed === null || !protocols.includes(parsed.protocol) || parsed.host === '') {
        throw new Misfit(`must be ${form.replaceAll('`', '')}`);
      }
      return value;
    },
  };
}

/** A URL whose parts Redis can be given: credentials that decode, and at most the number of a database. */
export const redisUrl = withCredentials(url(['redis:', 'rediss:']), ({ pathname }) => {
  if (!/^\/?\d*$/.test(pathname))
    throw new Misfit('has a path that is not the number of a database');
});

/** A URL of the web, with credentials that decode if it has any. */
export const webUrl = withCredentials(url(['https:', 'http:']), () => undefined);

function withCredentials(kind: Kind<string>, examine: (url: URL) => void): Kind<string> {
  return {
    form: kind.form,
    parse(value) {
      try {
        const parsed = new URL(kind.parse(value));
        decodeURIComponent(parsed.username + parsed.password);
        examine(parsed);
        return value;
      } catch (error) {
        if (error instanceof Misfit && !/#/.test(value)) throw error;
        throw new Misfit(
          'has a password that must be percent-encoded: % as %25, # as %23, / as %2F',
        );
      }
    },
  };
}

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const durationForm = 'a number with a unit, such as `15s`, `10m`, `2h` or `1d`';

/** Read as milliseconds. */
export function duration(limits: { minMs: number; maxMs: number }): Kind<number> {
  return {
    form: durationForm,
    parse(value) {
      const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]*)$/.exec(value) ?? [];
      if (number === '') throw new Misfit(`must be ${durationForm.replaceAll('`', '')}`);
      if (unit === '') throw new Misfit(`has no unit: ${number}s or ${number}m?`);
      const unitMs = unitsMs[unit];
      if (unitMs === undefined)
        throw new Misfit(`has an unknown unit "${unit.slice(0, 20)}": use ms, s, m, h or d`);
      const durationMs = Number(number) * unitMs;
      if (durationMs < limits.minMs) throw new Misfit(`must be at least ${shortest(limits.minMs)}`);
      if (durationMs > limits.maxMs) throw new Misfit(`must be at most ${shortest(limits.maxMs)}`);
      return durationMs;
    },
  };
}

/** A duration after which a wall clock shows the same again: it divides a minute, an hour or a day evenly. */
export function interval(limits: { minMs: number; maxMs: number }): Kind<number> {
  const anyDuration = duration(limits);
  return {
    form: 'a duration from `1s` to `1d` that divides a minute, an hour or a day evenly',
    parse(value) {
      const intervalMs = anyDuration.parse(value);
      if (dividesEvenly(intervalMs)) return intervalMs;
      const { below, above } = neighbours(intervalMs);
      throw new Misfit(
        `must divide a minute, an hour or a day evenly: ${shortest(below)} or ${shortest(above)}?`,
      );
    },
  };
}

function dividesEvenly(intervalMs: number): boolean {
  return ['m', 'h', 'd'].some((unit) => ((unitsMs[unit] ?? NaN) / intervalMs) % 1 === 0);
}

/** The nearest whole seconds below and above that divide evenly; a second and a day always do. */
function neighbours(intervalMs: number): { below: number; above: number } {
  let below = Math.floor(intervalMs / 1000) * 1000;
  while (!dividesEvenly(below)) below -= 1000;
  let above = Math.ceil(intervalMs / 1000) * 1000;
  while (!dividesEvenly(above)) above += 1000;
  return { below, above };
}

/** The duration in its largest whole unit, as a person would write it. */
export function shortest(durationMs: number): string {
  const [unit, unitMs] = Object.entries(unitsMs).findLast(
    ([, ms]) => durationMs >= ms && durationMs % ms === 0,
  ) ?? ['ms', 1];
  return durationMs === 0 ? '0s' : `${String(durationMs / unitMs)}${unit}`;
}
