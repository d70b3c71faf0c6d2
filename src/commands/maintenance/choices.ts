import { duration } from '../../config/kinds.ts';
import type { OptionDefinitions, OptionValues } from '../command.ts';
import { near, readOption } from '../read-options.ts';

export const verbs = ['run', 'begin', 'end', 'abort', 'status'] as const;
export type Verb = (typeof verbs)[number];
/** Whether it puts back how it was, whatever was done so far. */
export const isWayBack = (verb: Verb): boolean => verb === 'end' || verb === 'abort';

const hourMs = 60 * 60_000;
/** Heroku kills a process 30 s after it was told to end, which it is within a second or two. */
const killGraceMsDefault = 35_000;

export const optionDefinitions = {
  redis: { type: 'string', help: 'The Redis add-on to maintain, by its name or its attachment' },
  pool: { type: 'string', help: 'Only these pools, separated by commas (all that are configured)' },
  'app-maintenance': { type: 'boolean', help: 'Turn the app’s maintenance mode on meanwhile' },
  'dry-run': {
    type: 'boolean',
    help: 'Check everything and say what would be done; change nothing',
  },
  yes: { type: 'boolean', help: 'Do not ask before beginning' },
  resume: { type: 'boolean', help: 'Go on with the one that was left, and never begin another' },
  force: {
    type: 'boolean',
    help: 'Go on after DRAIN_TIMEOUT; what still runs is handed back. With end and abort: also while Heroku’s maintenance runs',
  },
  for: { type: 'string', help: 'How long the pause lasts if nobody ends it (4h)' },
  'kill-grace': { type: 'string', help: 'How long an ended process may live on (35s)' },
  journal: { type: 'string', help: 'The file to keep (backlog-autoscaler-maintenance.json)' },
} as const satisfies OptionDefinitions;

/** What somebody asked for. */
export type Choices = {
  readonly verb: Verb;
  readonly redis: string | null;
  /** Null for all. */
  readonly pools: readonly string[] | null;
  readonly closesApp: boolean;
  readonly isDryRun: boolean;
  readonly isConfirmed: boolean;
  readonly mustResume: boolean;
  readonly isForced: boolean;
  readonly pauseForMs: number;
  readonly killGraceMs: number;
  readonly journalPath: string;
};

/** What the words and options say, or everything that is wrong with them. */
export function parseChoices(
  words: readonly string[],
  options: OptionValues,
): Choices | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const [word = '', ...others] = words;
  const verb = verbs.find((known) => known === word);
  if (verb === undefined || others.length > 0)
    problems.push(`say one of ${verbs.join(', ')}${word === '' ? '' : near(word, verbs)}`);
  const text = (name: keyof typeof optionDefinitions) => {
    const value = options[name];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const time = (name: 'for' | 'kill-grace', limits: Parameters<typeof duration>[0]) =>
    readOption(name, duration(limits), options[name], problems);
  const choices = {
    verb: verb ?? 'status',
    redis: text('redis'),
    pools: text('pool')?.split(',') ?? null,
    closesApp: options['app-maintenance'] === true,
    isDryRun: options['dry-run'] === true,
    isConfirmed: options['yes'] === true,
    mustResume: options['resume'] === true,
    isForced: options['force'] === true,
    pauseForMs: time('for', { minMs: 60_000, maxMs: 7 * 24 * hourMs }) ?? 4 * hourMs,
    killGraceMs: time('kill-grace', { minMs: 1_000, maxMs: hourMs }) ?? killGraceMsDefault,
    journalPath: text('journal') ?? 'backlog-autoscaler-maintenance.json',
  };
  return problems.length > 0 ? { problems } : choices;
}
