import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { permissionsFor } from '../../src/commands/check/redis-permissions.ts';
import { loadConfig } from '../../src/config/load.ts';
import { variableNames } from '../../src/config/variables.ts';
import { guidedRulesOf } from '../support/security-guide.ts';

const read = (path: string) => readFileSync(path, 'utf8');

test('what is generated from the code is up to date', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate.js', '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('app.json holds every config var and nothing that Heroku would refuse', () => {
  const app = JSON.parse(read('app.json')) as {
    env: Record<string, object>;
    formation: Record<string, { quantity: number }>;
  };
  expect(Object.keys(app.env)).toEqual(variableNames);
  expect(Object.keys(app)).not.toContain('$schema');
  const types = [...read('Procfile').matchAll(/^(\w+): exec /gm)].map(([, type]) => type);
  expect(Object.keys(app.formation)).toEqual(types);
});

test('the example pools file is one that the daemon accepts', () => {
  expect(parse(read('config/pools.example.yml'))).toHaveProperty('pools');
  const environment = {
    REDIS_URL: 'redis://localhost',
    HEROKU_APP_NAME: 'my-shop',
    HEROKU_API_KEY: 'HRKU-x',
    POOLS_FILE: 'config/pools.example.yml',
  };
  expect(loadConfig(environment, read).pools).toHaveLength(2);
});

test('the example environment is one that the daemon accepts', () => {
  const lines = read('config/example.env')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const environment = Object.fromEntries(
    lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  expect(loadConfig({ ...environment, HEROKU_API_KEY: 'HRKU-x' }, read).warnings).toEqual([]);
});

test('the guide permits in Redis what `check` says is needed, to the letter', () => {
  const toBeginWithNothing = ['resetchannels', '-@all'];
  const rules = guidedRulesOf('autoscaler').filter((rule) => !toBeginWithNothing.includes(rule));
  expect(rules).toEqual(permissionsFor({ queuePrefixes: ['bull'], canReadOnly: true }));
});

test('every test that ARCHITECTURE.md names as a guard exists', () => {
  const named = [...read('ARCHITECTURE.md').matchAll(/`(?:e2e\/)?([\w.-]+\.test\.ts)`/g)].map(
    ([, name]) => name,
  );
  const existing = readdirSync('test', { recursive: true }).map((path) =>
    String(path).split('/').at(-1),
  );
  expect(named.length).toBeGreaterThan(8);
  for (const name of named) expect(existing).toContain(name);
});

test('every file that a document links to exists', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
  for (const document of [...documents, 'docs/runbook.md', 'docs/walk.md']) {
    const links = [...read(document).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      ([, target]) => target ?? '',
    );
    for (const target of links)
      expect(existsSync(join(dirname(document), target)), `${document} links to ${target}`).toBe(
        true,
      );
  }
});

test('the README shows what commands say as a real run wrote it, and nothing else', () => {
  const readme = read('README.md');
  const blocks = /<!-- transcript-(\w+):begin -->\n\n([^]*?)\n\n<!-- transcript-\1:end -->/g;
  const transcripts = [...readme.matchAll(blocks)].map(([, , text = '']) => text);
  const shown = transcripts.flatMap((text) => [...text.matchAll(/^\$ backlog-autoscaler (\w+)/gm)]);
  expect(new Set(shown.map(([, command]) => command))).toEqual(
    new Set([
      ...['check', 'once', 'explain', 'history', 'report', 'simulate', 'restart', 'maintenance'],
      ...['pause', 'resume', 'set', 'unset', 'overrides'],
    ]),
  );
  for (const text of transcripts) expect(text).toMatch(/^```console\n[^]+\n```$/);
  expect(readme.replaceAll(blocks, '')).not.toMatch(/^\$ /m);
});

test.each([
  ['restart', /dynos restarted$/m],
  ['maintenance', /^Done: /m],
])('the README shows a `%s` that went well', (command, end) => {
  const [, transcript = ''] = read('README.md').split(`<!-- transcript-${command}:`);
  expect(transcript).toMatch(end);
});
