/** How often each value occurred, in a size that does not depend on how many there are. */
export type Histogram = {
  add(seconds: number): void;
  /** Adds every value of another histogram of the same precision. */
  addAll(other: Histogram): void;
  readonly bins: Float64Array;
  /**
   * The smallest value that at least this share of the values does not exceed, with so many more values taken to be the
   * highest possible; null while there is none.
   */
  quantile(share: number, highest?: number): number | null;
};

/**
 * Counts values in bins that grow with the value, so that a quantile is off by less than `precision` of itself, and
 * near zero by less than `precision` of a second.
 */
export function createHistogram(precision: number, secondsMax: number): Histogram {
  const growth = Math.log1p(2 * precision);
  const bins = new Float64Array(Math.ceil(Math.log1p(secondsMax) / growth) + 2);
  let values = 0;

  return {
    bins,
    addAll(other) {
      for (const [index, count] of other.bins.entries()) {
        bins[index] = (bins[index] ?? 0) + count;
        values += count;
      }
    },
    add(seconds) {
      // A bin of its own for 0, which is the wait of most jobs on a good day.
      const bin = seconds <= 0 ? 0 : 1 + Math.floor(Math.log1p(seconds) / growth);
      const index = Math.min(bin, bins.length - 1);
      bins[index] = (bins[index] ?? 0) + 1;
      values += 1;
    },
    quantile(share, highest = 0) {
      if (values + highest === 0) return null;
      const rank = Math.max(1, Math.ceil(share * (values + highest) - 1e-9));
      if (rank > values) return secondsMax;
      let counted = 0;
      const bin = bins.findIndex((count) => (counted += count) >= rank);
      return bin === 0 ? 0 : Math.min(Math.expm1((bin - 0.5) * growth), secondsMax);
    },
  };
}
