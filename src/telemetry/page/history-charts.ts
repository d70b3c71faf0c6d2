import { drawChart, type Axis, type Chart } from '../../html/chart.ts';
import { escape } from '../../html/escape.ts';
import { spokenSeconds } from '../../html/words.ts';
import type { PoolView } from './pool-view.ts';
import { readingOf, untilNow, withGaps, type Measure, type Reading } from './readings.ts';
import { clockTime, dayName, number, precisionOf } from './text.ts';

const hourMs = 3_600_000;
/** Longer than this, and the time of day alone would leave the day open. */
const sameDayMs = 24.5 * hourMs;
/** Some more than two of the steps in which ticks are kept of what is long ago. */
const gapSteps = 2.2;
const silentIntervals = 3;
/** Labels along an axis, at least. */
const labelsMin = 5;
/** Fewer do not make a line. */
const readingsMin = 3;
const tableRowsMax = 36;

type TimeOf = (atMs: number) => string;

type Series = {
  readonly name: string;
  /** Its colour in the style sheet. */
  readonly className: string;
  readonly measure: Measure;
  readonly spoken: (value: number | null) => string;
};

const wait: Series = {
  ...{ name: 'oldest wait', className: 'wait', measure: 'oldestWaitSeconds' },
  spoken: (seconds) => (seconds === null ? '–' : spokenSeconds(seconds)),
};
const demand: Series = {
  ...{ name: 'ready and active', className: 'demand', measure: 'demandJobs' },
  spoken: number,
};
const current: Series = {
  ...{ name: 'current', className: 'current', measure: 'currentWorkers' },
  spoken: number,
};
const desired: Series = {
  ...{ name: 'desired', className: 'desired', measure: 'desiredWorkers' },
  spoken: number,
};
const allSeries = [demand, current, desired, wait];

/** Demand, workers and waits of the last hours below each other, and the same as a table. */
export function historyCharts({ report, past, span, intervalMs }: PoolView, nowMs: number): string {
  if ('why' in past)
    return `<p class="notice">The charts and earlier decisions cannot be read: ${escape(past.why)}</p>`;
  const seen = [...past.ticks, report]
    .map(readingOf)
    .filter(({ atMs }) => atMs >= nowMs - span.hours * hourMs && atMs <= nowMs);
  const [first] = seen;
  if (first === undefined || seen.length < readingsMin)
    return '<p class="quiet">There will be charts here after a few ticks.</p>';
  // A daemon that began a minute ago need not wait for hours until its charts show anything.
  const spanMs = nowMs - first.atMs;
  const precision = precisionOf(spanMs / labelsMin);
  const isDated = spanMs > sameDayMs;
  const timeOf = (atMs: number) =>
    `${isDated ? `${dayName(atMs)} ` : ''}${clockTime(atMs, precision)}`;
  const axis: Axis = {
    ...{ fromMs: first.atMs, toMs: nowMs },
    label: isDated ? dayName : timeOf,
  };
  const gapMs = Math.max(gapSteps * span.stepMs, silentIntervals * intervalMs);
  const readings = withGaps(untilNow(seen, nowMs, gapMs), gapMs);
  const target = report.targetWaitSeconds;
  const band = readings.map(({ atMs, minWorkers, maxWorkers }) => ({
    ...{ atMs, low: minWorkers, high: maxWorkers },
  }));
  return `<div class="charts">
<p class="quiet">The last ${spokenSeconds(spanMs / 1000)}, and <b class="when" data-now="now">now</b></p>
${figure('Jobs', [demand], readings, axis, {})}
${figure('Workers', [current, desired], readings, axis, { band })}
${figure('Oldest wait', [wait], readings, axis, {
  unit: 'seconds',
  mark: target === null ? null : { value: target, label: `target ${spokenSeconds(target)}` },
})}
<script type="application/json">${dataOf(seen, axis, timeOf)}</script>
<details><summary>These charts as a table</summary>${tableOf(seen, timeOf)}</details>
</div>`;
}

function figure(
  title: string,
  series: readonly Series[],
  readings: readonly Reading[],
  axis: Axis,
  extra: Partial<Chart>,
): string {
  const last = readings.at(-1);
  const legend = series.map((each) => {
    const value = each.spoken(last?.[each.measure] ?? null);
    return `<span><i class="${each.className}"></i>${each.name} <b data-value="${each.measure}">${value}</b></span>`;
  });
  const chart = drawChart(
    {
      label: `${title} over time; the table below has the values`,
      lines: series.map(({ className, measure }) => ({
        className,
        points: readings.map((reading) => ({ atMs: reading.atMs, value: reading[measure] })),
      })),
      ...{ unit: 'count', scale: 'linear', isStepped: true, mark: null, band: [] },
      ...extra,
    },
    axis,
  );
  return `<figure><figcaption><h4>${title}</h4>${legend.join('')}</figcaption>${chart}</figure>`;
}

/** For the script: what every legend says at every time. */
function dataOf(readings: readonly Reading[], { fromMs, toMs }: Axis, timeOf: TimeOf): string {
  const values = allSeries.map(({ measure, spoken }) => [
    measure,
    readings.map((reading) => spoken(reading[measure])),
  ]);
  return JSON.stringify({
    ...{ from: fromMs, to: toMs, at: readings.map(({ atMs }) => atMs) },
    times: readings.map(({ atMs }) => timeOf(atMs)),
    values: Object.fromEntries(values) as object,
  });
}

/** Newest first, and thinned to what somebody reads. */
function tableOf(readings: readonly Reading[], timeOf: TimeOf): string {
  const every = Math.ceil(readings.length / tableRowsMax);
  const rows = readings
    .toReversed()
    .filter((_, place) => place % every === 0)
    .map((reading) => {
      const cells = allSeries.map(({ measure, spoken }) => `<td>${spoken(reading[measure])}</td>`);
      return `<tr><th scope="row">${timeOf(reading.atMs)}</th>${cells.join('')}</tr>`;
    });
  const head = ['UTC', ...allSeries.map(({ name }) => name)];
  return `<div class="scroll" tabindex="0" role="group" aria-label="Values of the charts"><table>
<thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
<tbody>${rows.join('')}</tbody>
</table></div>`;
}
