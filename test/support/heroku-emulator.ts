import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  startHerokuEmulator,
  type HerokuEmulator,
  type HerokuEmulatorOptions,
} from '../../src/demo/heroku/emulator.ts';

export const apiKey = 'HRKU-test';

export type ApiResponse = {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or undefined when there was none. */
  readonly body: unknown;
};

export type TestHeroku = HerokuEmulator & {
  /** Every log line so far. */
  readonly lines: readonly string[];
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiResponse>;
};

/** Long enough that no process ever starts: for tests of the API alone. */
export const neverBoots = [3_600, 3_600] as const;

/** An app named `demo` with scripts in its directory; everything is short, and ends with the test. */
export async function startTestHeroku(
  options: Partial<HerokuEmulatorOptions> & { readonly scripts?: Record<string, string> } = {},
): Promise<TestHeroku> {
  const { scripts = {}, ...overrides } = options;
  const directory = await mkdtemp(join(tmpdir(), 'autoscaler-heroku-'));
  for (const [name, script] of Object.entries(scripts))
    await writeFile(join(directory, name), script);
  const lines: string[] = [];
  const emulator = await startHerokuEmulator({
    appName: 'demo',
    apiKey,
    directory,
    procfile: 'web: sleep 60\nworker: sleep 60\nclock: sleep 60',
    formation: {},
    env: {},
    log: (line) => lines.push(line),
    bootSeconds: [0, 0],
    stopDelaySeconds: 0,
    killGraceSeconds: 10,
    ...overrides,
  });
  onTestFinished(async () => {
    await emulator.close();
    await rm(directory, { recursive: true });
  });
  return { ...emulator, lines, call: (...request) => call(emulator.url, ...request) };
}

async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiResponse> {
  const response = await fetch(url + path, {
    method,
    headers: {
      accept: 'application/vnd.heroku+json; version=3',
      authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}
