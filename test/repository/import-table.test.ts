import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, test } from 'vitest';

const eslint = new ESLint({
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  // The files below exist only here, so no project knows their types.
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) =>
    ruleId === 'architecture/import-table' || ruleId.startsWith('no-restricted-'),
});

async function complaints(filePath: string, code: string): Promise<readonly string[]> {
  const results = await eslint.lintText(code, { filePath });
  return results.flatMap(({ messages }) => messages.map(({ message }) => message));
}

const row = (part: string, what: string) => `src/${part} may ${what}`;

describe('the import table', () => {
  test.each([
    ['src/decision/decide.ts', `import { connect } from '../redis.ts'`],
    ['src/decision/a/b/deep.ts', `import { connect } from '../../../redis.ts'`],
    ['src/decision/decide.ts', `import { connect } from './../redis.ts'`],
    ['src/decision/decide.ts', `import { connect } from './a/../../redis.ts'`],
    ['src/decision/decide.ts', `import '../redis.ts'`],
    ['src/decision/decide.ts', `export { connect } from '../redis.ts'`],
    ['src/decision/decide.ts', `export * from '../redis.ts'`],
    ['src/decision/decide.ts', `export const loaded = import('../redis.ts')`],
    ['src/decision/decide.ts', `export type Redis = import('../redis.ts').RedisConnection`],
    ['src/decision/decide.ts', `import type { RedisConnection } from '../redis.ts'`],
    ['src/decision/decide.ts', `import { x } from '../../test/support/redis.ts'`],
    ['src/queues/queue-source.ts', `import { decide } from '../decision/decide.ts'`],
    ['src/queues/queue-source.ts', `import { decide } from '../decision/types-of-mine.ts'`],
    ['src/loop.ts', `import { loadConfig } from './config/load.ts'`],
    ['src/errors.ts', `import { startClock } from './clock.ts'`],
    ['src/commands/run.ts', `import '../main.ts'`],
    ['src/commands/check/answer.ts', `import '../../main.ts'`],
  ])('keeps %s from %s', async (filePath, code) => {
    const part = filePath.replace('.ts', '').split('/')[1] ?? '';
    expect(await complaints(filePath, code)).toEqual([
      expect.stringContaining(row(part, 'import only: ')),
    ]);
  });

  test.each([
    ['src/decision/decide.ts', `import { z } from 'zod'`],
    ['src/config/load.ts', `import { z } from 'zod/mini'`],
    ['src/config/load.ts', `import fc from '@stranger/package/part'`],
    ['src/config/load.ts', `export const later = import('undici')`],
    ['src/config/load.ts', `export type Z = import('zod').ZodType`],
    ['src/decision/decide.ts', `import { readFileSync } from 'fs'`],
    ['src/clock.ts', `import { readFileSync } from 'fs'`],
    ['src/main.ts', `import { z } from 'zod'`],
    ['src/telemetry/log.ts', `import { joinPool } from 'backlog-autoscaler/worker'`],
  ])('keeps %s from the package in %s', async (filePath, code) => {
    const part = filePath.replace('.ts', '').split('/')[1] ?? '';
    expect(await complaints(filePath, code)).toEqual([
      expect.stringContaining(row(part, 'use only these packages: ')),
    ]);
  });

  test.each([
    ['src/decision/decide.ts', `import { remember } from './stabilize.ts'`],
    ['src/queues/bullmq/probe.ts', `import { remember } from '../queue-source.ts'`],
    ['src/queues/bullmq/probe.ts', `import type { Policy } from '../../decision/types.ts'`],
    ['src/queues/bullmq/deep/probe.ts', `import { connect } from '../../../redis.ts'`],
    ['src/loop.ts', `import { decide } from './decision/decide.ts'; export * from './errors.ts'`],
    ['src/config/load.ts', `import { readFileSync } from 'node:fs'; import { parse } from 'yaml'`],
    ['src/targets/target.ts', `import { z } from 'zod/mini'`],
    ['src/commands/check/answer.ts', `import { loadConfig } from '../../config/load.ts'`],
    ['src/command-line.ts', `import { run } from './commands/run.ts'; import './loop.ts'`],
    [
      'src/command-line.ts',
      `export const demo = import('./commands/demo.ts'); export const own = 1`,
    ],
  ])('lets %s do %s', async (filePath, code) => {
    expect(await complaints(filePath, code)).toEqual([]);
  });

  test.each(['src/helpers/text.ts', 'src/helpers.ts', 'src/constructor.ts'])(
    'refuses %s until its part has a row',
    async (filePath) => {
      expect(await complaints(filePath, 'export const one = 1')).toEqual([
        expect.stringMatching(/^src\/\w+ has no row in the import table/),
      ]);
    },
  );

  test('refuses an import that it cannot judge', async () => {
    const code = `export const load = (name: string) => import(name)`;
    expect(await complaints('src/loop.ts', code)).toEqual(['An import must name its module.']);
  });

  test('keeps the decision from everything but computing', async () => {
    const code = `import { setTimeout } from 'node:timers/promises'`;
    expect(await complaints('src/decision/decide.ts', code)).toEqual([
      expect.stringContaining('src/decision is pure'),
    ]);
    expect(await complaints('src/loop.ts', code)).toEqual([]);
  });
});

test.each([
  'export const now = Date.now()',
  'export const now = new Date()',
  'export const now = Date()',
  'export const url = process.env.REDIS_URL',
  'export const { env } = process',
  `import { env } from 'node:process'; export { env }`,
])('only main.ts reads the clock and the environment: %s', async (code) => {
  expect(await complaints('src/loop.ts', code)).toHaveLength(1);
  expect(await complaints('src/main.ts', code)).toEqual([]);
});

test('a moment that was passed in may be made a date anywhere', async () => {
  expect(await complaints('src/loop.ts', 'export const at = new Date(7)')).toEqual([]);
});
