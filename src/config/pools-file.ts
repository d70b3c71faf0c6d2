import { closest, distance } from 'fastest-levenshtein';
import { parseDocument, type Document } from 'yaml';
import { wordOf, type Problem } from './problem.ts';
import { scheduleText } from './schedule.ts';
import { variable, variableNames, type PoolVariable } from './variables.ts';

/** One entry of the file: the texts it gives, by variable, and how to name the place in a message. */
export type FilePool = {
  readonly label: string;
  readonly texts: ReadonlyMap<PoolVariable, string>;
};

const poolVariables = variableNames.filter(
  (name): name is PoolVariable => variable(name).scope === 'pool',
);
const nameByKey = new Map(poolVariables.map((name) => [fileKey(name), name]));
const fileBytesMax = 1024 * 1024;

/** `minWorkers` for `MIN_WORKERS`. */
export function fileKey(name: PoolVariable): string {
  return (
    variable(name).fileKey ??
    name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  );
}

/**
 * Reads the text of a pools file, `pools: [{ name, app, processType, queues, … }]`. Only the shape and the keys are
 * judged here. A value such as `$ORDERS_REDIS_URL` stands for that environment variable, so that no secret need be in
 * the file.
 */
export function parsePoolsFile(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: Problem[],
): readonly FilePool[] {
  const report = (place: string, message: string) =>
    problems.push({ variable: `POOLS_FILE ${place}`, value: null, message });
  if (text.length > fileBytesMax) {
    report('', 'is larger than 1 MB, which no list of pools is');
    return [];
  }
  const document = parseDocument(text);
  for (const { message } of document.errors) report('', `is not YAML: ${withoutQuotes(message)}`);
  if (document.errors.length > 0) return [];

  const root = contents(plainValue(document));
  const pools = root.get('pools');
  for (const key of root.keys()) {
    if (key !== 'pools') report(wordOf(key), 'is not known: the file has one key, `pools`');
  }
  if (!Array.isArray(pools) || pools.length === 0) {
    report(
      'pools',
      'must be a list with at least one pool: `pools: [{ name: emails, queues: [emails] }]`',
    );
    return [];
  }
  return pools.map((entry: unknown, index) => parsePool(entry, `pools[${String(index)}]`));

  function parsePool(entry: unknown, label: string): FilePool {
    const texts = new Map<PoolVariable, string>();
    if (!(entry instanceof Map))
      report(label, 'must be a mapping such as `{ name: emails, queues: [emails] }`');
    for (const [key, value] of contents(entry)) {
      const name = nameByKey.get(key);
      const word = wordOf(key);
      if (name === undefined) report(`${label}.${word}`, `is not known${suggestion(word)}`);
      else take(name, value, `${label}.${key}`);
    }
    return { label, texts };

    function take(name: PoolVariable, value: unknown, place: string) {
      const isList = name === 'SCHEDULE' && Array.isArray(value);
      const given = isList
        ? scheduleText(value, (part, message) => report(`${place}${part}`, message))
        : scalarText(value);
      if (given === undefined) report(place, 'must be a single value, or a list of names');
      const text = given ? fromEnvironment(given, place) : '';
      if (text !== '') texts.set(name, text);
    }
  }

  function fromEnvironment(value: string, place: string): string {
    const [, name] = /^\$([A-Z_][A-Z0-9_]*)$/.exec(value) ?? [];
    if (name === undefined) return value;
    const found = environment[name]?.trim() ?? '';
    if (found === '') report(place, `names the environment variable ${name}, which is not set`);
    return found;
  }
}

/**
 * What the parser says without what it quotes, which may be a secret on a line that merely is indented wrongly: after a
 * colon come words of the file, and after the first line a picture of it.
 */
function withoutQuotes(message: string): string {
  const [firstLine = ''] = message.split('\n', 1);
  const place = / at line \d+, column \d+/.exec(firstLine)?.[0] ?? '';
  const what = firstLine.replace(place, '').split(':', 1)[0] ?? '';
  return what.replaceAll(/[*&!]\S+/g, '…') + place;
}

/** @throws {Error} for a file that would grow without bound when its aliases are followed */
function plainValue(document: Document): unknown {
  try {
    return document.toJS({ mapAsMap: true, maxAliasCount: 100 });
  } catch (error) {
    // The text of this error names the alias.
    if (error instanceof ReferenceError)
      throw new Error('its aliases lead nowhere, or to too much');
    throw error;
  }
}

function contents(value: unknown): ReadonlyMap<string, unknown> {
  if (!(value instanceof Map)) return new Map();
  return new Map([...value].map(([key, item]) => [String(key), item as unknown]));
}

/** The text of a value as the environment would hold it; null when left empty, undefined when it has another shape. */
function scalarText(value: unknown): string | null | undefined {
  if (!Array.isArray(value)) return value === null ? null : plainText(value);
  const items = value.map(plainText);
  return items.includes(undefined) ? undefined : items.join(',');
}

function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** People type the variable's own name, a neighbour of a key, or something of their own. */
function suggestion(key: string): string {
  const keys = [...nameByKey.keys()];
  const sameVariable = poolVariables.find(
    (name) => name.replaceAll('_', '') === key.replaceAll(/[_-]/g, '').toUpperCase(),
  );
  if (sameVariable !== undefined) return `: write \`${fileKey(sameVariable)}\``;
  const nearest = closest(key, keys);
  if (distance(key, nearest) <= Math.max(2, key.length / 3))
    return `: did you mean \`${nearest}\`?`;
  return `: a pool has ${keys.join(', ')}`;
}
