import type { OperationalError } from '../../errors.ts';

/** What a finding is about, in the order of the report. */
export const subjects = [
  'configuration',
  'redis',
  'state',
  'queues',
  'workers',
  'heroku',
  'http',
  'delivery',
] as const;
export type Subject = (typeof subjects)[number];

/** What is said about one thing that was examined. Whatever is not `ok` comes with what to do, to be typed where possible. */
export type Remark =
  | { readonly level: 'ok'; readonly message: string }
  | {
      readonly level: 'warning' | 'problem';
      readonly message: string;
      readonly fix: string;
    };

/** A remark and what it is about; without a pool it concerns several, or the only one. */
export type Finding = Remark & { readonly subject: Subject; readonly pool?: string };

/** All is well, as far as can be seen. */
export function ok(message: string): Remark {
  return { level: 'ok', message };
}

/** It works, but probably not as meant, or not for long. */
export function warning(message: string, fix: string): Remark {
  return { level: 'warning', message, fix };
}

/** It does not work. */
export function problem(message: string, fix: string): Remark {
  return { level: 'problem', message, fix };
}

export function problemFrom(error: OperationalError): Remark {
  return problem(error.message, fixFrom(error));
}

/** The hint of an error, which speaks to somebody who watches the daemon, for somebody who runs `check`. */
export function fixFrom({ hint }: OperationalError): string {
  return hint
    .replace(' and the next tick tries again', ': run `check` again')
    .replace('The next tick tries again', 'Run `check` again')
    .replace('the next tick tries again', 'run `check` again');
}
