import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { readPoolsText } from '../../src/config/pools-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoscaler-pools-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function load(path: string) {
  const environment = {
    REDIS_URL: 'redis://localhost',
    QUEUES: 'a',
    DRY_RUN: 'true',
    POOLS_FILE: path,
  };
  return () => loadConfig(environment, readPoolsText);
}

const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
  .concat(
    Array.from({ length: 9 }, (_, index) => {
      const [name, inner] = [String.fromCharCode(98 + index), String.fromCharCode(97 + index)];
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${inner}`).join(', ')}]`;
    }),
  )
  .join('\n');

test.each<[string, string | Buffer, RegExp]>([
  ['larger than any list of pools', Buffer.alloc(2 * 1024 * 1024, 'a'), /larger than 1 MB/],
  ['binary', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]), /not text in UTF-8/],
  ['nested deeply', `pools: ${'['.repeat(20_000)}`, /nested too deeply|not YAML/],
  ['a bomb of aliases', `${bomb}\npools: *j`, /aliases lead nowhere, or to too much/],
  [
    'of prototypes',
    'pools:\n  - { __proto__: { dryRun: true }, constructor: 1 }',
    /__proto__ is not known/,
  ],
  [
    'of a value that passes for a key, as where a space is missing',
    'pools: [{ name: a, herokuApiKey:7e57ab1e-secret }]',
    /^(?!.*7e57ab1e).*herokuApiKey… is not known: did you mean `herokuApiKey`/s,
  ],
  [
    'of more mistakes than anybody makes',
    `pools: [{ ${Array.from({ length: 5_000 }, (_, index) => `key${String(index)}: 1`).join(', ')} }]`,
    /^(?=.*5000 problems).{1,60000}\n  and 4900 more$/s,
  ],
  ['of one endless key', `pools: [{ ${'k'.repeat(900_000)}: 1 }]`, /^.{1,600}$/s],
  ['without end', '/dev/zero', /not a file/],
  ['a folder', '/', /not a file/],
])('a pools file that is %s is refused with a reason', (what, content, reason) => {
  const isPath = typeof content === 'string' && content.startsWith('/');
  const path = isPath ? content : join(folder, what);
  if (!isPath) writeFileSync(path, content);
  expect(load(path)).toThrow(reason);
  expect({}).not.toHaveProperty('dryRun');
});
