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

/** Nobody has more by mistake, but a file that is no list of pools. */
const problemsMax = 100;

/** Every problem of a configuration at once, so that one deploy mends them all. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = `${String(problems.length)} problem${problems.length === 1 ? '' : 's'}`;
    const lines = problems.slice(0, problemsMax).map((problem) => `  ${line(problem)}`);
    const others = problems.length - lines.length;
    if (others > 0) lines.push(`  and ${String(others)} more`);
    super([`Invalid configuration, ${count}:`, ...lines].join('\n'));
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

/** As much of a key in a file as is a word: where a space is missing, a value follows, which may be a secret. */
export function wordOf(key: string): string {
  const [word = ''] = /^[\w.<-]{0,40}/.exec(key) ?? [];
  return word === key ? key : `${word}…`;
}
