import { createScrubber } from '../scrub.ts';

/** Something about the configuration that a person must mend. */
export type Problem = {
  /** The config var, or the place in the pools file. */
  readonly variable: string;
  /** What was given; null when nothing was, or when it is secret. */
  readonly value: string | null;
  /** What is wrong and what to do, to be read after the variable and the value. */
  readonly message: string;
};

/** Every problem of a configuration at once, so that one deploy mends them all. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = `${String(problems.length)} problem${problems.length === 1 ? '' : 's'}`;
    super(
      [`Invalid configuration, ${count}:`, ...problems.map((problem) => `  ${line(problem)}`)].join(
        '\n',
      ),
    );
    this.problems = problems;
  }
}

const shownMax = 80;
const scrub = createScrubber([]);

function line({ variable, value, message }: Problem): string {
  if (value === null) return `${variable} ${message}`;
  // A password in the wrong place has no name; it is known by its form, which cutting would destroy.
  const harmless = scrub(value);
  const shown = harmless.length > shownMax ? `${harmless.slice(0, shownMax)}…` : harmless;
  return `${variable}=${JSON.stringify(shown)} ${message}`;
}
