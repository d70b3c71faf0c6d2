import { setMaxListeners } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { check } from './commands/check.ts';
import { exitCodes, type Command, type ExitCode, type Surroundings } from './commands/command.ts';
import { demo } from './commands/demo.ts';
import { explain } from './commands/explain.ts';
import { history } from './commands/history.ts';
import { maintenance } from './commands/maintenance.ts';
import { once } from './commands/once.ts';
import { overrides } from './commands/overrides.ts';
import { pause } from './commands/pause.ts';
import { near, readOptions } from './commands/read-options.ts';
import { report } from './commands/report.ts';
import { restart } from './commands/restart.ts';
import { resume } from './commands/resume.ts';
import { run } from './commands/run.ts';
import { set } from './commands/set.ts';
import { simulate } from './commands/simulate.ts';
import { unset } from './commands/unset.ts';
import { web } from './commands/web.ts';
import { ConfigError } from './config/problem.ts';
import { variable, variableNames } from './config/variables.ts';
import { OperationalError } from './errors.ts';
import { createScrubber } from './scrub.ts';
import { version } from './version.ts';

const commands: readonly Command[] = [
  ...[run, once, check, explain, history, report],
  ...[pause, resume, set, unset, overrides],
  ...[restart, maintenance, simulate, demo, web],
];
const standardOptions = {
  json: { type: 'boolean', help: 'Write one JSON document to stdout, and logs to stderr' },
  help: { type: 'boolean', short: 'h', help: 'Say what this command does' },
} as const;

/** What main.ts knows of the process. */
export type Start = Pick<Surroundings, 'environment' | 'nowMs' | 'shutdown'> & {
  readonly words: readonly string[];
};

/** Runs one command and ends the process with its exit code. */
export async function runCommandLine({ words, ...start }: Start): Promise<void> {
  // Each pool waits for it, often more than once, which is no leak.
  setMaxListeners(0, start.shutdown);
  const names = variableNames.filter((name) => variable(name).isSecret);
  const secrets = names.map((name) => start.environment[name] ?? '');
  const scrub = (text: string) => createScrubber(secrets)(text);
  const surroundings: Surroundings = {
    ...start,
    print: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(scrub(text)),
    scrub,
    hide: (more) => secrets.push(...more),
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask(start.shutdown) : null,
    isTerminal: process.stdout.isTTY,
    showsProgress: process.stderr.isTTY,
  };

  // A bug anywhere ends the process, so that the platform restarts it and somebody sees why.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      surroundings.complain(`a bug ended the process: ${describe(error)}\n`);
      end(exitCodes.failed);
    });
  }
  // Whoever reads the output, such as `head`, may have had enough of it.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    end(exitCodes.fine);
  });
  end(await interpret(words, surroundings));
}

async function interpret(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const [first = 'run', ...rest] = words[0]?.startsWith('-') ? ['run', ...words] : words;
  if (isPlea(words)) {
    surroundings.print(overview());
    return exitCodes.fine;
  }
  if (words[0] === '--version') {
    surroundings.print(`${version}\n`);
    return exitCodes.fine;
  }
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) {
    const names = commands.map(({ name }) => name);
    surroundings.complain(`there is no command "${first}"${near(first, names)}\n\n${overview()}`);
    return exitCodes.usage;
  }
  const {
    values: options,
    operands,
    problems,
  } = readOptions(rest, { ...command.options, ...standardOptions }, command.operands !== undefined);
  if (problems.length > 0) {
    surroundings.complain(
      `${command.name}: ${problems.join('; ')}\n\`backlog-autoscaler ${command.name} --help\` says more.\n`,
    );
    return exitCodes.usage;
  }
  if (options['help'] === true) {
    surroundings.print(manual(command));
    return exitCodes.fine;
  }
  return attempt(command, options, operands, surroundings);
}

/** Whether somebody asks for help without naming a command. */
function isPlea(words: readonly string[]): boolean {
  return words.length === 1 && ['help', '--help', '-h'].includes(words[0] ?? '');
}

async function attempt(
  command: Command,
  options: Parameters<Command['execute']>[0],
  operands: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  try {
    return await command.execute(options, surroundings, operands);
  } catch (error) {
    if (error instanceof ConfigError) {
      surroundings.complain(`${error.message}\n`);
      if (options['json'] === true)
        printError(
          command,
          surroundings,
          'CONFIG_INVALID',
          error.message,
          'Mend every problem in the list.',
        );
      return exitCodes.config;
    }
    if (!(error instanceof OperationalError)) throw error;
    surroundings.complain(`${error.code}: ${error.message}\n${error.hint}\n`);
    if (options['json'] === true)
      printError(command, surroundings, error.code, error.message, error.hint);
    return error.code === 'CONFIG_INVALID' ? exitCodes.config : exitCodes.failed;
  }
}

/** Whoever asked for JSON gets a document also when nothing else can be told. */
function printError(
  { jsonList = 'pools' }: Command,
  { print, scrub }: Surroundings,
  code: string,
  message: string,
  hint: string,
): void {
  print(scrub(`${JSON.stringify({ [jsonList]: [], error: { code, message, hint } })}\n`));
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `backlog-autoscaler ${version}: keeps the number of Heroku worker dynos right for the backlog, and says why

Usage: backlog-autoscaler <command> [--json] [--help]

${lines.join('\n')}

\`backlog-autoscaler <command> --help\` says more. Config vars are described in the README; start with \`check\`.
`;
}

function manual({ name, summary, help, options, operands }: Command): string {
  const all = Object.entries({ ...options, ...standardOptions });
  const width = Math.max(...all.map(([option]) => option.length));
  const lines = all.map(
    ([option, definition]) => `  --${option.padEnd(width)}  ${definition.help}`,
  );
  const words = operands === undefined ? '' : ` ${operands}`;
  return `backlog-autoscaler ${name}${words}: ${summary}\n\n${help}\n\nOptions:\n${lines.join('\n')}\n`;
}

/** Whoever is asked and ends the process instead has not said yes. */
function ask(shutdown: AbortSignal): (question: string) => Promise<boolean> {
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(question, { signal: shutdown })).trim());
    } catch {
      return false;
    } finally {
      terminal.close();
    }
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Ends the process once what was written is out, whatever connection still lingers. */
function end(code: ExitCode): void {
  process.exitCode = code;
  process.stdout.write('', () => {
    process.stderr.write('', () => {
      process.exit(code);
    });
  });
}
