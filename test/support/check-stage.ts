import { check } from '../../src/commands/check.ts';
import type { Report } from '../../src/commands/check/report.ts';
import { createScrubber } from '../../src/scrub.ts';

export type CheckResult = { readonly exitCode: number; readonly output: string };

/** Runs the command in this process, with nothing of the developer's own environment. */
export async function runCheck(
  environment: Readonly<Record<string, string>>,
  options: { readonly json?: boolean; readonly shutdown?: AbortSignal } = {},
): Promise<CheckResult> {
  let output = '';
  const secrets: string[] = [];
  const exitCode = await check.execute(
    { json: options.json ?? false },
    {
      environment,
      nowMs: () => Date.now(),
      shutdown: options.shutdown ?? new AbortController().signal,
      print: (text) => (output += text),
      complain: () => undefined,
      scrub: (text) => createScrubber(secrets)(text),
      hide: (more) => secrets.push(...more),
      isTerminal: false,
      ask: null,
      showsProgress: false,
    },
  );
  return { exitCode, output };
}

/** The report of `check --json`. */
export async function checkReport(
  environment: Readonly<Record<string, string>>,
): Promise<Report & { readonly exitCode: number }> {
  const { exitCode, output } = await runCheck(environment, { json: true });
  return { ...(JSON.parse(output) as Report), exitCode };
}

/** The findings as `level subject: message`, for a test that looks for words. */
export function told({ findings }: Report): readonly string[] {
  return findings.map(({ level, subject, message }) => `${level} ${subject}: ${message}`);
}

/** What to do about the first finding whose message has these words. */
export function fixOf({ findings }: Report, words: string): string | undefined {
  const found = findings.find(({ message }) => message.includes(words));
  return found === undefined || found.level === 'ok' ? undefined : found.fix;
}
