import type { PoolConfig } from '../../config/load.ts';
import type { QueueReading } from '../../decision/types.ts';
import { counted } from '../../decision/words.ts';
import type { BullmqWorker } from '../../queues/bullmq/connected-workers.ts';
import { ok, warning, type Remark } from './finding.ts';
import { listed } from './listed.ts';

const howToName =
  'In the app: joinPool([worker]) from backlog-autoscaler/worker, or at least new Worker(queue, processor, { connection, name: process.env.DYNO })';

/** What becomes of dynos that nobody knows to be busy or idle. */
const consequences: Readonly<Record<PoolConfig['PROTECT_JOBS'], string>> = {
  auto: 'scaling down may interrupt jobs (PROTECT_JOBS=strict would keep such dynos)',
  strict: 'while jobs run there, none is removed (PROTECT_JOBS=strict)',
  off: 'scaling down interrupts jobs in any case (PROTECT_JOBS=off)',
};

/** How much can be seen of a pool's jobs, the most first; the more, the better the number of workers fits. */
export function judgeInsight(parts: {
  readonly queues: readonly QueueReading[];
  readonly workers: readonly BullmqWorker[] | null;
  readonly heardDynos: readonly string[];
}): Remark {
  const { queues, workers, heardDynos } = parts;
  if (heardDynos.length > 0)
    return ok('Insight: companions, which is the most: what each dyno runs, and dynos can drain');
  const running = queues.flatMap((queue) => queue.running);
  const names = [
    ...running.map(({ worker }) => worker),
    ...(workers ?? []).map(({ name }) => name),
  ];
  if (names.length > 0 && names.every((name) => name !== null))
    return ok(
      'Insight: names of jobs and workers, so it is seen which dyno runs what. To let busy dynos finish first, in the app: joinPool([worker]) from backlog-autoscaler/worker',
    );
  const hasJobNames =
    running.some(({ jobName }) => jobName !== null) ||
    queues.some(({ readyJobNames }) => readyJobNames.length > 0);
  return hasJobNames
    ? ok(`Insight: names of jobs, so it is learned how long each kind takes. ${howToSeeMore}`)
    : ok(`Insight: counts only, as no job is there to look at, or none may be. ${howToSeeMore}`);
}

const howToSeeMore = `To see which dyno runs what, in the app: joinPool([worker]) from backlog-autoscaler/worker, or at least name: process.env.DYNO in the Worker’s options`;

/**
 * Whether it can be told which dyno is busy, for which there must be companions in the workers, or the workers must bear
 * the names of their dynos.
 */
export function judgeWorkers(parts: {
  readonly pool: PoolConfig;
  readonly queues: readonly QueueReading[];
  /** Connected workers of the pool's queues; null when the server does not list its clients. */
  readonly workers: readonly BullmqWorker[] | null;
  /** Of all pools: another one may serve the same queues. */
  readonly processTypes: readonly string[];
  /** What Heroku is asked for; null when that is unknown. */
  readonly currentWorkers: number | null;
  /** Dynos whose companions speak to this pool. */
  readonly heardDynos: readonly string[];
  /** Dynos whose companions are connected, but speak to no pool that is looked after. */
  readonly strayCompanions: readonly string[];
}): readonly Remark[] {
  const { pool, heardDynos, strayCompanions } = parts;
  if (heardDynos.length > 0) {
    const heard = unique(heardDynos);
    const remark = ok(`${counted(heard.length, 'companion')} heard of: ${listed(heard)}`);
    return heard.length >= (parts.currentWorkers ?? 0) ? [remark] : [remark, ...judgeNames(parts)];
  }
  if (strayCompanions.length === 0) return judgeNames(parts);
  return [
    warning(
      `Companions of ${listed(strayCompanions)} are connected, but none speaks to pool ${pool.POOL}, so its dynos cannot drain`,
      `If they are its workers: heroku config:set POOL=${pool.POOL} -a ${pool.HEROKU_APP_NAME ?? '<their app>'}, or joinPool(workers, { pool: '${pool.POOL}' })`,
    ),
    ...judgeNames(parts),
  ];
}

function judgeNames(parts: Parameters<typeof judgeWorkers>[0]): readonly Remark[] {
  const { pool, queues, processTypes, currentWorkers } = parts;
  const workers = parts.workers ?? [];
  const running = queues.flatMap(({ queue, running }) =>
    running.map(({ worker }) => ({ queue, name: worker })),
  );
  const seen = [...workers, ...running];
  if (seen.length === 0) {
    if (parts.workers === null)
      return [
        ok('Nothing is known of them: no job is running, and Redis does not list its clients'),
      ];
    if (currentWorkers === null || currentWorkers === 0) return [ok('None is connected')];
    return [
      warning(
        `Heroku runs ${counted(currentWorkers, 'dyno')} of ${pool.PROCESS_TYPE}, but none is connected to these queues`,
        `See whether they are up: heroku ps ${pool.PROCESS_TYPE} -a ${pool.HEROKU_APP_NAME ?? ''}. If so, do they use this Redis and the prefix "${pool.QUEUE_PREFIX}"?`,
      ),
    ];
  }
  const nameless = unique(seen.filter(({ name }) => name === null).map(({ queue }) => queue));
  const names = unique(seen.flatMap(({ name }) => name ?? []));
  const odd = names.filter((name) => !processTypes.some((type) => isDynoOf(type, name)));
  const remarks: Remark[] = [];
  if (nameless.length > 0)
    remarks.push(
      warning(
        `Workers of ${listed(nameless)} have no name, so a busy dyno cannot be told from an idle one: ${consequences[pool.PROTECT_JOBS]}`,
        howToName,
      ),
    );
  if (odd.length > 0)
    remarks.push(
      warning(
        `Workers are named ${listed(odd)}, but a dyno of ${pool.PROCESS_TYPE} is called ${pool.PROCESS_TYPE}.1 and so on`,
        howToName,
      ),
    );
  if (remarks.length === 0)
    remarks.push(ok(`${counted(names.length, 'worker')} named after the dyno: ${listed(names)}`));
  return remarks;
}

/** `worker.3`, or `worker-23z34x56y-w78k9` on Fir. */
function isDynoOf(processType: string, name: string): boolean {
  if (!name.startsWith(processType)) return false;
  return /^(\.\d+|-[\da-z]+-[\da-z]+)$/.test(name.slice(processType.length));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort((one, other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
}
