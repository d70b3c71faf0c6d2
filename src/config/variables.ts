import { schedule } from './schedule.ts';
import {
  boolean,
  duration,
  integer,
  interval,
  list,
  oneOf,
  percent,
  redisUrl,
  text,
  url,
  webUrl,
  type Kind,
  type ValueOf,
} from './kinds.ts';

type Variable = {
  readonly kind: Kind<unknown>;
  /** Used when the variable is unset or empty, and written as a person would write it. */
  readonly default?: string;
  /** What the documents say instead of a default. */
  readonly defaultNote?: string;
  /** `scaling`: required unless the pool is a dry run. A variable with neither this nor a default is null when unset. */
  readonly required?: 'always' | 'scaling';
  readonly isSecret?: true;
  /** Whether each pool of POOLS_FILE may have a value of its own. */
  readonly scope: 'pool' | 'process';
  /** Its name in POOLS_FILE, where that is not the variable's in camelCase. */
  readonly fileKey?: string;
  /** The value app.json proposes, where it differs from the default. */
  readonly herokuValue?: string;
  readonly example: string;
  readonly help: string;
};

const anyDuration = duration({ minMs: 0, maxMs: 7 * 86_400_000 });
const someDuration = duration({ minMs: 1_000, maxMs: 7 * 86_400_000 });

/**
 * Every config var, once. The types of the configuration follow from it; the table in README, the `env` of app.json and
 * config/example.env are generated from it.
 */
export const variables = {
  REDIS_URL: {
    kind: redisUrl,
    required: 'always',
    isSecret: true,
    scope: 'pool',
    example: 'rediss://host:6379',
    help: 'Where the queues live',
  },
  REDIS_TLS_REJECT_UNAUTHORIZED: {
    kind: boolean,
    default: 'true',
    scope: 'pool',
    herokuValue: 'false',
    example: 'false',
    help: '`false` accepts self-signed certificates, which Heroku Key-Value Store uses',
  },
  STATE_REDIS_URL: {
    kind: redisUrl,
    defaultNote: '`REDIS_URL`',
    isSecret: true,
    scope: 'process',
    example: 'rediss://other-host:6379',
    help: 'Where the autoscaler keeps its own state, if elsewhere',
  },
  QUEUE_SYSTEM: {
    kind: oneOf(['bullmq']),
    default: 'bullmq',
    scope: 'pool',
    example: 'bullmq',
    help: 'What kind of queues they are',
  },
  QUEUES: {
    kind: list(
      'queue names separated by commas (no name contains a colon), or `*` for all',
      /^[^:,]{1,512}$/,
    ),
    required: 'always',
    scope: 'pool',
    example: 'emails,reports',
    help: 'The queues the workers serve; `*` discovers all, also new ones',
  },
  QUEUE_PREFIX: {
    kind: text('a key prefix of at most 512 characters', /^[^\0]{1,512}$/),
    default: 'bull',
    scope: 'pool',
    example: 'bull',
    help: 'Key prefix of the queues',
  },
  HEROKU_APP_NAME: {
    kind: text('the name or id of a Heroku app', /^[A-Za-z0-9-]{1,64}$/),
    required: 'scaling',
    scope: 'pool',
    fileKey: 'app',
    example: 'my-shop',
    help: 'The app whose workers are scaled',
  },
  HEROKU_API_KEY: {
    kind: text(
      'a token as `heroku authorizations:create -s write` prints it',
      /^[\x21-\x7e]{1,512}$/,
    ),
    required: 'scaling',
    isSecret: true,
    scope: 'pool',
    example: 'HRKU-…',
    help: 'Token with scope `write`: `heroku authorizations:create -s write`',
  },
  HEROKU_API_URL: {
    kind: url(['https:', 'http:']),
    default: 'https://api.heroku.com',
    scope: 'pool',
    example: 'https://api.heroku.com',
    help: 'Where the Platform API answers',
  },
  PROCESS_TYPE: {
    kind: text('a process type from the Procfile', /^[-\w]{1,128}$/),
    default: 'worker',
    scope: 'pool',
    example: 'worker',
    help: 'The process type in that app’s Procfile that is scaled',
  },
  MIN_WORKERS: {
    kind: integer(0, 10_000),
    default: '1',
    scope: 'pool',
    example: '1',
    help: 'Never fewer workers than this; may be 0',
  },
  MAX_WORKERS: {
    kind: integer(0, 10_000),
    default: '10',
    scope: 'pool',
    example: '10',
    help: 'Never more workers than this',
  },
  CONCURRENCY: {
    kind: integer(1, 100_000),
    scope: 'pool',
    defaultNote: 'learned',
    example: '4',
    help: 'Jobs one worker runs at once, if you would rather say it',
  },
  EVENTS_PER_WORKER: {
    kind: integer(1, 1_000_000_000),
    default: '100',
    scope: 'pool',
    example: '100',
    help: 'Backlog one worker is expected to handle: workers = ⌈ready jobs ÷ this⌉',
  },
  TARGET_WAIT: {
    kind: someDuration,
    scope: 'pool',
    example: '2m',
    help: 'Hold the wait of jobs under this with what was learned of them, instead of events per worker',
  },
  POLL_INTERVAL: {
    kind: interval({ minMs: 1_000, maxMs: 86_400_000 }),
    default: '1m',
    scope: 'pool',
    example: '30s',
    help: 'Time between two looks: any duration from `1s` to `1d` that divides a minute, an hour or a day evenly',
  },
  SCALE_DOWN_STABILIZATION: {
    kind: anyDuration,
    defaultNote: '`5m`; with `TARGET_WAIT` `0s`',
    scope: 'pool',
    example: '5m',
    help: 'Scale down only to the highest recommendation of this long',
  },
  CONNECTION_BUDGET: {
    kind: percent,
    scope: 'pool',
    example: '80%',
    help: 'Share of the connections that Redis allows, within which the workers must find theirs',
  },
  WORKER_BUDGET: {
    kind: integer(1, 10_000),
    scope: 'process',
    example: '50',
    help: 'Most workers of all pools together',
  },
  POOL_WEIGHT: {
    kind: integer(1, 1_000),
    default: '1',
    scope: 'pool',
    fileKey: 'weight',
    example: '2',
    help: 'Part of `WORKER_BUDGET` that the pool has, against the weights of the others',
  },
  COST_BUDGET: {
    kind: integer(1, 1_000_000),
    scope: 'pool',
    example: '200',
    help: 'Dollars that the workers may cost in a month, at list price; never fewer than `MIN_WORKERS`',
  },
  SCHEDULE: {
    kind: schedule,
    scope: 'pool',
    example: 'mon-fri 08:00-18:00 Europe/Berlin minWorkers=5',
    help: 'Other values of `minWorkers`, `maxWorkers` or `targetWait` at certain times; the first window that matches counts',
  },
  SCALE_UP_STEP: {
    kind: integer(1, 10_000),
    scope: 'pool',
    example: '5',
    help: 'Most workers added at a time',
  },
  SCALE_DOWN_STEP: {
    kind: integer(1, 10_000),
    scope: 'pool',
    example: '2',
    help: 'Most workers removed at a time',
  },
  MANUAL_SCALE_HOLD: {
    kind: anyDuration,
    default: '30m',
    scope: 'pool',
    example: '2h',
    help: 'How long a number of workers that a person set is respected: as the least, or, if it is 0, as a pause; `0s` for not at all',
  },
  PROTECT_JOBS: {
    kind: oneOf(['auto', 'strict', 'off']),
    default: 'auto',
    scope: 'pool',
    example: 'auto',
    help: '`auto`: never remove a dyno known to be running a job; `strict`: remove only dynos known to be idle; `off`',
  },
  DRAIN_TIMEOUT: {
    kind: someDuration,
    default: '1h',
    scope: 'pool',
    example: '1h',
    help: 'After this, stop asking the tail to drain and keep the busy dynos',
  },
  DRY_RUN: {
    kind: boolean,
    default: 'false',
    scope: 'pool',
    example: 'true',
    help: 'Decide, log and measure, but never change anything',
  },
  POOLS_FILE: {
    kind: text('the path of a YAML file', /^[^\0]{1,4096}$/),
    scope: 'process',
    example: 'config/pools.yml',
    help: 'YAML file with several pools; the variables above are then the defaults of each',
  },
  POOL: {
    kind: text('a name of letters, digits, dots, dashes and underscores', /^[\w.-]{1,64}$/),
    defaultNote: '`PROCESS_TYPE`',
    scope: 'pool',
    fileKey: 'name',
    example: 'worker',
    help: 'Name of the single pool, when there is no file',
  },
  PORT: {
    kind: integer(0, 65_535),
    scope: 'process',
    example: '9394',
    help: 'Serve HTTP on this port (Heroku sets it for `web` dynos only)',
  },
  METRICS_TOKEN: {
    kind: text('printable characters without spaces', /^[\x21-\x7e]{1,512}$/),
    isSecret: true,
    scope: 'process',
    example: 'a-long-random-text',
    help: 'Bearer token for every HTTP path but `/healthz`; people type it into the form at `/`',
  },
  PUSHGATEWAY_URL: {
    kind: webUrl,
    isSecret: true,
    scope: 'process',
    example: 'https://user:password@pushgateway.example.com',
    help: 'Push the metrics of `run` to this Prometheus Pushgateway',
  },
  REMOTE_WRITE_URL: {
    kind: webUrl,
    isSecret: true,
    scope: 'process',
    example: 'https://123456:glc_…@prometheus-prod-01-eu-west-0.grafana.net/api/prom/push',
    help: 'Write the metrics of `run` to this server by Prometheus remote write, such as Grafana Cloud, with user and key in the URL',
  },
  PUSH_INTERVAL: {
    kind: duration({ minMs: 1_000, maxMs: 5 * 60_000 }),
    default: '1m',
    scope: 'process',
    example: '1m',
    help: 'Time between two pushes, at most `5m`',
  },
  WEBHOOK_URL: {
    kind: webUrl,
    isSecret: true,
    scope: 'process',
    example: 'https://hooks.slack.com/services/…',
    help: 'Tell people here, in the form that Slack takes, when a pool needs them, and when it no longer does',
  },
  LOG_LEVEL: {
    kind: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    scope: 'process',
    example: 'info',
    help: 'Least important log lines that are written',
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;
export const variableNames = Object.keys(variables) as VariableName[];

/** The row of a variable with the optional columns that its literal type leaves out. */
export function variable(name: VariableName): Variable {
  return variables[name];
}

type NamesOf<Scope> = {
  [Name in VariableName]: (typeof variables)[Name]['scope'] extends Scope ? Name : never;
}[VariableName];

/** A value may be missing unless the table gives a default. */
type Value<Name extends VariableName> =
  | ValueOf<(typeof variables)[Name]['kind']>
  | ((typeof variables)[Name] extends { default: string } ? never : null);

/** Values of the variables by name: durations in milliseconds, null for what is unset and has no default. */
export type Values<Names extends VariableName> = { readonly [Name in Names]: Value<Name> };
export type PoolVariable = NamesOf<'pool'>;
export type ProcessVariable = NamesOf<'process'>;
