import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { OperationalError } from '../../errors.ts';
import { openEnvironment, type Trace, type TraceJob } from '../trace.ts';
import { readRows } from './rows.ts';

const problemsShownMax = 20;

/**
 * A trace from a CSV file with a header: `arrival_seconds,service_seconds[,queue,name,known_at_seconds]`. Its horizon is
 * its last arrival.
 *
 * The file is read once to find every mistake and then again by each run, so that memory does not grow with it. Only one
 * that is not in the order in which jobs become known, or cannot be read twice, is held whole.
 * @throws {OperationalError} `CONFIG_INVALID` with every problem of the file
 */
export function readCsvTrace(path: string, warn: (warning: string) => void): Trace {
  const problems = createProblems(path);
  const summary = attempt(path, () => {
    const isFile = statSync(path).isFile();
    const kept: TraceJob[] | null = isFile ? null : [];
    const summary = summarize(readRows(path, problems.report, ignore), kept);
    problems.throwIfAny();
    if (summary.isInOrder || kept !== null) return { ...summary, kept };
    return { ...summary, kept: [...readRows(path, problems.report, () => undefined)] };
  });
  if (summary.jobs === 0) throw invalid(path, ['has a header but no jobs']);
  const sorted = summary.kept?.sort((one, other) => one.knownAtSeconds - other.knownAtSeconds);
  return {
    name: basename(path),
    queues: [...summary.queues],
    horizonSeconds: summary.horizonSeconds,
    meanServiceSeconds: summary.serviceSeconds / summary.jobs,
    environment: openEnvironment,
    jobs: () => sorted ?? reread(path),
  };

  function ignore(columns: readonly string[]): void {
    const names = columns.map((column) => JSON.stringify(column)).join(', ');
    warn(`${path}: ignored ${names}, which are no columns of a trace`);
  }
}

type Summary = {
  readonly jobs: number;
  readonly serviceSeconds: number;
  readonly horizonSeconds: number;
  readonly queues: ReadonlySet<string>;
  /** Whether the jobs come in the order in which they become known. */
  readonly isInOrder: boolean;
};

function summarize(jobs: Iterable<TraceJob>, kept: TraceJob[] | null): Summary {
  const queues = new Set<string>();
  let [count, serviceSeconds, horizonSeconds, lastKnownSeconds, isInOrder] = [0, 0, 0, 0, true];
  for (const job of jobs) {
    count += 1;
    serviceSeconds += job.serviceSeconds;
    horizonSeconds = Math.max(horizonSeconds, job.arrivalSeconds);
    isInOrder &&= job.knownAtSeconds >= lastKnownSeconds;
    lastKnownSeconds = job.knownAtSeconds;
    queues.add(job.queue);
    kept?.push(job);
  }
  return { jobs: count, serviceSeconds, horizonSeconds, queues, isInOrder };
}

function* reread(path: string): Generator<TraceJob> {
  const problems = createProblems(path);
  for (const job of readRows(path, problems.report, () => undefined)) {
    problems.throwIfAny();
    yield job;
  }
  problems.throwIfAny();
}

function createProblems(path: string) {
  const shown: string[] = [];
  let count = 0;
  return {
    report: (problem: string): void => {
      count += 1;
      if (count <= problemsShownMax) shown.push(problem);
    },
    /** @throws {OperationalError} `CONFIG_INVALID` */
    throwIfAny: (): void => {
      if (count === 0) return;
      const more = count > shown.length ? [`and ${count - shown.length} more`] : [];
      throw invalid(path, [...shown, ...more]);
    },
  };
}

function invalid(path: string, problems: readonly string[], cause?: unknown): OperationalError {
  const isSingle = problems.length === 1;
  const list = isSingle ? ` ${problems.join()}` : problems.map((each) => `\n  ${each}`).join('');
  return new OperationalError('CONFIG_INVALID', `${path}:${list}`, {
    hint: 'A trace is a CSV file with the header arrival_seconds,service_seconds[,queue,name,known_at_seconds], and one job a line.',
    cause,
  });
}

/** What the file system says is a problem of the file, too. */
function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw invalid(path, [`cannot be read: ${error.message}`], error);
  }
}
