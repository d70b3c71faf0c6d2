import { Misfit } from '../../config/kinds.ts';
import { parseSetting, settingVariables } from '../../config/settings.ts';
import { settings, type Setting } from '../../decision/overrides.ts';
import { near } from '../read-options.ts';

/** What `minWorkers=5 maxWorkers=20` says; what is wrong with it is added to the problems. */
export function readAssignments(
  words: readonly string[],
  problems: string[],
): Readonly<Partial<Record<Setting, string>>> {
  const texts: Partial<Record<Setting, string>> = {};
  if (words.length === 0) problems.push('say what to set, such as minWorkers=5');
  for (const word of words) {
    const [, name = word, value] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
    const setting = readName(name, problems);
    if (setting === null) continue;
    if (value === undefined) problems.push(`${name} needs a value, such as ${name}=5`);
    else if (texts[setting] !== undefined) problems.push(`${name} is set twice`);
    else if (fits(setting, value, problems)) texts[setting] = value;
  }
  return texts;
}

/** What `minWorkers maxWorkers` names, likewise. */
export function readNames(words: readonly string[], problems: string[]): readonly Setting[] {
  if (words.length === 0) problems.push('say what to unset, such as minWorkers');
  const names = words.map((word) => readName(word, problems)).filter((name) => name !== null);
  return [...new Set(names)];
}

function readName(name: string, problems: string[]): Setting | null {
  const setting = settings.find((known) => known === name);
  if (setting !== undefined) return setting;
  const asVariable = settings.find((known) => settingVariables[known] === name.toUpperCase());
  const meant = asVariable === undefined ? near(name, settings) : `: did you mean ${asVariable}?`;
  problems.push(
    `${JSON.stringify(name.slice(0, 80))} cannot be set${meant || `: there are ${settings.join(', ')}`}`,
  );
  return null;
}

function fits(setting: Setting, value: string, problems: string[]): boolean {
  try {
    parseSetting(setting, value);
    return true;
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    problems.push(`${setting}=${value.slice(0, 80)} ${error.message}`);
    return false;
  }
}
