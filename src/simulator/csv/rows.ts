import type { TraceJob } from '../trace.ts';
import { readLines, splitLine } from './lines.ts';

const required = ['arrival_seconds', 'service_seconds'] as const;
const optional = ['queue', 'name', 'known_at_seconds'] as const;
type Column = (typeof required)[number] | (typeof optional)[number];
const known: readonly string[] = [...required, ...optional];

/** Where a job goes that names no queue. */
const defaultQueue = 'default';
/** A time on the calendar instead of one since the beginning is far above this. */
const secondsMax = 366 * 86_400;
const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const shownMax = 60;

/** Told what is wrong with a line and what to write instead. */
type Report = (problem: string) => void;
type Header = { readonly places: ReadonlyMap<string, number>; readonly columns: number };

/**
 * The jobs of a trace as they come in the file. Whatever is wrong is reported and left out; with a wrong header there
 * are no jobs. `ignore` is told of columns that mean nothing here.
 */
export function* readRows(
  path: string,
  report: Report,
  ignore: (columns: readonly string[]) => void,
): Generator<TraceJob> {
  let header: Header | null = null;
  let lineNumber = 0;
  const shared = createPool();
  for (const line of readLines(path)) {
    lineNumber += 1;
    const reportHere = (problem: string): void => {
      report(`line ${lineNumber}: ${problem}`);
    };
    if (header === null) {
      header = readHeader(line, reportHere, ignore);
      if (header === null) return;
    } else if (line.trim() !== '') {
      const job = readJob(line, header, shared, reportHere);
      if (job !== null) yield job;
    }
  }
  if (lineNumber === 0) report('the file is empty');
}

function readHeader(
  line: string,
  report: Report,
  ignore: (columns: readonly string[]) => void,
): Header | null {
  const columns = (splitLine(line) ?? [line]).map((column) => column.trim().toLowerCase());
  const missing = required.filter((column) => !columns.includes(column));
  const twice = known.filter((column) => columns.indexOf(column) !== columns.lastIndexOf(column));
  if (missing.length > 0) {
    const form = `begin with a header such as ${required.join()}[,${optional.join()}]`;
    report(`${shown(line)} names no column ${missing.join(' and no ')}: ${form}`);
  }
  if (twice.length > 0) report(`names ${twice.join(' and ')} twice: leave one out`);
  if (missing.length > 0 || twice.length > 0) return null;
  const ignored = columns.filter((column) => !known.includes(column));
  if (ignored.length > 0) ignore(ignored);
  return {
    places: new Map(columns.map((column, place) => [column, place])),
    columns: columns.length,
  };
}

function readJob(
  line: string,
  { places, columns }: Header,
  shared: (text: string) => string,
  report: Report,
): TraceJob | null {
  const values = splitLine(line);
  if (values === null) {
    report('a quoted value does not end on its line: double a quote within quotes');
    return null;
  }
  if (values.length !== columns) {
    const hint = 'quote a value that contains a comma, and leave an unknown one empty';
    report(`has ${values.length} values for ${columns} columns: ${hint}`);
    return null;
  }
  const arrivalSeconds = seconds('arrival_seconds');
  const serviceSeconds = seconds('service_seconds');
  const knownAtSeconds =
    text('known_at_seconds') === '' ? arrivalSeconds : seconds('known_at_seconds');
  if (arrivalSeconds === null || serviceSeconds === null || knownAtSeconds === null) return null;
  if (knownAtSeconds > arrivalSeconds) {
    const problem = 'is after arrival_seconds: a delayed job is known before it is due';
    report(`known_at_seconds=${shown(text('known_at_seconds'))} ${problem}`);
    return null;
  }
  const queue = shared(text('queue')) || defaultQueue;
  const name = shared(text('name')) || queue;
  return { arrivalSeconds, serviceSeconds, queue, name, knownAtSeconds };

  function text(column: Column): string {
    const place = places.get(column);
    return place === undefined ? '' : (values?.[place] ?? '').trim();
  }

  function seconds(column: Column): number | null {
    const value = text(column);
    const problem = objection(value);
    if (problem !== null) report(`${column}=${shown(value)} ${problem}`);
    return problem === null ? Number(value) : null;
  }
}

function objection(value: string): string | null {
  if (value === '') return 'is missing: write seconds, such as 12.5';
  if (!number.test(value)) return 'is not a number: write seconds, such as 12.5';
  if (Number(value) < 0) return 'is negative: times count from the beginning of the trace, 0';
  if (Number(value) <= secondsMax) return null;
  return 'is more than a year: times count in seconds from the beginning of the trace, 0';
}

function shown(value: string): string {
  return JSON.stringify(value.length > shownMax ? `${value.slice(0, shownMax)}…` : value);
}

/** One copy of each of the words that come again and again; part of a line would keep the whole piece of the file. */
function createPool(): (text: string) => string {
  const copies = new Map<string, string>();
  const copiesMax = 10_000;
  return (text) => {
    const copy = copies.get(text) ?? text;
    if (copies.size < copiesMax) copies.set(copy, copy);
    return copy;
  };
}
