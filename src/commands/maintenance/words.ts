import type { Passed, Stuck } from '../../maintenance/engine.ts';
import type { Journal } from '../../maintenance/journal.ts';

/** How it ended, or stands. */
export type Outcome =
  | 'finished'
  | 'aborted'
  | 'stopped'
  | 'planned'
  | 'declined'
  | 'refused'
  | 'none'
  | Journal['phase'];

/** How Heroku’s maintenance of the Redis stands. */
export type RedisMaintenance = 'completed' | 'running' | 'not-begun' | 'unknown-addon';

/** What `--json` prints. */
export function documentOf(
  outcome: Outcome,
  journal: Journal | null,
  ended?: {
    readonly steps: readonly Passed[];
    readonly stuck: Stuck | null;
    readonly redisMaintenance: RedisMaintenance | null;
  },
): object {
  return {
    outcome,
    id: journal?.id ?? null,
    step: journal?.step ?? null,
    redis: journal?.addon?.name ?? null,
    redisMaintenance: ended?.redisMaintenance ?? null,
    pools: journal?.pools.map(({ pool, workers }) => ({ pool, workers })) ?? [],
    steps: ended?.steps ?? [],
    ...(ended?.stuck ? { stuck: ended.stuck } : {}),
  };
}

/** What a person reads at the end. */
export function sentenceOf(
  outcome: Outcome,
  journal: Journal,
  {
    stuck,
    redisMaintenance,
  }: { readonly stuck: Stuck | null; readonly redisMaintenance: RedisMaintenance | null },
): string {
  if (outcome === 'at-zero') return `${atZero(journal)}\n`;
  if (outcome === 'stopped') {
    const why = stuck === null ? '' : `: ${stuck.waitedFor}`;
    return `Stopped at ${journal.step}${why}.\n${howToGoOn(journal)}`;
  }
  const isLess = journal.pools.some(isAllowedLess);
  const back = `everything${isLess ? ' but the number of workers' : ''} is as it was before (${journal.pools.map(restored).join(', ')})`;
  if (outcome === 'finished') return `Done: ${back}.\n`;
  return `Aborted: ${back}.\n${unstopped(journal, redisMaintenance)}`;
}

type JournalledPool = Journal['pools'][number];

function isAllowedLess({ workers, allowedWorkers }: JournalledPool): boolean {
  return allowedWorkers !== null && allowedWorkers < (workers ?? 0);
}

function restored(entry: JournalledPool): string {
  const { pool, workers, allowedWorkers, formerPause } = entry;
  const paused = formerPause === null ? '' : `, paused by ${formerPause.by}`;
  if (workers === null) return `${pool} was not scaled${paused}`;
  if (isAllowedLess(entry))
    return `${pool} ${String(allowedWorkers)} of ${String(workers)}, as Heroku allows no more${paused}`;
  return `${pool} ${String(workers)}${paused}`;
}

/** What became of the maintenance at Heroku, which nobody can stop there. */
function unstopped({ addon, kind }: Journal, redisMaintenance: RedisMaintenance | null): string {
  if (addon === null) return '';
  const of = `Heroku’s maintenance of ${addon.name}`;
  const look = `\`heroku data:maintenances:info ${addon.name} -a ${addon.app}\` says how it stands`;
  if (redisMaintenance === 'completed')
    return `${of} could not be stopped: it is completed, and nothing is left to do.\n`;
  if (redisMaintenance === 'running')
    return `${of} cannot be stopped, and still runs. Until it is over jobs may fail, and Heroku may restart every dyno of ${addon.app}; ${look}.\n`;
  // `begin` is for databases of others too, of which Heroku never tells.
  if (redisMaintenance === 'unknown-addon' && kind === 'begin') return '';
  if (redisMaintenance === 'unknown-addon')
    return `Heroku no longer knows ${addon.name}: nothing of it is left to maintain.\n`;
  if (redisMaintenance === 'not-begun')
    return `${of} was not begun. Heroku does it in its own time, whoever works then, unless \`maintenance run\` comes before.\n`;
  return `How ${of} stands could not be asked: ${look}.\n`;
}

/** What `begin` leaves behind. */
function atZero({ pools, pausedUntilMs }: Journal): string {
  const before = pools.map(({ pool, workers }) => `${pool} ${String(workers ?? '?')}`).join(', ');
  const until = pausedUntilMs === null ? '' : new Date(pausedUntilMs).toISOString();
  return `Nobody works, and the autoscaler is paused until ${until}. Do what is to be done, then \`backlog-autoscaler maintenance end\`; workers before: ${before}.`;
}

export function howToGoOn({ kind, phase }: Journal): string {
  if (phase === 'up')
    return `\`backlog-autoscaler maintenance ${kind === 'run' ? 'run' : 'end'}\` goes on putting everything back.\n`;
  return `\`backlog-autoscaler maintenance ${kind}\` goes on from there, \`maintenance abort\` puts everything back.\n`;
}

/** For `status`. */
export function standing(journal: Journal | null): string {
  if (journal === null) return 'No maintenance is known, neither in the journal nor in Redis.\n';
  const { kind, phase, step, startedAtMs, addon, pools } = journal;
  const began = new Date(startedAtMs).toISOString();
  const of = addon === null ? '' : ` of ${addon.name}`;
  const before = pools.map(({ pool, workers }) => `${pool} ${String(workers ?? 'not noted')}`);
  if (phase === 'over') return `The last maintenance${of}, begun at ${began}, is over.\n`;
  if (phase === 'at-zero') return `A maintenance${of}, begun at ${began}: ${atZero(journal)}\n`;
  return `A maintenance${of} (${kind}), begun at ${began}, is at ${step}. Workers before: ${before.join(', ')}.\n${howToGoOn(journal)}`;
}

/** What will be done, for whoever is asked whether it may. */
export function planOf(
  { kind, phase, closedApps, addon, pools }: Journal,
  turnsBack: boolean,
): string {
  const names = pools.map(({ pool }) => pool).join(', ');
  const isDown = phase !== 'up' && !turnsBack;
  const down = `pause the autoscaler for ${names}, ${closedApps.length > 0 ? 'close the app, ' : ''}drain, scale to zero, prove it`;
  const up = 'find the Redis, restore the workers, resume the autoscaler, verify';
  const parts = [
    ...(isDown ? [down] : []),
    ...(isDown && kind === 'run' ? [`have Heroku maintain ${addon?.name ?? 'the Redis'}`] : []),
    ...(isDown && kind === 'begin' ? ['leave it at that'] : [up]),
  ];
  return `Will ${parts.join('; ')}.\n`;
}
