/** Heroku’s own prices an hour are the monthly ones ÷ 720. */
export const hoursPerMonth = 720;

/**
 * Dollars for a dyno that runs all month, by the name of its size in lower case: list prices as the command line of
 * Heroku (11.10, 2026) shows them with `heroku ps:type`. A size that is not here has no price. `eco` is not, because a
 * subscription covers a thousand hours of all apps of an account.
 */
const dollarsPerMonth = new Map(
  Object.entries({
    ...{ basic: 7, 'standard-1x': 25, 'standard-2x': 50 },
    ...{ 'performance-m': 250, 'performance-l': 500, 'performance-l-ram': 500 },
    ...{ 'performance-xl': 750, 'performance-2xl': 1500 },
    ...{ 'private-s': 225, 'private-m': 450, 'private-l': 900 },
    ...{ 'shield-s': 270, 'shield-m': 540, 'shield-l': 1080 },
    ...{ 'dyno-1c-0.5gb': 25, 'dyno-2c-1gb': 50, 'dyno-1c-4gb': 80, 'dyno-1c-8gb': 100 },
    ...{ 'dyno-2c-4gb': 150, 'dyno-2c-8gb': 160, 'dyno-2c-16gb': 250 },
    ...{ 'dyno-4c-8gb': 300, 'dyno-4c-16gb': 320, 'dyno-4c-32gb': 500 },
    ...{ 'dyno-8c-16gb': 600, 'dyno-8c-32gb': 640, 'dyno-8c-64gb': 750 },
    ...{ 'dyno-16c-32gb': 1200, 'dyno-16c-64gb': 1000, 'dyno-16c-128gb': 1500 },
    'dyno-32c-64gb': 2400,
  }),
);

/** What a dyno of this size costs an hour, in dollars; null for a size without a known price. */
export function dollarsPerHour(size: string | null): number | null {
  const perMonth = dollarsPerMonth.get(size?.toLowerCase() ?? '');
  return perMonth === undefined ? null : perMonth / hoursPerMonth;
}
