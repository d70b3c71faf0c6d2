/**
 * Writes what follows from the code: the config vars, metrics and measured policies in README, the `env` of app.json, config/example.env,
 * and the dashboards. `--check` writes nothing and fails when one of them is out of date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import prettier from 'prettier';
import { variables } from '../dist/config/variables.js';
import { errorCodes } from '../dist/errors.js';
import { metricFamilies } from '../dist/telemetry/metric-families.js';
import { overview } from './dashboards/overview.js';
import { pool } from './dashboards/pool.js';

const root = new URL('..', import.meta.url);
const entries = Object.entries(variables);

const renderers = {
  'README.md': (text) => {
    assertEveryErrorIsExplained(text);
    const regions = { config: configTable(), metrics: metricsTable(), policies: policiesTable() };
    return Object.entries(regions).reduce(
      (before, [name, content]) => replaceRegion(before, name, content),
      text,
    );
  },
  'app.json': (text) => JSON.stringify({ ...JSON.parse(text), env: appEnv() }),
  'config/example.env': exampleEnv,
  'config/grafana/overview.json': () => JSON.stringify(overview()),
  'config/grafana/pool.json': () => JSON.stringify(pool()),
};

const style = await prettier.resolveConfig(new URL('README.md', root));
let isStale = false;
for (const [path, render] of Object.entries(renderers)) {
  const file = new URL(path, root);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const rendered = render(before);
  const formatted = path.endsWith('.env')
    ? rendered
    : await prettier.format(rendered, { ...style, filepath: path });
  if (formatted === before) continue;
  isStale = true;
  if (process.argv.includes('--check'))
    console.error(`${path} is out of date: run \`npm run generate\``);
  else writeFileSync(file, formatted);
}
if (isStale && process.argv.includes('--check')) process.exitCode = 1;

function configTable() {
  const rows = entries.map(
    ([name, row]) => `| \`${name}\` | ${standardOf(row)} | ${meaningOf(row)} |`,
  );
  return ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function standardOf({ default: standard, defaultNote, required }) {
  if (required === 'scaling') return 'required unless dry run';
  if (required) return 'required';
  return defaultNote ?? (standard === undefined ? 'unset' : `\`${standard}\``);
}

function meaningOf({ help, kind, isSecret }) {
  return `${help}. ${capitalised(kind.form)}.${isSecret ? ' Secret.' : ''}`.replaceAll('|', '\\|');
}

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function metricsTable() {
  const rows = Object.entries(metricFamilies).map(
    ([name, { type, help, labels }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The figures that matter most of the policies that most people know, from the document that the benchmark writes. */
function policiesTable() {
  const shown = [
    ...['learned', 'learned-counts', 'ratio', 'recipe', 'keda-like', 'judoscale-like'],
    ...['hirefire-like', 'aws-like', 'knative-like'],
  ];
  const columns = ['policy', 'cost ÷ bound', 'kept', 'late (mean)', 'killed', 'lost'];
  const document = readFileSync(new URL('docs/policies-benchmark.md', root), 'utf8');
  const [titles, , ...rows] = document
    .slice(document.indexOf('| policy'))
    .split('\n\n')[0]
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const places = columns.map((column) => titles.indexOf(column));
  const chosen = shown.map((name) => rows.find(([policy]) => policy === name));
  const [, settings] = /(\d+) settings of all families/.exec(document);
  const [, best, learned] = /\| geometric mean[ |]+([\d.]+)[ |]+([\d.]+)/.exec(document);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...chosen.map((cells) => line(places.map((place) => cells[place]))),
    '',
    `Of ${settings} settings of the others, the cheapest one that kept the target on a trace, chosen for each trace after it was over, costs ${best} × the bound; \`learned\`, with one setting for all, ${learned}.`,
  ].join('\n');
}

function appEnv() {
  return Object.fromEntries(
    entries.map(([name, { help, herokuValue, required }]) => [
      name,
      {
        description: plain(`${help}.`),
        ...(herokuValue === undefined ? {} : { value: herokuValue }),
        required: required !== undefined,
      },
    ]),
  );
}

function exampleEnv() {
  const lines = entries.map(([name, { help, required, example, default: standard }]) => {
    const assignment = `${name}=${required ? example : (standard ?? '')}`;
    return `# ${plain(help)}.\n${required ? assignment : `# ${assignment}`}\n`;
  });
  return `# Every config var; those with a # have a default or may be left out. Generated: edit src/config/variables.ts.\n\n${lines.join('\n')}`;
}

function plain(text) {
  return text.replaceAll('`', '');
}

/** Replaces what stands between `<!-- name:begin -->` and `<!-- name:end -->`. */
function replaceRegion(text, name, content) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks the region ${name}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** The table of errors says what the loop and a person do, which no code knows; that each has a row is checked. */
function assertEveryErrorIsExplained(text) {
  const missing = errorCodes.filter((code) => !text.includes(`| \`${code}\``));
  if (missing.length > 0) throw new Error(`README.md has no row for ${missing.join(', ')}`);
}
