import { shortNumber, spokenSeconds } from './words.ts';

/** A line of a chart; a value that is null was not there. */
export type Line = {
  readonly name: string;
  readonly color: string;
  readonly points: readonly { readonly seconds: number; readonly value: number | null }[];
};

export type Chart = {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly unit: 'workers' | 'jobs' | 'seconds';
  /** A level that matters, drawn as a dashed line. */
  readonly mark: { readonly value: number; readonly label: string } | null;
};

/** Shared by all charts of a page, so that one moment is in one place of each; the page's script relies on it, too. */
export const frame = { width: 960, height: 210, left: 64, right: 24, top: 10, bottom: 24 };
const plotWidth = frame.width - frame.left - frame.right;
const plotHeight = frame.height - frame.top - frame.bottom;

/** Values of many sizes: differences near zero stay visible beside ten thousands. */
const scales = {
  workers: { place: (value: number) => value, ticks: linearTicks },
  jobs: { place: Math.log1p, ticks: () => [0, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7] },
  seconds: { place: Math.log1p, ticks: () => [0, 1, 10, 60, 600, 3_600, 36_000, 360_000] },
} as const;
const hourTicks = [60, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800];
const ticksMax = 9;

/** The chart as SVG, from 0 to `endSeconds`; its colours are those of the page. */
export function drawChart({ title, lines, unit, mark }: Chart, endSeconds: number): string {
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value ?? 0));
  const highest = Math.max(1, mark?.value ?? 0, ...values) * (unit === 'workers' ? 1.05 : 1.3);
  const { place, ticks } = scales[unit];
  const x = (seconds: number) => frame.left + (plotWidth * seconds) / endSeconds;
  const y = (value: number) =>
    frame.top + plotHeight * (1 - place(Math.min(value, highest)) / place(highest));

  const across = ticks(highest)
    .filter((value) => value <= highest)
    .map((value) => {
      const label = unit === 'seconds' ? spokenSeconds(value) : shortNumber(value);
      return `<path class="grid" d="M${frame.left} ${at(y(value))}h${plotWidth}"/><text class="tick" x="${frame.left - 8}" y="${at(y(value) + 4)}" text-anchor="end">${label}</text>`;
    });
  const down = timeTicks(endSeconds).map(
    (seconds) =>
      `<path class="grid" d="M${at(x(seconds))} ${frame.top}v${plotHeight}"/><text class="tick" x="${at(x(seconds))}" y="${frame.height - 6}" text-anchor="middle">${clock(seconds, endSeconds)}</text>`,
  );
  const level =
    mark === null
      ? ''
      : `<path class="mark" d="M${frame.left} ${at(y(mark.value))}h${plotWidth}"/><text class="tick" x="${frame.width - frame.right - 4}" y="${at(y(mark.value) - 4)}" text-anchor="end">${mark.label}</text>`;
  // The first line is what the others are compared with, and lies on top.
  const drawn = lines.map(
    ({ points, color }, index) =>
      `<path class="line" data-line="${index}" stroke="${color}" d="${path(points, x, y)}"/>`,
  );
  return `<svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${title}">
${[...across, ...down].join('\n')}
${level}
${drawn.toReversed().join('\n')}
<path class="cursor" d="M0 ${frame.top}v${plotHeight}"/>
</svg>`;
}

/** Joins the values that are there. */
function path(
  points: Line['points'],
  x: (seconds: number) => number,
  y: (value: number) => number,
): string {
  return points
    .flatMap(({ seconds, value }) => (value === null ? [] : [`${at(x(seconds))} ${at(y(value))}`]))
    .map((place, index) => (index === 0 ? `M${place}` : `L${place}`))
    .join('');
}

function linearTicks(highest: number): number[] {
  const magnitude = 10 ** Math.floor(Math.log10(highest));
  const step =
    [0.2, 0.5, 1].map((part) => part * magnitude).find((each) => highest / each <= 6) ?? 1;
  const whole = Math.max(1, Math.round(step));
  return Array.from({ length: Math.floor(highest / whole) + 1 }, (_, index) => index * whole);
}

function timeTicks(endSeconds: number): number[] {
  const step = hourTicks.find((each) => endSeconds / each <= ticksMax) ?? endSeconds / ticksMax;
  return Array.from({ length: Math.floor(endSeconds / step) + 1 }, (_, index) => index * step);
}

/** Hours and minutes since the beginning; after several days, days. */
function clock(seconds: number, endSeconds: number): string {
  if (endSeconds > 4 * 86_400)
    return `${(seconds / 86_400).toFixed(seconds % 86_400 === 0 ? 0 : 1)} d`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}

function at(pixels: number): string {
  return String(Math.round(pixels * 10) / 10);
}
