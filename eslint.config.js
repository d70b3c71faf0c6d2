import tseslint from 'typescript-eslint';

/**
 * Who may import whom, as folders or files of `src`. This table is the architecture.
 * A folder may always import its own files; `main.ts` and `commands/` wire everything and are not listed.
 */
const mayImport = {
  decision: [],
  config: ['errors'],
  queues: ['decision/types', 'errors', 'redis'],
  targets: ['errors', 'deadline'],
  state: [
    'decision/types',
    'decision/decide',
    'errors',
    'redis',
    'telemetry/report',
    'tick-record',
  ],
  telemetry: ['decision/types', 'drain/plan', 'drain/verdict', 'errors', 'tick-record', 'version'],
  demo: ['errors', 'commands/run', 'worker/index'],
  drain: ['decision/types', 'errors', 'redis', 'targets/target'],
  worker: ['drain/protocol'],
  'loop.ts': ['act', 'decision', 'errors', 'deadline', 'queues/queue-source', 'tick-record'],
  'act.ts': [
    'decision/types',
    'errors',
    'deadline',
    'drain',
    'targets/target',
    'state/memory-store',
    'tick-record',
  ],
  'tick-record.ts': ['decision/types', 'drain/plan', 'errors'],
  'redis.ts': ['errors', 'deadline'],
  'clock.ts': [],
  'deadline.ts': ['errors'],
  'errors.ts': [],
  'version.ts': [],
};

/** Which packages each part may use; whatever is not listed here uses none. Node's own modules are free except in `decision`. */
const mayUse = {
  config: ['yaml', 'fastest-levenshtein'],
  queues: ['ioredis'],
  targets: ['undici', 'zod'],
  state: ['ioredis', 'zod'],
  drain: ['ioredis', 'zod'],
  worker: ['bullmq', 'ioredis'],
  telemetry: ['prom-client', 'pino'],
  demo: ['bullmq', 'ioredis', 'js-redis-server', 'zod'],
  'redis.ts': ['ioredis'],
  'clock.ts': ['node-cron'],
  'version.ts': ['zod'],
};

const packages = [
  ...['bullmq', 'fastest-levenshtein', 'ioredis', 'js-redis-server', 'node-cron', 'pino'],
  ...['prom-client', 'undici', 'yaml', 'zod'],
];

/** Files directly in `src`, in a folder of it and one folder deeper reach `src` by ways of different length. */
const importBoundaries = Object.entries(mayImport).flatMap(([part, allowed]) =>
  part.endsWith('.ts')
    ? [boundary(part, allowed, `src/${part}`, '\\./')]
    : [
        boundary(part, allowed, `src/${part}/*.ts`, '\\.\\./'),
        boundary(part, allowed, `src/${part}/*/*.ts`, '\\.\\./\\.\\./'),
      ],
);

function boundary(part, allowed, files, wayToSource) {
  const places = allowed.map((place) => `${place}(/|\\.ts$)`).join('|') || '$^';
  const used = mayUse[part] ?? [];
  const forbidden = packages.filter((name) => !used.includes(name));
  const patterns = [
    {
      regex: `^${wayToSource}(?!${places})`,
      message: `src/${part} may import only: ${allowed.join(', ') || 'nothing outside itself'}.`,
    },
    {
      regex: `^(${forbidden.join('|')})(/|$)`,
      message: `src/${part} may use only these packages: ${used.join(', ') || 'none'}.`,
    },
    ...(part === 'decision' ? [{ regex: '^node:', message: 'src/decision is pure.' }] : []),
  ];
  return { files: [files], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'vitest.config.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
      'no-console': 'error',
    },
  },
  {
    // Types of replies, of processes and of queues meet here; the suites themselves are long by nature.
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // The environment and the clock are passed in, so that everything else can be tested without them.
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts', 'src/worker/index.ts', 'src/demo/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only main.ts, and worker/index.ts for the companion, read the environment.',
        },
        {
          object: 'AbortSignal',
          property: 'any',
          message: 'On Node 20 it may never fire: use withDeadline from deadline.ts.',
        },
        { object: 'Date', property: 'now', message: 'Time is passed in as nowMs.' },
      ],
    },
  },
  ...importBoundaries,
);
