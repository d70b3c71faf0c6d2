import type { Comparison, Run } from './comparison.ts';
import { shortNumber, spokenSeconds } from '../../html/words.ts';
import { percent, spokenWait } from './words.ts';

export type Column = { readonly title: string; readonly cell: (run: Run) => string };

/** What there is to compare, for the terminal and the page alike. */
export function columnsOf({ trace, runs, oracleDynoSeconds }: Comparison): readonly Column[] {
  const first = runs[0];
  const base = oracleDynoSeconds ?? first?.result.dynoSeconds ?? NaN;
  const baseName = oracleDynoSeconds === null ? (first?.kind.name ?? '') : 'bound';
  const wait = (seconds: number | null) => spokenWait(seconds, trace);
  return [
    { title: 'policy', cell: ({ kind }) => kind.name },
    { title: 'dyno-hours', cell: ({ result }) => (result.dynoSeconds / 3600).toFixed(1) },
    { title: `÷ ${baseName}`, cell: ({ result }) => (result.dynoSeconds / base).toFixed(2) },
    { title: 'late', cell: ({ result }) => percent(result.lateShare) },
    { title: 'p50 wait', cell: ({ result }) => wait(result.p50WaitSeconds) },
    { title: 'p95 wait', cell: ({ result }) => wait(result.p95WaitSeconds) },
    { title: 'p99 wait', cell: ({ result }) => wait(result.p99WaitSeconds) },
    { title: 'killed', cell: ({ result }) => shortNumber(result.kills) },
    { title: 'lost', cell: ({ result }) => shortNumber(result.lost) },
    { title: 'peak', cell: ({ result }) => String(result.peakWorkers) },
    { title: 'changes', cell: ({ result }) => shortNumber(result.actions) },
    { title: 'starts', cell: ({ result }) => shortNumber(result.starts) },
  ];
}

/** What was played, in a sentence each. */
export function circumstances({ trace, settings, runs }: Comparison): readonly string[] {
  const { minWorkers, maxWorkers, concurrency, targetWaitSeconds, seed } = settings;
  const jobs = runs[0]?.result.jobs ?? 0;
  const [bootMin, bootMax] = [settings.bootSecondsMin, settings.bootSecondsMax].map(spokenSeconds);
  const service = spokenSeconds(trace.meanServiceSeconds);
  return [
    `${shortNumber(jobs)} jobs in ${spokenSeconds(trace.horizonSeconds)} that run for ${service} on average.`,
    `${minWorkers} to ${maxWorkers} workers, each runs ${concurrency} at once per queue and boots in ${bootMin} to ${bootMax}; seed ${seed}.`,
    `A job is late when it waits longer than ${spokenSeconds(targetWaitSeconds)}.`,
  ];
}

/** What the columns mean, as far as it does not go without saying. */
export function explanations({ runs, oracleDynoSeconds }: Comparison): readonly string[] {
  const lost = runs.some(({ result }) => result.lost > 0);
  const handedBack = runs.filter(({ result }) => result.handedBack > 0);
  return [
    ...(oracleDynoSeconds === null
      ? []
      : [
          `The bound is ${(oracleDynoSeconds / 3600).toFixed(1)} dyno-hours: nobody can keep the target for less, even knowing the future.`,
        ]),
    ...(lost
      ? [
          'A lost job was killed twice, or not done a day after the end of the traffic. It counts as late, and as never started.',
        ]
      : []),
    ...handedBack.map(
      ({ kind, result }) =>
        `Of ${kind.name} ${shortNumber(result.handedBack)} running ${result.handedBack === 1 ? 'job was' : 'jobs were'} handed back to the queue, to be begun anew.`,
    ),
  ];
}

/** The comparison as a person reads it in a terminal. */
export function table(comparison: Comparison): string {
  const columns = columnsOf(comparison);
  const rows = [
    columns.map(({ title }) => title),
    ...comparison.runs.map((run) => columns.map(({ cell }) => cell(run))),
  ];
  const widths = columns.map((_, place) => Math.max(...rows.map((row) => row[place]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((text, place) => {
        const width = widths[place] ?? 0;
        return place === 0 ? text.padEnd(width) : text.padStart(width);
      })
      .join('   '),
  );
  const paragraphs = [
    [`${comparison.trace.name}: ${circumstances(comparison).join('\n')}`],
    lines,
    explanations(comparison),
  ];
  return `${paragraphs
    .filter((paragraph) => paragraph.length > 0)
    .map((paragraph) => paragraph.join('\n'))
    .join('\n\n')}\n`;
}
