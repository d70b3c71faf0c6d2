/** Most dynos of one process type, and of all process types of an app together. */
export type DynoLimits = { readonly perType: number; readonly perApp: number };

/**
 * What Heroku allows unless it raised the limit for an app, by the name of the size, as in `Standard-1X`.
 * @see https://devcenter.heroku.com/articles/dyno-scaling-and-process-limits
 */
export function defaultLimits(size: string | null): DynoLimits {
  const row = limits.find(({ sizes }) => sizes.test(size ?? ''));
  return row ?? { perType: 100, perApp: 100 };
}

const limits: readonly (DynoLimits & { readonly sizes: RegExp })[] = [
  { sizes: /^eco$/i, perType: 1, perApp: 2 },
  { sizes: /^basic$/i, perType: 1, perApp: 100 },
  { sizes: /^(performance|private|shield)-/i, perType: 10, perApp: 100 },
  // Sizes of Fir, as in `dyno-2c-1gb`.
  { sizes: /^dyno-/i, perType: 255, perApp: 255 },
];
