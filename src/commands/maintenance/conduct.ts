import { withDeadline } from '../../deadline.ts';
import { OperationalError } from '../../errors.ts';
import { perform, type Passed, type Step, type Stuck } from '../../maintenance/engine.ts';
import { TakenOver, type Journal, type JournalStore } from '../../maintenance/journal.ts';
import { eachPool, pause } from '../../maintenance/pools.ts';
import { isCompleted, maintenanceOf } from '../../maintenance/redis-maintenance.ts';
import type { Site } from '../../maintenance/site.ts';
import { stepMaintenance, stepsDown, stepsUp } from '../../maintenance/steps.ts';
import type { Surroundings } from '../command.ts';
import { isWayBack, type Verb } from './choices.ts';
import { howToGoOn, type Outcome, type RedisMaintenance } from './words.ts';

export type Conducted = {
  readonly outcome: Outcome;
  readonly redisMaintenance: RedisMaintenance | null;
  readonly journal: Journal;
  readonly steps: readonly Passed[];
  readonly stuck: Stuck | null;
};

/** The pause ends by itself, so it is set anew now and then. */
const holdEveryMs = 30_000;
const lookMsMax = 20_000;

/**
 * Takes a maintenance on from where its journal says that it is, down to zero and up again as far as that goes.
 * @throws {OperationalError}
 */
export async function conduct(
  begun: Journal,
  parts: {
    readonly site: Site;
    readonly store: JournalStore;
    readonly writer: string;
    readonly killGraceMs: number;
    readonly isForced: boolean;
    readonly verb: Verb;
    readonly tell: (line: string) => void;
  },
  { nowMs, shutdown, complain }: Pick<Surroundings, 'nowMs' | 'shutdown' | 'complain'>,
): Promise<Conducted> {
  const { site, store, writer, killGraceMs, isForced, verb, tell } = parts;
  const turnsBack = isWayBack(verb);
  let journal = begun;
  const steps: Passed[] = [];
  const update = async (changes: Partial<Journal>) => {
    journal = { ...journal, ...changes, entries: journal.entries + 1, writer };
    await store.write(journal);
  };
  const circumstances = { site, journal: () => journal, update, killGraceMs, isForced, nowMs };
  const down = stepsDown(circumstances);
  const middle = journal.kind === 'run' ? stepMaintenance(circumstances) : [];
  const up = stepsUp(circumstances);

  const hold = holding(site, store, () => journal);
  const go = (list: readonly Step[]) =>
    perform(list, {
      ...{ hold, shutdown, tell, onPassed: (passed) => steps.push(passed) },
      note: (step) => update({ step }),
    });
  const end = async (outcome: Outcome, stuck: Stuck | null): Promise<Conducted> => {
    const redisMaintenance = await lookAtMaintenance(site, journal);
    return { outcome, journal, steps, stuck, redisMaintenance };
  };

  try {
    if (journal.phase !== 'up' && !turnsBack) {
      const isPassed = await isDone(middle, shutdown);
      const stuck = isPassed ? null : ((await go(down)) ?? (await go(middle)));
      if (stuck !== null) return await end('stopped', stuck);
      if (journal.kind === 'begin') {
        await withDeadline(shutdown, lookMsMax, (signal) =>
          eachPool(site, (pool) => pause(pool, journal, signal)),
        );
        await update({ phase: 'at-zero', pausedUntilMs: nowMs() + journal.pauseForMs });
        return await end('at-zero', null);
      }
      await update({ phase: 'up', isMaintained: true });
    }
    if (journal.phase !== 'up') await update({ phase: 'up' });
    // What is behind a resumed journal is not done again: the autoscaler may have the pool already.
    const from = Math.max(
      0,
      up.findIndex(({ name }) => name === journal.step),
    );
    const stuck = await go(up.slice(from));
    if (stuck !== null) return await end('stopped', stuck);
    await update({ phase: 'over' });
    const isWhole = journal.kind === 'run' ? journal.isMaintained : verb !== 'abort';
    return await end(isWhole ? 'finished' : 'aborted', null);
  } catch (error) {
    if (error instanceof OperationalError && !(error instanceof TakenOver))
      complain(`Stopped at ${journal.step}. ${howToGoOn(journal)}`);
    throw error;
  }
}

/** What is done at each look of a step. */
function holding(site: Site, store: JournalStore, journal: () => Journal) {
  let heldAtMs = performance.now();
  return async (signal: AbortSignal) => {
    // Whoever aborts it elsewhere must not see this process go on with its step meanwhile.
    await store.assertOwn(journal());
    const { phase, pausedAtMs } = journal();
    const isDue = performance.now() - heldAtMs > holdEveryMs;
    if (phase === 'up' || pausedAtMs === null || !isDue) return;
    heldAtMs = performance.now();
    // Redis may be the one under maintenance, so this is tried and no more.
    await eachPool(site, (pool) => pause(pool, journal(), signal)).catch(passOver);
  };
}

/** Whether what was gone down for has happened, for instance while nobody watched. */
async function isDone(middle: readonly Step[], shutdown: AbortSignal): Promise<boolean> {
  const [step] = middle;
  if (step === undefined) return false;
  return withDeadline(shutdown, lookMsMax, async (signal) => (await step.missing(signal)) === null);
}

function passOver(error: unknown): void {
  if (!(error instanceof OperationalError)) throw error;
}

/** Null when there is none, or Heroku does not say. */
async function lookAtMaintenance(site: Site, journal: Journal): Promise<RedisMaintenance | null> {
  const { addon } = journal;
  if (addon === null) return null;
  try {
    const found = await withDeadline(new AbortController().signal, lookMsMax, (signal) =>
      maintenanceOf(addon, site, journal, signal),
    );
    if (found === null) return 'unknown-addon';
    if (isCompleted(found, journal)) return 'completed';
    return found.status === 'running' ? 'running' : 'not-begun';
  } catch (error) {
    passOver(error);
    return null;
  }
}
