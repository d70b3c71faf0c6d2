import type { Environment } from '../config/load.ts';

/** The process as a command sees it: everything that main.ts reads or owns on its behalf. */
export type Surroundings = {
  readonly environment: Environment;
  readonly nowMs: () => number;
  /** Aborts when the process was asked to end. */
  readonly shutdown: AbortSignal;
  /** Writes to stdout, which with `--json` is one JSON document and nothing else. */
  readonly print: (text: string) => void;
  /** Writes to stderr. */
  readonly complain: (text: string) => void;
  /** Takes out of a text what must not be seen. */
  readonly scrub: (text: string) => string;
  /** Adds to what must not be seen. */
  readonly hide: (secrets: readonly string[]) => void;
  /** Asks a person at the terminal for a yes; null where there is none. */
  readonly ask: ((question: string) => Promise<boolean>) | null;
  readonly isTerminal: boolean;
  /** Whether stderr is a terminal, where progress can be shown. */
  readonly showsProgress: boolean;
};

/** Exit codes, those of sysexits.h where it has one. */
export const exitCodes = { fine: 0, failed: 1, usage: 64, config: 78 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Options as `node:util` parses them; every command has `--json` and `--help` besides its own. */
export type OptionDefinitions = Readonly<
  Record<string, { readonly type: 'boolean' | 'string'; readonly help: string }>
>;
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

export type Command = {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, when to use it, and an example that can be typed. */
  readonly help: string;
  readonly options: OptionDefinitions;
  /** The words that follow it and belong to no option, as one writes them, such as `SETTING=VALUE…`; none unless it says so. */
  readonly operands?: string;
  /** The list that its JSON document consists of, empty when something went wrong; `pools` unless it says so. */
  readonly jsonList?: string;
  readonly execute: (
    options: OptionValues,
    surroundings: Surroundings,
    operands?: readonly string[],
  ) => Promise<ExitCode>;
};
