import tseslint from 'typescript-eslint';
import { importTableRule } from './eslint-rules/import-table.js';

/**
 * Who may import whom: for each part of `src`, a file or a folder, which other parts or places in them, and which
 * packages. Its own files and, unless it is pure, Node's modules are free to each. This table is the architecture.
 */
const parts = {
  decision: { parts: [], packages: [], isPure: true },
  config: {
    parts: ['decision/overrides', 'decision/schedule', 'decision/types', 'decision/zone', 'scrub'],
    packages: ['fastest-levenshtein', 'yaml'],
  },
  queues: { parts: ['decision/types', 'errors', 'redis', 'redis-topology'], packages: ['ioredis'] },
  targets: { parts: ['deadline', 'errors', 'quote', 'scrub'], packages: ['undici', 'zod'] },
  cost: { parts: ['errors'], packages: [] },
  drain: { parts: ['decision/types', 'errors', 'redis', 'targets/target'], packages: ['zod'] },
  worker: { parts: ['drain/protocol'], packages: [] },
  state: {
    parts: [
      ...['config/kinds', 'config/settings', 'cost', 'deadline', 'decision/decide'],
      ...['decision/overrides', 'decision/types', 'errors'],
      ...['redis', 'telemetry/queue-report', 'telemetry/report', 'tick-record'],
    ],
    packages: ['ioredis', 'zod'],
  },
  maintenance: {
    parts: [
      ...['deadline', 'drain', 'errors', 'patience', 'queues/queue-source', 'redis'],
      ...['state/override-store', 'state/stored', 'targets'],
    ],
    packages: ['zod'],
  },
  loop: {
    parts: [
      ...['act', 'cost', 'deadline', 'decision', 'errors'],
      ...['observe', 'state/claim', 'tick-record'],
    ],
    packages: [],
  },
  observe: {
    parts: [
      ...['cost/ledger', 'deadline', 'decision', 'drain/workers', 'errors'],
      ...['queues/queue-source', 'state/lease', 'state/memory-store', 'targets/target'],
    ],
    packages: [],
  },
  act: {
    parts: [
      ...['deadline', 'decision/types', 'drain', 'errors'],
      ...['state/claim', 'state/lease', 'state/memory-store', 'targets/target', 'tick-record'],
    ],
    packages: [],
  },
  'tick-record': {
    parts: ['cost/ledger', 'decision/overrides', 'decision/types', 'drain/plan', 'errors'],
    packages: [],
  },
  delivery: {
    parts: ['deadline', 'quote', 'version'],
    packages: ['pbf', 'prom-client', 'snappyjs', 'undici'],
  },
  notifications: { parts: ['decision/types', 'decision/words', 'tick-record'], packages: [] },
  telemetry: {
    parts: [
      ...[
        'cost',
        'decision/overrides',
        'decision/types',
        'delivery/receiver',
        'drain/plan',
        'drain/verdict',
        'errors',
      ],
      ...['html', 'scrub', 'tick-record', 'version'],
    ],
    packages: ['pino', 'prom-client'],
  },
  simulator: {
    parts: ['decision', 'drain', 'errors', 'targets/target'],
    packages: ['highs'],
  },
  demo: {
    parts: ['commands/run', 'errors', 'worker/index'],
    packages: ['bullmq', 'ioredis', 'js-redis-server', 'zod'],
  },
  clock: { parts: [], packages: ['node-cron'] },
  watchdog: { parts: [], packages: [] },
  redis: { parts: ['deadline', 'errors', 'redis-topology', 'scrub'], packages: ['ioredis'] },
  'redis-topology': { parts: [], packages: ['ioredis'] },
  deadline: { parts: ['errors'], packages: [] },
  patience: { parts: ['deadline', 'errors'], packages: [] },
  errors: { parts: [], packages: [] },
  html: { parts: [], packages: ['d3-scale', 'd3-shape'] },
  quote: { parts: ['scrub'], packages: [] },
  scrub: { parts: [], packages: [] },
  version: { parts: [], packages: ['zod'] },
};

/** The commands and the command line wire everything together; nothing imports `main.ts`. */
const importTable = {
  ...parts,
  commands: {
    parts: Object.keys(parts),
    packages: ['fastest-levenshtein', 'pino', 'prom-client', 'zod'],
  },
  'command-line': { parts: [...Object.keys(parts), 'commands'], packages: [] },
  main: { parts: ['command-line'], packages: [] },
};

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules', '.mutants'] },
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
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(NewExpression[arguments.length=0], CallExpression)[callee.name=Date]',
          message: 'Time is passed in as nowMs.',
        },
      ],
      'no-restricted-imports': [
        'error',
        { name: 'node:process', message: 'The environment and the exit are passed in.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { architecture: { rules: { 'import-table': importTableRule } } },
    rules: { 'architecture/import-table': ['error', importTable] },
  },
);
