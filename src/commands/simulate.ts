import { writeFileSync } from 'node:fs';
import { policies } from '../simulator/policies/registry.ts';
import { scenarios } from '../simulator/scenarios/catalogue.ts';
import type { RunResult } from '../simulator/tally.ts';
import { exitCodes, type Command } from './command.ts';
import { compare, type Comparison } from './simulate/comparison.ts';
import { optionDefinitions, parseOptions } from './simulate/options.ts';
import { page } from './simulate/page.ts';
import { table } from './simulate/table.ts';

export const simulate: Command = {
  name: 'simulate',
  summary: 'Play traffic through policies: what each costs, and how long jobs wait',
  help: `Plays traffic through policies as if days had passed: what each would have cost, and how long jobs would have waited.
Needs no config var, and touches nothing. For example:
  backlog-autoscaler simulate --scenario ${scenarios[0]?.name ?? ''} --policy learned,ratio,recipe --html comparison.html
  backlog-autoscaler simulate --trace my-jobs.csv --policy learned,fixed-10 --max 20 --concurrency 10

Policies:
${listed(policies.map(({ name, source }) => [name, source]))}
  fixed-N also stands for any other number of workers.

Scenarios:
${listed(scenarios.map(({ name, about }) => [name, about]))}`,
  options: optionDefinitions,
  jsonList: 'runs',
  async execute({ json, ...given }, surroundings) {
    const { complain, print } = surroundings;
    const options = parseOptions(given);
    if ('problems' in options) {
      const problems = options.problems.map((problem) => `  ${problem}\n`).join('');
      complain(
        `simulate: these options cannot be used:\n${problems}\n\`backlog-autoscaler simulate --help\` says more.\n`,
      );
      return exitCodes.usage;
    }
    const comparison = await compare(options, surroundings);
    if (comparison === null) {
      complain('simulate: stopped before the end\n');
      return exitCodes.failed;
    }
    print(json === true ? `${JSON.stringify(documentOf(comparison))}\n` : table(comparison));
    if (options.htmlPath === null) return exitCodes.fine;
    return write(options.htmlPath, page(comparison), complain);
  },
};

/** What `--json` tells of a run. */
const jsonFields = [
  'policy',
  'dynoSeconds',
  'jobs',
  'lateJobs',
  'lateShare',
  'p50WaitSeconds',
  'p95WaitSeconds',
  'p99WaitSeconds',
  'actions',
  'starts',
  'kills',
  'lost',
  'peakWorkers',
] as const satisfies readonly (keyof RunResult)[];

function documentOf({ runs, oracleDynoSeconds }: Comparison): object {
  return {
    runs: runs.map(({ result }) =>
      Object.fromEntries(jsonFields.map((field) => [field, result[field]])),
    ),
    ...(oracleDynoSeconds === null ? {} : { oracleDynoSeconds }),
  };
}

function write(path: string, text: string, complain: (text: string) => void) {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    complain(`simulate: the page could not be written to ${path}: ${why}\n`);
    return exitCodes.failed;
  }
  complain(`simulate: wrote ${path}\n`);
  return exitCodes.fine;
}

function listed(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n');
}
