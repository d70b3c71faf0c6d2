import { closest, distance } from 'fastest-levenshtein';
import { Misfit } from './kinds.ts';
import { longInterval } from './long-interval.ts';
import { fileKey, parsePoolsFile, type FilePool } from './pools-file.ts';
import { ConfigError, type Problem } from './problem.ts';
import { sharedBudgetProblems } from './shared-budget.ts';
import {
  variable,
  variableNames,
  variables,
  type PoolVariable,
  type ProcessVariable,
  type Values,
  type VariableName,
} from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type ProcessConfig = Values<ProcessVariable>;

type AlwaysKnown = 'REDIS_URL' | 'QUEUES' | 'POOL';
/** What one pool is run with. Only a dry run may lack the app and the key. */
export type PoolConfig = Omit<Values<PoolVariable>, AlwaysKnown> & {
  readonly [Name in AlwaysKnown]: NonNullable<Values<PoolVariable>[Name]>;
};

export type Config = {
  readonly process: ProcessConfig;
  readonly pools: readonly PoolConfig[];
  /** Not wrong, but probably not meant. */
  readonly warnings: readonly string[];
};

/**
 * The configuration of the daemon: the environment, and the pools file when there is one.
 * @throws {ConfigError} with every problem at once
 */
export function loadConfig(environment: Environment, readFile: (path: string) => string): Config {
  const problems: Problem[] = [];
  const processValues = readProcess(environment, problems);
  const { POOLS_FILE } = processValues;
  const entries = POOLS_FILE === null ? [single] : readPoolsFile(POOLS_FILE);
  const poolValues = entries.map((entry) => readPool(entry, environment, problems));
  findConflicts(poolValues, problems);
  problems.push(...sharedBudgetProblems(processValues, poolValues));
  if (problems.length > 0) throw new ConfigError(distinct(problems));
  const processConfig = complete(processValues);
  const pools = poolValues.map((values) => complete(values) as PoolConfig);
  return {
    process: processConfig,
    pools,
    warnings: [...warningsOf(environment, processConfig), ...pools.flatMap(warningOfPool)],
  };

  function readPoolsFile(path: string): readonly FilePool[] {
    try {
      return parsePoolsFile(readFile(path), environment, problems);
    } catch (error) {
      const why = error instanceof RangeError ? 'it is nested too deeply' : messageOf(error);
      const message = `cannot be read: ${why}`;
      problems.push({ variable: 'POOLS_FILE', value: path, message });
      return [];
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export type StateConfig = ProcessConfig & {
  readonly stateRedis: {
    readonly url: string;
    readonly rejectUnauthorized: boolean;
    /** The config var that says where it is, for hints. */
    readonly variable: 'REDIS_URL' | 'STATE_REDIS_URL';
  };
};

/**
 * The configuration of a command that needs nothing but the daemon's own state in Redis.
 * @throws {ConfigError} with every problem at once
 */
export function loadStateConfig(environment: Environment): StateConfig {
  const problems: Problem[] = [];
  const values = readProcess(environment, problems);
  const look = (name: VariableName) => fromEnvironment(environment, name);
  const url = values.STATE_REDIS_URL ?? read('REDIS_URL', look('REDIS_URL'), problems);
  const rejectUnauthorized =
    read('REDIS_TLS_REJECT_UNAUTHORIZED', look('REDIS_TLS_REJECT_UNAUTHORIZED'), problems) ?? true;
  if (look('STATE_REDIS_URL') === null && look('REDIS_URL') === null)
    requireValue('REDIS_URL', 'REDIS_URL', problems);
  if (url === null || problems.length > 0) throw new ConfigError(distinct(problems));
  const variable = values.STATE_REDIS_URL === null ? 'REDIS_URL' : 'STATE_REDIS_URL';
  return { ...complete(values), stateRedis: { url, rejectUnauthorized, variable } };
}

/** What may be shown of a pool's configuration. */
export function withoutSecrets(pool: PoolConfig): Readonly<Partial<PoolConfig>> {
  return Object.fromEntries(
    Object.entries(pool).filter(([name]) => !variable(name as VariableName).isSecret),
  );
}

/** What was read: null also where a text did not fit, which is then among the problems. */
type Reading<Names extends VariableName> = {
  readonly [Name in Names]: Values<Names>[Name] | null;
};

/** Only for a reading without problems: nothing that has a default can then be null. */
function complete<Names extends VariableName>(reading: Reading<Names>): Values<Names> {
  return reading as Values<Names>;
}

type Text = { readonly text: string; readonly label: string } | null;

/** The pool that the environment alone describes. */
const single: FilePool = { label: '', texts: new Map() };

function fromEnvironment(environment: Environment, name: VariableName): Text {
  const text = environment[name]?.trim();
  // An empty config var is how many tools unset one.
  return text === undefined || text === '' ? null : { text, label: name };
}

/** The value of a variable, or its default, or null; a text that does not fit is reported and read as null. */
function read<Name extends VariableName>(
  name: Name,
  given: Text,
  problems: Problem[],
): Values<Name>[Name] | null {
  const { kind, isSecret, example } = variable(name);
  const fallback = variable(name).default;
  const text = given?.text ?? fallback;
  if (text === undefined) return null;
  try {
    return kind.parse(text) as Values<Name>[Name];
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const message = `${error.message}; for example ${name}=${example}`;
    problems.push({ variable: given?.label ?? name, value: isSecret ? null : text, message });
    return null;
  }
}

function readProcess(environment: Environment, problems: Problem[]): Reading<ProcessVariable> {
  const names = variableNames.filter(
    (name): name is ProcessVariable => variable(name).scope === 'process',
  );
  const values = names.map((name) => [
    name,
    read(name, fromEnvironment(environment, name), problems),
  ]);
  return Object.fromEntries(values) as Reading<ProcessVariable>;
}

function readPool(
  { label, texts }: FilePool,
  environment: Environment,
  problems: Problem[],
): Reading<PoolVariable> {
  const names = variableNames.filter(
    (name): name is PoolVariable => variable(name).scope === 'pool',
  );
  const find = (name: PoolVariable): Text => {
    const own = texts.get(name);
    if (own !== undefined) return { text: own, label: `POOLS_FILE ${label}.${fileKey(name)}` };
    // POOL names the single pool; pools of a file that all took that name could not be told apart.
    return name === 'POOL' && label !== '' ? null : fromEnvironment(environment, name);
  };
  const values = Object.fromEntries(
    names.map((name) => [name, read(name, find(name), problems)]),
  ) as Reading<PoolVariable>;

  for (const name of names) {
    const { required } = variable(name);
    const isRequired =
      required === 'always' || (required === 'scaling' && values.DRY_RUN === false);
    if (isRequired && find(name) === null)
      requireValue(name, label === '' ? name : `POOLS_FILE ${label}.${fileKey(name)}`, problems);
  }
  const { MIN_WORKERS, MAX_WORKERS } = values;
  if (MIN_WORKERS !== null && MAX_WORKERS !== null && MIN_WORKERS > MAX_WORKERS) {
    const message = `is above MAX_WORKERS=${String(MAX_WORKERS)}: lower the one or raise the other`;
    problems.push({
      variable: find('MIN_WORKERS')?.label ?? 'MIN_WORKERS',
      value: String(MIN_WORKERS),
      message,
    });
  }
  findContradictions(values, find('SCHEDULE')?.label ?? 'SCHEDULE', problems);
  return {
    ...values,
    POOL: find('POOL') === null ? values.PROCESS_TYPE : values.POOL,
  };
}

/** A window that sets one of the bounds must go with the other one as it is configured. */
function findContradictions(
  { SCHEDULE, MIN_WORKERS, MAX_WORKERS }: Reading<PoolVariable>,
  label: string,
  problems: Problem[],
): void {
  if (MIN_WORKERS === null || MAX_WORKERS === null || MIN_WORKERS > MAX_WORKERS) return;
  for (const { text, minWorkers, maxWorkers } of SCHEDULE ?? []) {
    const min = minWorkers ?? MIN_WORKERS;
    const max = maxWorkers ?? MAX_WORKERS;
    if (min <= max) continue;
    const message =
      minWorkers === null
        ? `has maxWorkers=${String(max)} below MIN_WORKERS=${String(min)}: set minWorkers there too`
        : `has minWorkers=${String(min)} above MAX_WORKERS=${String(max)}: set maxWorkers there too`;
    problems.push({ variable: label, value: text, message });
  }
}

function requireValue(name: VariableName, label: string, problems: Problem[]): void {
  const { help, example, isSecret } = variable(name);
  const how = isSecret ? `heroku config:set ${name}=…` : `for example ${name}=${example}`;
  const orFile = label === name ? '' : ', there or in the environment';
  problems.push({
    variable: label,
    value: null,
    message: `is not set${orFile}. ${help.replaceAll('`', '')}; ${how}`,
  });
}

/** Two pools of one name would share memory and metrics; two that scale the same process type would fight. */
function findConflicts(pools: readonly Reading<PoolVariable>[], problems: Problem[]): void {
  const seenNames = new Set<string>();
  const seenTargets = new Set<string>();
  for (const { POOL, HEROKU_APP_NAME, PROCESS_TYPE } of pools) {
    if (POOL !== null && seenNames.has(POOL)) {
      const message = 'is the name of two pools: give each a `name` of its own';
      problems.push({ variable: 'POOLS_FILE name', value: POOL, message });
    }
    if (POOL !== null) seenNames.add(POOL);
    if (HEROKU_APP_NAME === null || PROCESS_TYPE === null) continue;
    const target = `${HEROKU_APP_NAME} ${PROCESS_TYPE}`;
    if (seenTargets.has(target)) {
      const message = `is scaled by two pools of the app ${HEROKU_APP_NAME}: they would undo each other`;
      problems.push({ variable: 'POOLS_FILE processType', value: PROCESS_TYPE, message });
    }
    seenTargets.add(target);
  }
}

/** A default that comes from the environment is wrong once, however many pools inherit it. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function warningsOf(environment: Environment, config: ProcessConfig): string[] {
  const unprotected = config.PORT !== null && config.METRICS_TOKEN === null;
  return [
    ...(unprotected
      ? [
          'PORT is set without METRICS_TOKEN: anyone who can reach it can read the metrics and the status',
        ]
      : []),
    ...misspelled(environment),
  ];
}

/** Without it nobody would know why jobs wait longer than they should. */
function warningOfPool(pool: PoolConfig): string[] {
  const found = longInterval(pool);
  return found === null ? [] : [`${pool.POOL}: ${found.message}; POLL_INTERVAL=${found.advised}?`];
}

/** `MIN_WORKER=3` has no effect at all, and nothing else would say so. */
function misspelled(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => name.length >= 8 && !(name in variables))
    .map((name) => ({ name, nearest: closest(name, variableNames) }))
    .filter(({ name, nearest }) => distance(name, nearest) <= 2)
    .map(({ name, nearest }) => `${name} is set but means nothing here: did you mean ${nearest}?`);
}
