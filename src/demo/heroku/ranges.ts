import { rangeNotSatisfiable } from './api-error.ts';

export type Page<Item> = {
  /** 206 when more items follow. */
  readonly status: 200 | 206;
  readonly items: readonly Item[];
  readonly headers: Readonly<Record<string, string>>;
};

/** What a list may be sorted by, the default first. */
export type SortKeys<Item> = Readonly<Record<string, (item: Item) => string | number>>;

const defaultMax = 200;
const greatestMax = 1_000;

/**
 * The part of a list that a `Range` header such as `version ]3..; max=10, order=desc` asks for; `]` leaves out the
 * bound itself.
 * @throws {ApiError} 416
 * @see https://devcenter.heroku.com/articles/platform-api-reference#ranges
 */
export function pageOf<Item>(
  all: readonly Item[],
  keys: SortKeys<Item>,
  header: string | undefined,
): Page<Item> {
  const range = parseRange(header, Object.keys(keys));
  const keyOf = keys[range.key];
  if (keyOf === undefined) throw rangeNotSatisfiable(`Cannot sort by ${range.key}.`);
  const sign = range.order === 'desc' ? -1 : 1;
  const compare = (a: string | number, b: string | number) => sign * (a < b ? -1 : a > b ? 1 : 0);
  const selected = all
    .filter((item) => {
      const key = keyOf(item);
      const like = (bound: string) => (typeof key === 'number' ? Number(bound) : bound);
      const fromStart = range.start === '' ? 1 : compare(key, like(range.start));
      const toEnd = range.end === '' ? 1 : compare(like(range.end), key);
      return (range.isAfterStart ? fromStart > 0 : fromStart >= 0) && toEnd >= 0;
    })
    .sort((a, b) => compare(keyOf(a), keyOf(b)));
  const items = selected.slice(0, range.max);
  const [first, last] = [items[0], items.at(-1)];
  const options = `max=${range.max}${range.order === 'desc' ? ', order=desc' : ''}`;
  return {
    status: items.length < selected.length ? 206 : 200,
    items,
    headers: {
      'Accept-Ranges': Object.keys(keys).join(', '),
      ...(first === undefined || last === undefined
        ? {}
        : { 'Content-Range': `${range.key} ${keyOf(first)}..${keyOf(last)}` }),
      ...(last === undefined || items.length === selected.length
        ? {}
        : { 'Next-Range': `${range.key} ]${keyOf(last)}..${range.end}; ${options}` }),
    },
  };
}

function parseRange(header: string | undefined, keys: readonly string[]) {
  const text = header ?? `${keys[0] ?? ''} ..`;
  const match = /^(\w+) (\]?)([^.;]*)\.\.([^;]*)(?:;(.*))?$/.exec(text.trim());
  const [, key = '', bracket, start = '', end = '', options = ''] = match ?? [];
  if (!keys.includes(key)) throw rangeNotSatisfiable(`Range must begin with ${keys.join(' or ')}.`);
  const max = Number(/max=(\d+)/.exec(options)?.[1] ?? defaultMax);
  if (max < 1 || max > greatestMax)
    throw rangeNotSatisfiable(`max must be from 1 to ${greatestMax}.`);
  const order = options.includes('order=desc') ? 'desc' : 'asc';
  return { key, start, isAfterStart: bracket === ']', end, max, order } as const;
}
