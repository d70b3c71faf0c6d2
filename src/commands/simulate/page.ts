import { drawChart, type Axis, type Chart, type Line } from '../../html/chart.ts';
import { escape } from '../../html/escape.ts';
import { spokenSeconds } from '../../html/words.ts';
import type { Moment } from '../../simulator/timeline.ts';
import { version } from '../../version.ts';
import type { Comparison, Run } from './comparison.ts';
import { colors, script, style } from './page-parts.ts';
import { circumstances, columnsOf, explanations } from './table.ts';

/** A chart with its title. */
type Titled = Omit<Chart, 'label'> & { readonly title: string };

/** The comparison as one HTML document that needs nothing else, neither a server nor the network. */
export function page(comparison: Comparison): string {
  const { trace, runs, settings } = comparison;
  const ends = runs.map(({ timeline }) => timeline?.moments().at(-1)?.fromSeconds ?? 0);
  const endSeconds = Math.max(1, trace.horizonSeconds, ...ends);
  const common = { isStepped: false, mark: null, band: [] };
  const charts: readonly Titled[] = [
    {
      ...{ ...common, title: 'Workers asked for', unit: 'count', scale: 'linear' },
      lines: linesOf(runs, ({ workers }) => workers),
    },
    {
      ...{ ...common, title: 'Ready jobs that wait', unit: 'count', scale: 'logarithmic' },
      lines: linesOf(runs, ({ readyJobs }) => readyJobs),
    },
    {
      ...{ ...common, unit: 'seconds', scale: 'logarithmic' },
      title: 'Wait of 95 % of the jobs due at that time',
      lines: linesOf(runs, ({ p95WaitSeconds }) => p95WaitSeconds),
      mark: {
        value: settings.targetWaitSeconds,
        label: `target ${spokenSeconds(settings.targetWaitSeconds)}`,
      },
    },
  ];
  const axis: Axis = {
    ...{ fromMs: 0, toMs: endSeconds * 1000 },
    label: (atMs) => clock(atMs / 1000, endSeconds),
  };
  const title = `${escape(trace.name)}: ${runs.map(({ kind }) => escape(kind.name)).join(', ')}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escape(trace.name)}</h1><p>${circumstances(comparison).map(escape).join(' ')}</p></header>
<main>
<section class="card wide">${tableOf(comparison)}
${explanations(comparison)
  .map((sentence) => `<p class="quiet">${escape(sentence)}</p>`)
  .join('\n')}</section>
<section class="card">
<div class="legend">${runs.map(({ kind }, index) => legendOf(kind.name, index)).join('')}</div>
${charts.map((chart) => `<h2>${escape(chart.title)} <small>${chart.scale === 'linear' ? 'on average' : 'logarithmic'}</small></h2>\n${drawChart({ ...chart, label: chart.title }, axis)}`).join('\n')}
<output class="tip" hidden></output>
</section>
<section class="card"><h2>Policies</h2><dl>${runs.map(({ kind }) => `<dt>${escape(kind.name)}</dt><dd>${escape(kind.source)}</dd>`).join('')}</dl>
<p class="quiet">Every policy met the same jobs and looked only at what can be read from the queues and the platform at that moment. Dynos are paid for from the order until they exit. A wait is the time from when a job is due until the attempt that succeeds begins.</p></section>
</main>
<footer class="quiet">Made by backlog-autoscaler ${escape(version)}, seed ${settings.seed}: the same options give the same page.</footer>
<script type="application/json" id="data">${dataOf(runs, charts, endSeconds)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function tableOf(comparison: Comparison): string {
  const columns = columnsOf(comparison);
  const most = Math.max(...comparison.runs.map(({ result }) => result.dynoSeconds));
  const rows = comparison.runs.map((run, index) => {
    const cells = columns.map(({ title, cell }) => {
      const text = escape(cell(run));
      if (title === 'policy') return `<th scope="row">${swatch(index)}${text}</th>`;
      const share = ((100 * run.result.dynoSeconds) / most).toFixed(1);
      return title === 'dyno-hours'
        ? `<td class="bar" style="--share:${share}%">${text}</td>`
        : `<td>${text}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  const head = columns.map(({ title }) => `<th scope="col">${escape(title)}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function legendOf(name: string, index: number): string {
  return `<label><input type="checkbox" checked data-toggle="${index}">${swatch(index)}${escape(name)}</label>`;
}

function swatch(index: number): string {
  return `<i class="${classOf(index)}"></i>`;
}

function classOf(index: number): string {
  return `color${index % colors.length}`;
}

/** Hours and minutes since the beginning; after several days, days. */
function clock(seconds: number, endSeconds: number): string {
  if (endSeconds > 4 * 86_400)
    return `${(seconds / 86_400).toFixed(seconds % 86_400 === 0 ? 0 : 1)} d`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}

function linesOf(
  runs: readonly Run[],
  valueOf: (moment: Moment) => number | null,
): readonly Line[] {
  return runs.map(({ timeline }, index) => ({
    className: classOf(index),
    points: (timeline?.moments() ?? []).map((moment) => ({
      atMs: moment.fromSeconds * 1000,
      value: valueOf(moment),
    })),
  }));
}

/** What the script shows under the pointer. */
function dataOf(runs: readonly Run[], charts: readonly Titled[], endSeconds: number): string {
  const policies = runs.map(({ kind: { name } }, line) => ({
    name,
    stepSeconds: (charts[0]?.lines[line]?.points[1]?.atMs ?? 1000) / 1000,
    values: charts.map(({ lines }) =>
      (lines[line]?.points ?? []).map(({ value }) => value && Math.round(value * 10) / 10),
    ),
  }));
  // A name must not be able to end the script element.
  return JSON.stringify({ endSeconds, policies }).replaceAll('<', '\\u003c');
}
