/** What a dyno runs, as people say it: `job 7 of mail`, `jobs 7, 9 of mail; job 3 of reports`. */
export function jobsInWords(
  jobs: readonly { readonly queue: string; readonly jobId: string }[],
): string {
  const idsOf = new Map<string, string[]>();
  for (const { queue, jobId } of jobs) idsOf.set(queue, [...(idsOf.get(queue) ?? []), jobId]);
  return [...idsOf]
    .map(([queue, ids]) => `job${ids.length === 1 ? '' : 's'} ${ids.join(', ')} of ${queue}`)
    .join('; ');
}
