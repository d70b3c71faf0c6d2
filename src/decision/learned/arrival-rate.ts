import type { Bin } from './memory.ts';

const recentSeconds = 50;
const recentBinsMin = 3;
const windowSeconds = 180;
/** With fewer arrivals in the window, their median says nothing. */
const fewArrivals = 30;

/** Arrivals per second, as two questions need them. */
export type ArrivalRate = {
  /** For adding workers: certain to go on, so that a batch is never mistaken for a rate. */
  readonly steadily: number;
  /** For keeping them: likely to come again within the next minutes. */
  readonly lately: number;
};

/**
 * `steadily` is the median rate of the last 50 s; a batch fills one bin and does not move it. Of few arrivals it is
 * their mean with the largest bin cut to the second largest (winsorized). `lately` is the mean of the window with
 * bins cut to four times their upper quartile, and never less.
 */
export function arrivalRate(bins: readonly Bin[], nowMs: number): ArrivalRate {
  const window = bins.filter(
    ({ untilMs, seconds }) => seconds > 0 && nowMs - untilMs < windowSeconds * 1000,
  );
  if (window.length === 0) return { steadily: 0, lately: 0 };
  let arrivals = 0;
  let seconds = 0;
  for (const bin of window) {
    arrivals += bin.arrivals;
    seconds += bin.seconds;
  }
  const rates = window.map((bin) => bin.arrivals / bin.seconds);
  const ascending = Float64Array.from(rates).sort();
  const meanUpTo = (most: number) => {
    let sum = 0;
    for (const bin of window) sum += Math.min(bin.arrivals, most * bin.seconds);
    return sum / seconds;
  };
  const winsorized = meanUpTo(ascending.at(-2) ?? 0);
  const steadily = arrivals < fewArrivals ? winsorized : recentMedian(window, rates, nowMs);
  const upperQuartile = ascending[Math.floor(ascending.length * 0.75)] ?? 0;
  const lately = upperQuartile > 0 ? meanUpTo(4 * upperQuartile) : winsorized;
  return { steadily, lately: Math.max(steadily, lately) };
}

function recentMedian(window: readonly Bin[], rates: readonly number[], nowMs: number): number {
  const since = window.findIndex(
    ({ untilMs, seconds }) => nowMs - untilMs + seconds * 1000 <= recentSeconds * 1000,
  );
  const first = since === -1 ? window.length : since;
  const recent = Float64Array.from(
    rates.slice(Math.max(0, Math.min(first, rates.length - recentBinsMin))),
  ).sort();
  const middle = (recent.length - 1) / 2;
  return ((recent[Math.floor(middle)] ?? 0) + (recent[Math.ceil(middle)] ?? 0)) / 2;
}
