import type { Journal } from './journal.ts';
import type { PoolSite, Site } from './site.ts';

/** What the first pool that is not yet so far says; null when all are. */
export async function firstOf(
  site: Site,
  look: (pool: PoolSite) => Promise<string | null>,
): Promise<string | null> {
  const all = await Promise.all(site.pools().map(look));
  return all.find((what) => what !== null) ?? null;
}

export async function eachPool(site: Site, work: (pool: PoolSite) => Promise<void>): Promise<void> {
  await Promise.all(site.pools().map(work));
}

/** Whose pause it is, so that neither is taken for the other. */
export function authorOf({ id }: Journal): string {
  return `maintenance ${id}`;
}

/** Whether the pause is ours, and has not come to its end at `atMs`. */
export async function isPausedByUs(
  { name, overrides }: PoolSite,
  journal: Journal,
  signal: AbortSignal,
  atMs = 0,
): Promise<boolean> {
  const { pause } = await overrides.read(name, signal);
  return pause?.by === authorOf(journal) && pause.untilMs > atMs;
}

/** Pauses a pool, or goes on doing so. While it is paused, no change of its workers counts as a person's. */
export function pause(
  { name, overrides }: PoolSite,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  return overrides.pause(name, { by: authorOf(journal), forMs: journal.pauseForMs }, signal);
}

/** Ends the pause, or puts the one back that somebody else had set before. */
export async function unpause(
  { name, overrides, board, view }: PoolSite,
  journal: Journal,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const dynos = (await view.dynos(0, signal)).map((dyno) => dyno.name);
  await board.mark([], dynos, signal);
  const former = journal.pools.find(({ pool }) => pool === name)?.formerPause ?? null;
  const leftMs = former === null ? 0 : former.untilMs - nowMs;
  if (former !== null && leftMs > 0)
    await overrides.pause(name, { by: former.by, forMs: leftMs }, signal);
  else await overrides.resume(name, signal);
}

/** How many workers a pool is to have again: as many as it had, or as Heroku allows. */
export function wantedWorkers({ name }: PoolSite, { pools }: Journal): number {
  const found = pools.find(({ pool }) => pool === name);
  return Math.min(found?.workers ?? 0, found?.allowedWorkers ?? Infinity);
}

export async function askToDrain({ view, board }: PoolSite, signal: AbortSignal): Promise<void> {
  const dynos = await view.dynos(listAgeMs, signal);
  await board.mark(
    dynos.map(({ name }) => name),
    [],
    signal,
  );
}

/** While dynos drain, their list changes by deploys alone. */
const listAgeMs = 5_000;

export async function stillBusy({ view }: PoolSite, signal: AbortSignal): Promise<string | null> {
  const dynos = await view.dynos(listAgeMs, signal);
  const busy = [...(await view.doing(dynos, signal))].filter(([, { phrase }]) => phrase !== '');
  return listed(busy.map(([dyno, { phrase }]) => `${dyno} ${phrase}`));
}

export async function aboveZero(pool: PoolSite, signal: AbortSignal): Promise<string | null> {
  const workers = await pool.currentWorkers(0, signal);
  if (workers > 0) return `${String(workers)} workers of ${pool.name} are asked for`;
  const dynos = await pool.view.dynos(0, signal);
  return listed(dynos.map(({ name }) => `Heroku lists ${name}`));
}

/** Whatever of a pool can still be seen in Redis although Heroku lists none of its dynos. */
export async function stillWorking(pool: PoolSite, signal: AbortSignal): Promise<string | null> {
  const connected = await pool.connected(signal);
  if (connected.length > 0) return listed(connected.map((who) => `${who} is connected to Redis`));
  const { queues, unreadableQueues } = await pool.readQueues(signal);
  const [unreadable] = unreadableQueues;
  if (unreadable !== undefined) return `${unreadable.queue} cannot be read: ${unreadable.why}`;
  const active = queues.filter(({ activeJobs }) => activeJobs > 0);
  return listed(
    active.map(({ queue, activeJobs }) => `${String(activeJobs)} jobs of ${queue} run`),
  );
}

/** What keeps a pool from being at work again as it was. */
export async function notAtWork(
  pool: PoolSite,
  journal: Journal,
  signal: AbortSignal,
): Promise<string | null> {
  if (wantedWorkers(pool, journal) === 0) return null;
  // The daemon may want others by now, so what counts is that all are up that there are.
  const dynos = await pool.view.dynos(2_000, signal);
  const waiting = dynos.filter(({ state }) => state !== 'up');
  if (dynos.length === 0) return `Heroku lists no worker of ${pool.name} yet`;
  if (waiting.length > 0) return listed(waiting.map(({ name, state }) => `${name} is ${state}`));
  const { queues } = await pool.readQueues(signal);
  const stuck = queues.filter(
    ({ readyJobs, activeJobs, isPaused }) => readyJobs > 0 && activeJobs === 0 && !isPaused,
  );
  return listed(
    stuck.map(({ queue, readyJobs }) => `none of ${String(readyJobs)} jobs of ${queue} runs`),
  );
}

const namedMax = 3;

function listed(phrases: readonly string[]): string | null {
  if (phrases.length === 0) return null;
  const more = phrases.length - namedMax;
  return [...phrases.slice(0, namedMax), ...(more > 0 ? [`and ${String(more)} more`] : [])].join(
    ', ',
  );
}
