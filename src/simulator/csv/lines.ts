import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const chunkBytes = 64 * 1024;
/** A file of another kind may have no line breaks at all. */
const lineLengthMax = 100_000;

/**
 * The lines of a text file, a piece of the file at a time, so that it may be of any size. A byte order mark and the rest
 * of Windows line ends stay: they are white space, which is taken off the values.
 */
export function* readLines(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const chunk = Buffer.alloc(chunkBytes);
    let rest = '';
    for (;;) {
      const bytes = readSync(file, chunk);
      if (bytes === 0) break;
      const lines = (rest + decoder.write(chunk.subarray(0, bytes))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      if (rest.length > lineLengthMax) break;
    }
    rest += decoder.end();
    if (rest !== '') yield rest;
  } finally {
    closeSync(file);
  }
}

/** The values of a line; null when a quoted value does not end in it. */
export function splitLine(line: string): readonly string[] | null {
  if (!line.includes('"')) return line.split(',');
  const values: string[] = [];
  // A quoted value, in which "" stands for a quote, or one without quotes; then a comma or the end.
  const value = /(?:\s*"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;
  for (;;) {
    const match = value.exec(line);
    if (match === null) return null;
    const [, quoted, plain = '', end] = match;
    values.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '') return values;
  }
}
