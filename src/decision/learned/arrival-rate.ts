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
 * `steadily` is the median rate of the last 50 s, weighted by time; a batch fills one bin and does not move it. Of few
 * arrivals it is their mean with the largest bin cut to the second largest (winsorized). `lately` is the mean of the
 * window with bins cut to four times their upper quartile, and never less. In the time before the history began nothing
 * is taken to have arrived.
 */
export function arrivalRate(bins: readonly Bin[], nowMs: number): ArrivalRate {
  const window = bins.filter(
    ({ untilMs, seconds }) => seconds > 0 && nowMs - untilMs < windowSeconds * 1000,
  );
  if (window.length === 0) return { steadily: 0, lately: 0 };
  const rates = window
    .map((bin) => ({ perSecond: bin.arrivals / bin.seconds, seconds: bin.seconds }))
    .sort((one, other) => one.perSecond - other.perSecond);
  const seconds = Math.max(
    recentSeconds,
    sum(rates, (rate) => rate.seconds),
  );
  const meanUpTo = (most: number) =>
    sum(rates, (rate) => Math.min(rate.perSecond, most) * rate.seconds) / seconds;
  const winsorized = meanUpTo(rates.at(-2)?.perSecond ?? 0);
  const isFew = sum(window, ({ arrivals }) => arrivals) < fewArrivals;
  const steadily = isFew ? winsorized : recentMedian(window);
  // A batch alone must not be the quartile of a few bins.
  const upperQuartile =
    rates[Math.min(rates.length - 2, Math.floor(rates.length * 0.75))]?.perSecond ?? 0;
  const lately = upperQuartile > 0 ? meanUpTo(4 * upperQuartile) : winsorized;
  return { steadily, lately: Math.max(steadily, lately) };
}

/**
 * Of at least three bins, each of which counts for a third at most: a batch would be most of the time looked at when
 * looks are rare.
 */
function recentMedian(window: readonly Bin[]): number {
  const recent: { perSecond: number; seconds: number }[] = [];
  let total = 0;
  for (let index = window.length - 1; index >= 0 && total < recentSeconds; index -= 1) {
    const bin = window[index];
    if (bin === undefined) break;
    const seconds = Math.min(bin.seconds, recentSeconds / recentBinsMin, recentSeconds - total);
    recent.push({ perSecond: bin.arrivals / bin.seconds, seconds });
    total += seconds;
  }
  // Unknown bins stand before the known ones, without arrivals.
  let above = recentSeconds / 2;
  recent.sort((one, other) => other.perSecond - one.perSecond);
  for (const { perSecond, seconds } of recent) {
    above -= seconds;
    if (above <= 0) return perSecond;
  }
  return 0;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
