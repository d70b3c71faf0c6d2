/** Each call gives the next number in [0, 1). */
export type Random = () => number;

/** Numbers that follow from the text alone, the same on every machine (mulberry32, seeded with FNV-1a). */
export function seeded(text: string): Random {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A duration drawn at random. */
export type Duration = (random: Random) => number;

/** Most jobs take about as long as their median, some several times that. The spread is in units of the mean. */
export function lognormal(meanSeconds: number, spread = 1): Duration {
  const sigma = Math.sqrt(Math.log(1 + spread ** 2));
  const mu = Math.log(meanSeconds) - sigma ** 2 / 2;
  return (random) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.exp(mu + sigma * normal);
  };
}
