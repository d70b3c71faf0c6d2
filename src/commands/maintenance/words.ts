import type { Passed, Stuck } from '../../maintenance/engine.ts';
import type { Journal } from '../../maintenance/journal.ts';

/** How it ended, or stands. */
export type Outcome = 'finished' | 'at-zero' | 'aborted' | 'stopped' | 'none' | Journal['phase'];

/** What `--json` prints. */
export function documentOf(
  outcome: Outcome,
  journal: Journal | null,
  steps: readonly Passed[],
  stuck: Stuck | null,
): object {
  return {
    outcome,
    id: journal?.id ?? null,
    step: journal?.step ?? null,
    redis: journal?.addon?.name ?? null,
    pools: journal?.pools.map(({ pool, workers }) => ({ pool, workers })) ?? [],
    steps,
    ...(stuck === null ? {} : { stuck }),
  };
}

/** What a person reads at the end. */
export function sentenceOf(outcome: Outcome, journal: Journal, stuck: Stuck | null): string {
  const pools = journal.pools.map(({ pool, workers }) => `${pool} ${String(workers ?? '?')}`);
  const before = pools.join(', ');
  if (outcome === 'at-zero')
    return `Nobody works. Do what is to be done, then \`backlog-autoscaler maintenance end\`; workers before: ${before}.\n`;
  if (outcome === 'finished' || outcome === 'aborted')
    return `${outcome === 'finished' ? 'Done' : 'Aborted'}: everything is as it was before (${before}).\n`;
  const why = stuck === null ? '' : `: ${stuck.waitedFor}`;
  return `Stopped at ${journal.step}${why}.\n${howToGoOn(journal)}`;
}

export function howToGoOn({ kind, phase }: Journal): string {
  const again = phase === 'up' ? (kind === 'run' ? 'run' : 'end') : kind;
  return `\`backlog-autoscaler maintenance ${again}\` goes on from there, \`maintenance abort\` puts everything back.\n`;
}

/** For `status`. */
export function standing(journal: Journal | null): string {
  if (journal === null) return 'No maintenance is known here.\n';
  const { kind, phase, step, startedAtMs, addon, pools } = journal;
  const began = new Date(startedAtMs).toISOString();
  const of = addon === null ? '' : ` of ${addon.name}`;
  const before = pools.map(({ pool, workers }) => `${pool} ${String(workers ?? 'not noted')}`);
  if (phase === 'over') return `The last maintenance${of}, begun at ${began}, is over.\n`;
  return `A maintenance${of} (${kind}), begun at ${began}, is at ${step}. Workers before: ${before.join(', ')}.\n${howToGoOn(journal)}`;
}

/** What will be done, for whoever is asked whether it may. */
export function planOf(
  { kind, phase, closedApps, addon, pools }: Journal,
  turnsBack: boolean,
): string {
  const names = pools.map(({ pool }) => pool).join(', ');
  const isDown = phase === 'down' && !turnsBack;
  const down = `pause the autoscaler for ${names}, ${closedApps.length > 0 ? 'close the app, ' : ''}drain, scale to zero, prove it`;
  const up = 'find the Redis, restore the workers, resume the autoscaler, verify';
  const parts = [
    ...(isDown ? [down] : []),
    ...(isDown && kind === 'run' ? [`have Heroku maintain ${addon?.name ?? 'the Redis'}`] : []),
    ...(isDown && kind === 'begin' ? ['leave it at that'] : [up]),
  ];
  return `Will ${parts.join('; ')}.\n`;
}
