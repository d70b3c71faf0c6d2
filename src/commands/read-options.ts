import { closest, distance } from 'fastest-levenshtein';
import { parseArgs } from 'node:util';
import { Misfit, type Kind } from '../config/kinds.ts';
import type { OptionDefinitions, OptionValues } from './command.ts';

type Definitions = Readonly<
  Record<string, OptionDefinitions[string] & { readonly short?: string }>
>;

/** The options and operands among the words that follow a command, and everything that is wrong with them. */
export function readOptions(
  words: readonly string[],
  definitions: Definitions,
  takesOperands = false,
): {
  readonly values: OptionValues;
  readonly operands: readonly string[];
  readonly problems: readonly string[];
} {
  const options = Object.fromEntries(
    Object.entries(definitions).map(([name, { type, short }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }) },
    ]),
  );
  // Strict parsing would stop at the first problem.
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options,
    strict: false,
    tokens: true,
  });
  const problems = tokens.flatMap((token) => {
    if (token.kind === 'positional')
      return takesOperands ? [] : [`${JSON.stringify(token.value)} belongs to no option`];
    if (token.kind === 'option-terminator') return [];
    const { rawName, value, inlineValue } = token;
    const type = definitions[token.name]?.type;
    if (type === undefined)
      return [`there is no option ${rawName}${near(token.name, Object.keys(definitions), '--')}`];
    if (type === 'boolean') return value === undefined ? [] : [`${rawName} takes no value`];
    if (value === undefined || (!inlineValue && value.startsWith('--')))
      return [`${rawName} needs a value`];
    return [];
  });
  return { values, operands: positionals, problems };
}

/** What the text of an option says; null where there is none, or it does not fit, which is then added to the problems. */
export function readOption<T>(
  name: string,
  kind: Kind<T>,
  given: OptionValues[string],
  problems: string[],
): T | null {
  if (typeof given !== 'string') return null;
  try {
    return kind.parse(given);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    problems.push(`--${name}=${given.slice(0, 80)} ${error.message}`);
    return null;
  }
}

/** What was probably meant, as a question to be read after the complaint; nothing when no choice comes near. */
export function near(name: string, choices: readonly string[], prefix = ''): string {
  if (choices.length === 0) return '';
  const nearest = closest(name, choices);
  return distance(name, nearest) <= 1 + name.length / 3
    ? `: did you mean ${prefix}${nearest}?`
    : '';
}
