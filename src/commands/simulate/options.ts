import { duration, integer, Misfit, type Kind, type ValueOf } from '../../config/kinds.ts';
import type { PolicyKind } from '../../simulator/policy.ts';
import { findPolicy, policies } from '../../simulator/policies/registry.ts';
import { scenarios } from '../../simulator/scenarios/catalogue.ts';
import type { OptionDefinitions, OptionValues } from '../command.ts';
import { near, readOption } from '../read-options.ts';

const dayMs = 86_400_000;

type Bounds = { readonly minMs: number; readonly maxMs: number };

/** Two durations, or one that is both. */
const durations: Kind<Bounds> = {
  form: 'a duration such as `40s`, or two such as `20s-60s`',
  parse(value) {
    const [from = '', to = from, ...rest] = value.split('-');
    if (rest.length > 0) throw new Misfit('must be two durations such as 20s-60s');
    const one = duration({ minMs: 0, maxMs: dayMs });
    const [minMs, maxMs] = [one.parse(from), one.parse(to)];
    if (minMs > maxMs) throw new Misfit('ends before it begins: write the shorter one first');
    return { minMs, maxMs };
  },
};

const policyKinds: Kind<readonly PolicyKind[]> = {
  form: 'names of policies separated by commas',
  parse(value) {
    const asked = [...new Set(value.split(',').map((name) => name.trim()))];
    const unknown = asked.filter((name) => findPolicy(name) === undefined);
    if (unknown.length > 0) throw new Misfit(unknownNames('policy', unknown, policies));
    return asked.map(findPolicy).filter((policy) => policy !== undefined);
  },
};

const scenarioNamed: Kind<(typeof scenarios)[number]> = {
  form: 'the name of a scenario',
  parse(value) {
    const scenario = scenarios.find(({ name }) => name === value);
    if (scenario === undefined) throw new Misfit(unknownNames('scenario', [value], scenarios));
    return scenario;
  },
};

/** The options that have a default, as a person would write it. */
const settings = {
  policy: {
    kind: policyKinds,
    default: 'learned,ratio',
    help: 'Policies to compare, the first one with the others',
  },
  'target-wait': {
    kind: duration({ minMs: 1_000, maxMs: 7 * dayMs }),
    default: '120s',
    help: 'A job that waits longer is late',
  },
  min: { kind: integer(0, 10_000), default: '1', help: 'Fewest workers' },
  max: { kind: integer(1, 10_000), default: '50', help: 'Most workers' },
  concurrency: {
    kind: integer(1, 1_000),
    default: '4',
    help: 'Jobs one worker runs at once for each queue',
  },
  poll: {
    kind: duration({ minMs: 1_000, maxMs: dayMs }),
    default: '5s',
    help: 'Time between two looks of policies without a rhythm of their own',
  },
  boot: { kind: durations, default: '20s-60s', help: 'How long dynos take to boot' },
  seed: {
    kind: integer(0, 4_294_967_295),
    default: '1',
    help: 'The same seed gives the same result',
  },
  'events-per-worker': {
    kind: integer(1, 1_000_000_000),
    default: '100',
    help: 'Ready jobs one worker is expected to handle, for policies that ask',
  },
} as const;

export const optionDefinitions: OptionDefinitions = {
  trace: {
    type: 'string',
    help: 'Traffic from a CSV file: arrival_seconds,service_seconds[,queue,name,known_at_seconds]',
  },
  scenario: { type: 'string', help: `Traffic that is made up: ${namesOf(scenarios)}` },
  ...Object.fromEntries(
    Object.entries(settings).map(([name, { help, ...setting }]) => [
      name,
      { type: 'string' as const, help: `${help} [${setting.default}]` },
    ]),
  ),
  oracle: {
    type: 'boolean',
    help: 'Compare with the least that somebody who knew the future would pay (needs the package highs)',
  },
  html: { type: 'string', help: 'Write a page with charts to this file' },
};

type Settings = {
  readonly [Name in keyof typeof settings]: ValueOf<(typeof settings)[Name]['kind']>;
};

export type Traffic =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'scenario'; readonly scenario: (typeof scenarios)[number] };

export type SimulateOptions = Settings & {
  readonly traffic: Traffic;
  readonly isOracle: boolean;
  readonly htmlPath: string | null;
};

/** The options as values, or every problem at once. */
export function parseOptions(
  given: OptionValues,
): SimulateOptions | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const values = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [
      name,
      readOption<unknown>(name, setting.kind, textOf(given[name]) ?? setting.default, problems),
    ]),
  ) as { readonly [Name in keyof Settings]: Settings[Name] | null };
  if (values.min !== null && values.max !== null && values.min > values.max)
    problems.push(`--min=${values.min} is above --max=${values.max}`);
  const traffic = trafficOf(given, problems);
  const htmlPath = textOf(given['html']);
  for (const name of ['trace', 'html'])
    if (given[name] === '') problems.push(`--${name} must be the path of a file`);
  if (traffic === null || problems.length > 0) return { problems };
  // Without a problem there is a value for each.
  return { ...(values as Settings), traffic, isOracle: given['oracle'] === true, htmlPath };
}

function trafficOf(given: OptionValues, problems: string[]): Traffic | null {
  const path = textOf(given['trace']);
  const name = textOf(given['scenario']);
  if ((path === null) === (name === null)) {
    const both = path === null ? 'nothing says' : 'both --trace and --scenario say';
    problems.push(
      `${both} what to play: give --trace FILE.csv or --scenario NAME, one of ${namesOf(scenarios)}`,
    );
    if (name !== null) readOption('scenario', scenarioNamed, name, problems);
    return null;
  }
  if (path !== null) return { kind: 'file', path };
  const scenario = readOption('scenario', scenarioNamed, name ?? '', problems);
  return scenario && { kind: 'scenario', scenario };
}

function textOf(value: string | boolean | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

type Named = { readonly name: string };

function namesOf(choices: readonly Named[]): string {
  return choices.map(({ name }) => name).join(', ');
}

function unknownNames(what: string, unknown: readonly string[], choices: readonly Named[]): string {
  const parts = unknown.map((name) => {
    const suggestion = near(
      name,
      choices.map((choice) => choice.name),
    );
    return `there is no ${what} ${JSON.stringify(name)}${suggestion}`;
  });
  return `${parts.join('; ')} (there are: ${namesOf(choices)})`;
}
