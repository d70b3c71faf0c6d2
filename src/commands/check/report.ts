import { counted } from '../../decision/words.ts';
import { subjects, type Finding, type Subject } from './finding.ts';

const headings: Readonly<Record<Subject, string>> = {
  configuration: 'Configuration',
  redis: 'Redis',
  state: 'State',
  queues: 'Queues',
  workers: 'Workers',
  heroku: 'Heroku',
  http: 'HTTP',
  delivery: 'Delivery',
};
const levelWidth = 'warning  '.length;

export type Report = {
  readonly findings: readonly Finding[];
  readonly problems: number;
  readonly warnings: number;
};

/** Sorts the findings by subject, within it by pool as they came, and counts what is wrong. */
export function reportOf(findings: readonly Finding[]): Report {
  const sorted = findings.toSorted(
    (one, other) => subjects.indexOf(one.subject) - subjects.indexOf(other.subject),
  );
  const count = (level: Finding['level']) => findings.filter((one) => one.level === level).length;
  return { findings: sorted, problems: count('problem'), warnings: count('warning') };
}

/** The report as a person reads it: a line for each finding under the heading of its subject and pool, its fix below. */
export function readable({ findings, problems, warnings }: Report): string {
  const hasPools = new Set(findings.flatMap(({ pool }) => pool ?? [])).size > 1;
  const paragraphs = new Map<string, string[]>();
  for (const finding of findings) {
    const { subject, pool } = finding;
    const heading = headings[subject] + (hasPools && pool !== undefined ? ` of pool ${pool}` : '');
    const lines = paragraphs.get(heading) ?? [];
    paragraphs.set(heading, [...lines, ...linesOf(finding)]);
  }
  const texts = [...paragraphs].map(([heading, lines]) => [heading, ...lines, ''].join('\n'));
  const total = `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}\n`;
  return [...texts, total].join('\n');
}

function linesOf(finding: Finding): readonly string[] {
  // Names of queues are anyone's text, and a terminal obeys some characters.
  const line = finding.level.padEnd(levelWidth) + finding.message.replace(/\p{Cc}+/gu, ' ');
  return finding.level === 'ok' ? [line] : [line, ' '.repeat(levelWidth) + finding.fix];
}
