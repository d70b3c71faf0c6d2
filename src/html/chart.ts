import { scaleLinear, scaleSymlog, scaleUtc } from 'd3-scale';
import { area, curveLinear, curveStepAfter, line } from 'd3-shape';
import { escape } from './escape.ts';
import { shortNumber, spokenSeconds } from './words.ts';

/** What was measured at a time in ms; null where nothing is known, which leaves a gap. */
export type Point = { readonly atMs: number; readonly value: number | null };

export type Line = {
  /** A class of the style sheet, which gives the line its colour. */
  readonly className: string;
  readonly points: readonly Point[];
};

export type Chart = {
  /** What the chart shows, for those who do not see it. */
  readonly label: string;
  /** The first is what the others are compared with, and lies on top. */
  readonly lines: readonly Line[];
  readonly unit: 'count' | 'seconds';
  /** Logarithmic for values of many sizes: differences near zero stay visible beside ten thousands. */
  readonly scale: 'linear' | 'logarithmic';
  /** Whether a value holds until the next one, or leads to it. */
  readonly isStepped: boolean;
  /** A level that matters, drawn as a dashed line. */
  readonly mark: { readonly value: number; readonly label: string } | null;
  /** What the values may be, as far as the chart reaches. */
  readonly band: readonly { readonly atMs: number; readonly low: number; readonly high: number }[];
};

export type Axis = {
  readonly fromMs: number;
  readonly toMs: number;
  /** What to write below a time. */
  readonly label: (atMs: number) => string;
};

/**
 * In pixels. The width is whatever there is: only the lines are stretched to it, neither their strokes nor the writing.
 */
const height = 168;
const top = 18;
const bottom = 22;
const plotHeight = height - top - bottom;
/** The lines are drawn in units of their own. */
const units = 1_000;
const ticksAcross = 3;
/** As many times as the scale is asked for, and as many characters as can be read side by side on a phone. */
const ticksAlong = 6;
const charactersAlong = 32;
/** What half a character takes of the width of a phone: nearer to an edge, a label would stick out. */
const halfCharacterShare = 0.011;
/** What is next to nothing looks like it. */
const leastHighest = { count: 1, seconds: 5 };
const logarithmicTicks = {
  count: [0, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7],
  seconds: [0, 1, 10, 60, 600, 3_600, 36_000, 360_000],
};

/** The chart as SVG; its colours are those of the page. */
export function drawChart(chart: Chart, { fromMs, toMs, label }: Axis): string {
  const { lines, unit, mark } = chart;
  const { value: scaled, ticks } = valueScale(chart);
  const time = scaleUtc([fromMs, toMs], [0, units]);
  const share = (atMs: number) => (100 * time(atMs)) / units;
  const y = (value: number) => top + (plotHeight * scaled(value)) / units;

  const across = ticks.map((value) => ({
    y: y(value),
    text: unit === 'seconds' ? spokenSeconds(value) : shortNumber(value),
  }));
  const moments = time
    .ticks(ticksAlong)
    .map((moment) => ({ x: share(moment.getTime()), text: label(moment.getTime()) }))
    .filter(({ x, text }) => Math.min(x, 100 - x) > 100 * halfCharacterShare * text.length);
  // The scale goes for round times, and may find twice as many as fit on a phone.
  const longest = Math.max(1, ...moments.map(({ text }) => text.length));
  const every = Math.ceil((moments.length * longest) / charactersAlong);
  const along = moments.filter((_, index) => index % every === 0);
  const grid = [
    ...across.map((tick) => level('grid', tick.y)),
    ...along.map(({ x }) => upright(`class="grid" x1="${at(x)}%" x2="${at(x)}%"`)),
  ];
  const writing = [
    ...across.map((tick) => write(`x="2" y="${at(tick.y - 4)}"`, tick.text)),
    ...along.map(({ x, text }) =>
      write(`x="${at(x)}%" y="${height - 6}" text-anchor="middle"`, text),
    ),
  ];
  const aim =
    mark === null
      ? ''
      : level('mark', y(mark.value)) +
        write(`x="100%" dx="-4" y="${at(y(mark.value) - 4)}" text-anchor="end"`, mark.label);
  const place = { x: (atMs: number) => time(atMs), y: scaled };
  return `<svg class="chart" role="img" aria-label="${escape(chart.label)}" width="100%" height="${height}">
${grid.join('')}
<svg y="${top}" width="100%" height="${plotHeight}" viewBox="0 0 ${units} ${units}" preserveAspectRatio="none">${bandPath(chart, place)}${lines
    .map((each, index) => linePath(each, index, chart, place))
    .toReversed()
    .join('')}</svg>
${writing.join('')}${aim}${upright('class="cursor"')}
</svg>`;
}

/** From values to units from the top, and the values to write at the side. */
function valueScale({ lines, unit, scale, mark, band }: Chart) {
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value ?? 0));
  const highest =
    Math.max(leastHighest[unit], mark?.value ?? 0, ...values) * (scale === 'linear' ? 1.15 : 1.3);
  // A bound that is far away would press the lines to the ground.
  const bound = Math.max(0, ...band.map(({ high }) => high));
  const end = bound <= 2 * highest ? Math.max(highest, 1.05 * bound) : highest;
  const base = scale === 'linear' ? scaleLinear() : scaleSymlog();
  const value = base.domain([0, end]).range([units, 0]).clamp(true);
  if (scale === 'logarithmic')
    return { value, ticks: logarithmicTicks[unit].filter((tick) => tick <= end) };
  if (unit === 'count')
    return { value, ticks: value.ticks(ticksAcross).filter((tick) => Number.isInteger(tick)) };
  // Lengths of time are counted like times: by 15 s, 5 min or 2 h.
  const lengths = scaleUtc([0, 1000 * end], [0, 1]).ticks(ticksAcross);
  return { value, ticks: lengths.map((length) => length.getTime() / 1000) };
}

type Place = { readonly x: (atMs: number) => number; readonly y: (value: number) => number };

function linePath({ className, points }: Line, index: number, chart: Chart, place: Place): string {
  const path = line<Point>()
    .defined(({ value }) => value !== null)
    .x(({ atMs }) => place.x(atMs))
    .y(({ value }) => place.y(value ?? 0))
    .curve(chart.isStepped ? curveStepAfter : curveLinear)
    .digits(1)(points);
  return `<path class="line ${className}" data-line="${index}" d="${path ?? ''}"/>`;
}

function bandPath({ band }: Chart, place: Place): string {
  if (band.length === 0) return '';
  // Bounds hardly ever change: only their corners are drawn.
  const corners = band.filter(({ low, high }, index) => {
    const before = band[index - 1];
    return index === band.length - 1 || low !== before?.low || high !== before.high;
  });
  const path = area<Chart['band'][number]>()
    .x(({ atMs }) => place.x(atMs))
    .y0(({ low }) => place.y(low))
    .y1(({ high }) => place.y(high))
    .curve(curveStepAfter)
    .digits(1)(corners);
  return `<path class="band" d="${path ?? ''}"/>`;
}

function level(className: string, y: number): string {
  return `<line class="${className}" x2="100%" y1="${at(y)}" y2="${at(y)}"/>`;
}

function upright(attributes: string): string {
  return `<line ${attributes} y1="${top}" y2="${height - bottom}"/>`;
}

function write(attributes: string, text: string): string {
  return `<text class="tick" ${attributes}>${escape(text)}</text>`;
}

function at(place: number): string {
  return String(Math.round(place * 10) / 10);
}
