import { gistOf, type TickReport } from '../report.ts';

/** Ticks in a row that did the same for the same reason. */
export type Run = {
  readonly first: TickReport;
  readonly last: TickReport;
  readonly ticks: number;
};

/** Joins ticks that follow each other and have the same gist; oldest first, as the reports are. */
export function runsOf(reports: readonly TickReport[]): readonly Run[] {
  const runs: Run[] = [];
  for (const report of reports) {
    const run = runs.at(-1);
    if (run !== undefined && gistOf(run.last) === gistOf(report))
      runs[runs.length - 1] = { ...run, last: report, ticks: run.ticks + 1 };
    else runs.push({ first: report, last: report, ticks: 1 });
  }
  return runs;
}
