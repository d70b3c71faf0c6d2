/**
 * Walks through the demo as somebody new would, and writes what was seen into docs/walk.md: starts it with `--keep`, opens
 * the page in a real Chromium, asks why, scrapes with a real Prometheus, and runs every query of the dashboards there.
 * `npm run walk` takes two minutes, and fails when something was not well.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import prettier from 'prettier';
import { installPackages, obtain, run } from './setup.js';
import { askDashboards } from './walk/dashboards.js';
import { startDemo } from './walk/demo.js';
import { photograph } from './walk/page.js';
import { startPrometheus } from './walk/prometheus.js';

const pictures = 'docs/walk';
/** The second burst came some seconds before, and long jobs with it. */
const busyAfterSeconds = 27;

installPackages();
run('npm', ['run', '--silent', 'build']);
for (const [program, packageName] of [['chromium'], ['prometheus'], ['promtool', 'prometheus']])
  if (!obtain(program, packageName))
    throw new Error(`${program} is needed, and could not be installed`);

const directory = mkdtempSync(join(tmpdir(), 'autoscaler-walk-'));
mkdirSync(pictures, { recursive: true });
const problems = [];
const expect = (isSo, otherwise) => isSo || problems.push(otherwise);
const demo = await startDemo();
let prometheus;
try {
  const startMs = Date.now();
  prometheus = await startPrometheus(directory, demo.port);
  await sleep(busyAfterSeconds * 1_000);
  const busyAt = new Date().toISOString().slice(11, 19);
  const page = await photograph(demo.url, pictures);
  for (const complaint of page.complaints) expect(false, complaint);
  await demo.untilCalm();

  const lines = [`explain --at ${busyAt}`, 'explain', 'history --csv --since 10s', 'check'];
  const answers = [];
  for (const line of lines) {
    const { said, code } = await demo.type(line);
    expect(code === 0, `${line}: exit code ${String(code)}`);
    answers.push(said);
  }
  const health = await fetch(`${demo.url}/healthz`);
  expect(health.ok, `/healthz: ${String(health.status)}`);
  const input = await (await fetch(`${demo.url}/metrics`)).text();
  const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  expect(checked.status === 0, `promtool: ${checked.stderr}`);
  const panels = await askDashboards(prometheus, startMs);
  const alerts = await prometheus.ask('query', { query: 'ALERTS{alertstate="firing"}' });
  for (const { metric } of alerts.result) expect(false, `the alert ${metric.alertname} fires`);
  const exitCode = await demo.stop();
  expect(exitCode === 0, `the demo ended with ${String(exitCode)}`);

  await write('docs/walk.md', [
    '# A walk through the demo',
    `\`npm run walk\` wrote this on ${new Date().toISOString().slice(0, 10)}: all that follows was typed, printed, drawn and answered in one run, on one machine, with nothing cut.`,
    '## Start it',
    block(`$ npm run demo -- --keep\n${demo.printed()}`),
    '## Open the page',
    `At ${busyAt}, in the second burst, in Chromium ${page.version}:`,
    ...page.files.map(
      (file) => `![The status page, ${file.replace(/-|\.png/g, ' ').trim()}](walk/${file})`,
    ),
    '## Ask why',
    'With the variables exported that the demo printed:',
    ...answers.map(block),
    block(`$ curl ${demo.url}/healthz\n${await health.text()}`),
    '## Scrape it',
    block(
      `$ curl -s ${demo.url}/metrics | promtool check metrics && echo fine\n${checked.stdout}${checked.stderr}${checked.status === 0 ? 'fine' : ''}`,
    ),
    `A Prometheus with [the example’s configuration](../config/prometheus/prometheus.example.yml) and rules, every 2 s. Of the alerts ${alerts.result.length === 0 ? 'none' : String(alerts.result.length)} fired. What each panel of the dashboards had to show at the end:`,
    table(panels),
    '## End it',
    `Ctrl-C: exit code ${String(exitCode)}.`,
  ]);
} finally {
  await demo.stop();
  await prometheus?.stop();
  rmSync(directory, { recursive: true });
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function block(text) {
  return `\`\`\`console\n${text.trimEnd()}\n\`\`\``;
}

function table(rows) {
  const cells = rows.map(
    ({ dashboard, panel, series }) =>
      `| ${dashboard} | ${panel} | ${series === 0 ? 'nothing' : String(series)} |`,
  );
  return ['| dashboard | panel | series with numbers |', '| - | - | - |', ...cells].join('\n');
}

async function write(file, parts) {
  const style = await prettier.resolveConfig(file);
  writeFileSync(file, await prettier.format(parts.join('\n\n'), { ...style, filepath: file }));
}
