import { withDeadline } from '../../deadline.ts';
import { OperationalError } from '../../errors.ts';
import { perform, type Passed, type Step, type Stuck } from '../../maintenance/engine.ts';
import type { Journal, JournalStore } from '../../maintenance/journal.ts';
import { eachPool, pause } from '../../maintenance/pools.ts';
import type { Site } from '../../maintenance/site.ts';
import { stepMaintenance, stepsDown, stepsUp } from '../../maintenance/steps.ts';
import type { Surroundings } from '../command.ts';
import { howToGoOn, type Outcome } from './words.ts';

export type Conducted = {
  readonly outcome: Outcome;
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
    /** Back to how it was, whatever was done so far. */
    readonly turnsBack: boolean;
    readonly tell: (line: string) => void;
  },
  { nowMs, shutdown, complain }: Pick<Surroundings, 'nowMs' | 'shutdown' | 'complain'>,
): Promise<Conducted> {
  const { site, store, writer, killGraceMs, isForced, turnsBack, tell } = parts;
  let journal = begun;
  let heldAtMs = -Infinity;
  const steps: Passed[] = [];
  const update = async (changes: Partial<Journal>) => {
    journal = { ...journal, ...changes, entries: journal.entries + 1, writer };
    await store.write(journal);
  };
  const circumstances = { site, journal: () => journal, update, killGraceMs, isForced, nowMs };
  const down = stepsDown(circumstances);
  const middle = journal.kind === 'run' ? stepMaintenance(circumstances) : [];
  const up = stepsUp(circumstances);

  /** Redis may be the one under maintenance, so this is tried and no more. */
  async function hold(signal: AbortSignal): Promise<void> {
    const isDue = performance.now() - heldAtMs > holdEveryMs;
    if (journal.phase !== 'down' || journal.pausedAtMs === null || !isDue) return;
    heldAtMs = performance.now();
    await eachPool(site, (pool) => pause(pool, journal, signal)).catch(passOver);
  }
  const go = (list: readonly Step[]) =>
    perform(list, {
      ...{ hold, shutdown, tell, onPassed: (passed) => steps.push(passed) },
      note: (step) => update({ step }),
    });
  const end = (outcome: Outcome, stuck: Stuck | null): Conducted => {
    return { outcome, journal, steps, stuck };
  };

  try {
    if (journal.phase === 'down' && !turnsBack) {
      const isPassed = await isDone(middle, shutdown);
      const stuck = isPassed ? null : ((await go(down)) ?? (await go(middle)));
      if (stuck !== null) return end('stopped', stuck);
      if (journal.kind === 'begin') return end('at-zero', null);
    }
    if (journal.phase === 'down') await update({ phase: 'up' });
    // What is behind a resumed journal is not done again: the autoscaler may have the pool already.
    const from = Math.max(
      0,
      up.findIndex(({ name }) => name === journal.step),
    );
    const stuck = await go(up.slice(from));
    if (stuck !== null) return end('stopped', stuck);
    await update({ phase: 'over' });
    return end(turnsBack && begun.kind === 'run' ? 'aborted' : 'finished', null);
  } catch (error) {
    if (error instanceof OperationalError)
      complain(`Stopped at ${journal.step}. ${howToGoOn(journal)}`);
    throw error;
  }
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
