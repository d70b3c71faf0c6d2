import { hostname, userInfo } from 'node:os';
import { duration, text } from '../../config/kinds.ts';
import type { Environment } from '../../config/load.ts';
import { lastsMsMax } from '../../decision/overrides.ts';
import type { OptionDefinitions, OptionValues, Surroundings } from '../command.ts';
import { exitCodes, type ExitCode } from '../command.ts';
import { readOption } from '../read-options.ts';

export const poolOption = {
  pool: { type: 'string', help: 'Which pool; needed only where there are several' },
} as const satisfies OptionDefinitions;

/** The options of what holds for a while. */
export const actOptions = {
  ...poolOption,
  for: { type: 'string', help: 'For how long, such as 2h [until it is ended, 30 days at most]' },
  by: { type: 'string', help: 'Who does it, for those who read of it [user@host, or the dyno]' },
} as const satisfies OptionDefinitions;

const kinds = {
  for: duration({ minMs: 1_000, maxMs: lastsMsMax }),
  by: text('a name of letters, digits, spaces and .@:_-', /^[\p{L}\p{N} .@:_-]{1,64}$/u),
};

/** What the options of `actOptions` say; what is wrong with them is added to the problems. */
export function readAct(
  options: OptionValues,
  environment: Environment,
  problems: string[],
): { readonly by: string; readonly forMs: number } {
  return {
    by: readOption('by', kinds.by, options['by'], problems) ?? nameOfUser(environment),
    forMs: readOption('for', kinds.for, options['for'], problems) ?? lastsMsMax,
  };
}

export function poolNameOf({ pool }: OptionValues): string | null {
  return typeof pool === 'string' ? pool : null;
}

/** On a dyno everybody has the same user, so its name tells more. */
function nameOfUser(environment: Environment): string {
  const name = environment['DYNO'] ?? `${userName(environment)}@${hostname()}`;
  return name.replaceAll(/[^\p{L}\p{N} .@:_-]/gu, '-').slice(0, 64);
}

function userName(environment: Environment): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return environment['USER'] ?? 'somebody';
  }
}

/** What to type for the pool that was named. */
export function toType(words: string, options: OptionValues): string {
  const name = poolNameOf(options);
  return `\`backlog-autoscaler ${words}${name === null ? '' : ` --pool ${name}`}\``;
}

type Refusal = {
  /** What was not done, such as `set: nothing was changed`. */
  readonly heading: string;
  readonly problems: readonly string[];
  readonly hint: string;
  /** Whether it was asked wrongly, or cannot be done as the pool stands. */
  readonly exitCode: typeof exitCodes.usage | typeof exitCodes.failed;
};

/** Says why something is not done, all reasons at once, and with `--json` in the document too. */
export function refuse(
  { heading, problems, hint, exitCode }: Refusal,
  { json }: OptionValues,
  { complain, print, scrub }: Pick<Surroundings, 'complain' | 'print' | 'scrub'>,
): ExitCode {
  complain(`${heading}:\n${problems.map((problem) => `  ${problem}\n`).join('')}${hint}\n`);
  if (json === true) {
    const error = { code: 'CONFIG_INVALID', message: problems.join('; '), hint };
    print(scrub(`${JSON.stringify({ pools: [], error })}\n`));
  }
  return exitCode;
}

export function usageHint(command: string): string {
  return `\`backlog-autoscaler ${command} --help\` says more.`;
}
