import { OperationalError } from '../errors.ts';
import type { Step } from './engine.ts';
import type { Journal } from './journal.ts';
import {
  aboveZero,
  askToDrain,
  authorOf,
  eachPool,
  firstOf,
  isPausedByUs,
  notAtWork,
  pause,
  stillBusy,
  stillWorking,
  unpause,
  wantedWorkers,
} from './pools.ts';
import { isCompleted, maintenanceOf } from './redis-maintenance.ts';
import type { Site } from './site.ts';

export type Circumstances = {
  readonly site: Site;
  readonly journal: () => Journal;
  readonly update: (changes: Partial<Journal>) => Promise<void>;
  /** How long after it was told to end a process may live. */
  readonly killGraceMs: number;
  /** Whether workers that do not drain in time are ended all the same, and come back while Heroku’s maintenance runs. */
  readonly isForced: boolean;
  readonly nowMs: () => number;
};

const minuteMs = 60_000;
/** No tick takes longer: one that began before the pause has ended by then. */
const tickMsMax = 20_000;
/** A daemon relies on a reading of the workers no longer than this, even when the account has few calls left. */
const readingMsMax = 65_000;
/** Heroku's windows last four hours; a maintenance of its kind takes minutes. */
const maintenanceMsMax = 4 * 60 * minuteMs;

/** From a pool at work to none at all, and proof of it. */
export function stepsDown(circumstances: Circumstances): readonly Step[] {
  const { site, journal, update, isForced } = circumstances;
  const scaleToZero = (signal: AbortSignal) =>
    eachPool(site, async (pool) => {
      if ((await pool.currentWorkers(0, signal)) > 0) await pool.scaleTo(0, signal);
    });

  return [
    stepPause(circumstances),
    {
      name: 'note-workers',
      title: 'note how many workers there are',
      patienceMs: 5 * minuteMs,
      missing: () =>
        Promise.resolve(
          journal().pools.every(({ workers }) => workers !== null) ? null : 'they are not noted',
        ),
      async act(signal) {
        const noted = journal().pools.map(async (entry) => {
          const pool = site.pools().find(({ name }) => name === entry.pool);
          return { ...entry, workers: (await pool?.currentWorkers(0, signal)) ?? null };
        });
        await update({ pools: await Promise.all(noted) });
      },
    },
    ...closeSteps(site, journal(), true),
    {
      name: 'drain',
      title: 'ask the workers to take no more jobs, and wait for those they run',
      patienceMs: Math.max(...site.pools().map(({ drainTimeoutMs }) => drainTimeoutMs)),
      goesOn: isForced,
      missing: (signal) => firstOf(site, (pool) => stillBusy(pool, signal)),
      act: (signal) => eachPool(site, (pool) => askToDrain(pool, signal)),
    },
    {
      name: 'scale-to-zero',
      title: 'scale to zero',
      patienceMs: 10 * minuteMs,
      missing: (signal) => firstOf(site, (pool) => aboveZero(pool, signal)),
      act: scaleToZero,
    },
    stepProof(circumstances, scaleToZero),
  ];
}

function stepPause({ site, journal, update, nowMs }: Circumstances): Step {
  // The pause that an earlier process set may end in a moment.
  let isRenewed = false;
  return {
    name: 'pause',
    title: 'pause the autoscaler',
    patienceMs: 2 * minuteMs,
    missing: (signal) =>
      firstOf(site, async (pool) => {
        const isPaused = isRenewed && (await isPausedByUs(pool, journal(), signal));
        if (!isPaused) return `${pool.name} is not paused`;
        if ((await pool.lastTold(signal))?.pausedBy === authorOf(journal())) return null;
        const sinceMs = nowMs() - (journal().pausedAtMs ?? nowMs());
        return sinceMs > tickMsMax ? null : `a tick of ${pool.name} may be under way`;
      }),
    async act(signal) {
      // This machine's clock may be wrong: that a pause counts as ended too soon costs the wait for one tick.
      const atMs = isRenewed ? 0 : nowMs();
      const all = site.pools().map((pool) => isPausedByUs(pool, journal(), signal, atMs));
      const isNew = (await Promise.all(all)).includes(false);
      if (isRenewed && !isNew) return;
      await eachPool(site, (pool) => pause(pool, journal(), signal));
      if (isNew || journal().pausedAtMs === null) await update({ pausedAtMs: nowMs() });
      isRenewed = true;
    },
  };
}

/** Zero is what Heroku says at once, and what Redis shows only when the last process has ended. */
function stepProof(
  { site, journal, update, killGraceMs, nowMs }: Circumstances,
  scaleToZero: NonNullable<Step['act']>,
): Step {
  return {
    name: 'prove-zero',
    title: 'see that nobody works any more, neither for Heroku nor in Redis',
    patienceMs: killGraceMs + 5 * minuteMs,
    async missing(signal) {
      const above = await firstOf(site, (pool) => aboveZero(pool, signal));
      const sinceMs = above === null ? (journal().zeroSinceMs ?? nowMs()) : null;
      if (sinceMs !== journal().zeroSinceMs) await update({ zeroSinceMs: sinceMs });
      if (sinceMs === null) return above;
      // Heroku calls a dyno gone at once, while its process may live on until it is killed.
      if (nowMs() - sinceMs < killGraceMs)
        return `processes that were told to end may live for ${String(killGraceMs / 1000)} s`;
      return firstOf(site, (pool) => stillWorking(pool, signal));
    },
    act: scaleToZero,
  };
}

/** Heroku's own maintenance of the Redis. */
export function stepMaintenance({ site, journal }: Circumstances): readonly Step[] {
  const { addon } = journal();
  if (addon === null) return [];
  const look = async (signal: AbortSignal) => {
    const found = await maintenanceOf(addon, site, journal(), signal);
    if (found !== null) return found;
    throw new OperationalError('TARGET_REJECTED', `Heroku no longer knows ${addon.name}`, {
      hint: 'There is nothing left to maintain: `backlog-autoscaler maintenance abort` puts everything back.',
    });
  };
  return [
    {
      name: 'run-maintenance',
      title: `have Heroku maintain ${addon.name}`,
      ...{ patienceMs: maintenanceMsMax, everyMs: 3_000 },
      async missing(signal) {
        const found = await look(signal);
        if (isCompleted(found, journal())) return null;
        return `Heroku says ${found.status === 'completed' ? 'nothing of it yet' : found.status}`;
      },
      async act(signal) {
        const found = await look(signal);
        // It may have ended since the last look, and would be done again.
        if (found.status === 'running' || isCompleted(found, journal())) return;
        await site.operator.runDataMaintenance(addon.id, signal);
      },
    },
  ];
}

/** Finds the Redis, once it is where it will be. */
function stepFindRedis({ site, journal, isForced }: Circumstances): Step {
  return {
    name: 'find-redis',
    title: 'see where Redis is now, and that it can be written to',
    patienceMs: journal().addon === null ? 15 * minuteMs : maintenanceMsMax,
    async missing(signal) {
      const { addon } = journal();
      if (addon !== null && !isForced) {
        const found = await maintenanceOf(addon, site, journal(), signal);
        // Workers on a Redis that is being replaced would lose what they do.
        if (found?.status === 'running')
          return `Heroku’s maintenance of ${addon.name} is running, which nothing can stop`;
      }
      const url = addon && (await site.operator.configVar(addon.app, addon.configVar, signal));
      if (url !== null) site.move(url);
      await eachPool(site, (pool) => pause(pool, journal(), signal));
      await Promise.all(site.pools().map((pool) => pool.readQueues(signal)));
      return null;
    },
  };
}

/** Everything as it was before. */
export function stepsUp(circumstances: Circumstances): readonly Step[] {
  const { site, journal, update, nowMs } = circumstances;
  let restoredMs: number | null = null;
  return [
    stepFindRedis(circumstances),
    {
      name: 'restore-workers',
      title: 'scale to as many workers as there were',
      patienceMs: 15 * minuteMs,
      missing: (signal) =>
        firstOf(site, async (pool) => {
          const wanted = wantedWorkers(pool, journal());
          const workers = await pool.currentWorkers(0, signal);
          if (workers < wanted) return `${pool.name} has ${workers} of ${wanted}`;
          // A daemon that took an older reading for the latest would take the new number for a person's.
          restoredMs ??= performance.now();
          const told = await pool.lastTold(signal);
          const isSeen = told === null || (told.workers ?? 0) >= wanted;
          if (isSeen || performance.now() - restoredMs > readingMsMax) return null;
          return `the autoscaler has not seen the workers of ${pool.name} yet`;
        }),
      act: (signal) =>
        eachPool(site, async (pool) => {
          const wanted = wantedWorkers(pool, journal());
          if ((await pool.currentWorkers(0, signal)) >= wanted) return;
          const result = await pool.scaleTo(wanted, signal);
          if (result.kind === 'scaled') return;
          // Less than before is all that Heroku allows now.
          const pools = journal().pools.map((entry) =>
            entry.pool === pool.name ? { ...entry, allowedWorkers: result.limitWorkers } : entry,
          );
          await update({ pools });
        }),
    },
    {
      name: 'resume',
      title: 'give the pool back to the autoscaler',
      patienceMs: 15 * minuteMs,
      missing: (signal) =>
        firstOf(site, async (pool) =>
          (await isPausedByUs(pool, journal(), signal)) ? `${pool.name} is paused` : null,
        ),
      act: (signal) => eachPool(site, (pool) => unpause(pool, journal(), nowMs(), signal)),
    },
    ...closeSteps(site, journal(), false),
    {
      name: 'verify',
      title: 'see that the workers are up, and that jobs move',
      patienceMs: 10 * minuteMs,
      missing: (signal) => firstOf(site, (pool) => notAtWork(pool, journal(), signal)),
    },
  ];
}

/** Turns the maintenance mode of the apps on, or off again where it was off before. */
function closeSteps(site: Site, { closedApps }: Journal, isOn: boolean): readonly Step[] {
  if (closedApps.length === 0) return [];
  return [
    {
      name: isOn ? 'close-app' : 'open-app',
      title: `turn the maintenance mode of ${closedApps.join(', ')} ${isOn ? 'on' : 'off'}`,
      patienceMs: 5 * minuteMs,
      async missing(signal) {
        const apps = await Promise.all(closedApps.map((app) => site.account.app(app, signal)));
        const other = apps.find(({ maintenance }) => maintenance !== isOn);
        return other === undefined ? null : `it is still ${isOn ? 'off' : 'on'}`;
      },
      async act(signal) {
        for (const app of closedApps) await site.operator.setAppMaintenance(app, isOn, signal);
      },
    },
  ];
}
