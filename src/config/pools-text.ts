import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Far more than any list of pools needs. */
const bytesMax = 1024 * 1024;

/**
 * The text of a pools file. Reads no more than a file of that kind can hold, whatever the path turns out to name.
 * @throws {Error} that says why it cannot be read
 */
export function readPoolsText(path: string): string {
  // Opening a pipe would wait for somebody to write into it.
  if (!statSync(path).isFile()) throw new Error('it is not a file');
  const bytes = Buffer.alloc(bytesMax + 1);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > bytesMax) throw new Error('it is larger than 1 MB, which no list of pools is');
    return textOf(bytes.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not text in UTF-8');
  }
}
