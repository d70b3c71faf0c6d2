import { waitUntil } from '../patience.ts';
import { TakenOver, type StepName } from './journal.ts';

/** One step of a maintenance. Any of them can be taken up again by another process, at any point. */
export type Step = {
  readonly name: StepName;
  /** What it does, as in `drain the workers`. */
  readonly title: string;
  /** What is not yet so, or null when the step is done. */
  readonly missing: (signal: AbortSignal) => Promise<string | null>;
  /** Does what is missing, or a part of it. To repeat it does no harm. */
  readonly act?: (signal: AbortSignal) => Promise<void>;
  readonly patienceMs: number;
  /** Whether the next step follows also when patience is at its end. */
  readonly goesOn?: boolean;
  /** How often to look whether it is done. */
  readonly everyMs?: number;
};

export type Passed = { readonly step: StepName; readonly seconds: number };
/** A step that did not get there, and what it waited for at the end. */
export type Stuck = { readonly step: StepName; readonly waitedFor: string };

const everyMsDefault = 1_000;

/**
 * Takes the steps one after the other, each noted down before it begins. Returns where it got stuck, or null.
 * @throws {OperationalError} when waiting will not help; {@link TakenOver}
 */
export async function perform(
  steps: readonly Step[],
  parts: {
    readonly note: (step: StepName) => Promise<void>;
    /** Done before each look, as long as the maintenance lasts. */
    readonly hold: (signal: AbortSignal) => Promise<void>;
    readonly shutdown: AbortSignal;
    readonly tell: (line: string) => void;
    readonly onPassed: (passed: Passed) => void;
  },
): Promise<Stuck | null> {
  for (const step of steps) {
    const startedMs = performance.now();
    await parts.note(step.name);
    parts.tell(`${step.name}: ${step.title}`);
    let hasActed = false;
    const seen = { takenOver: null as TakenOver | null };
    const look = async (signal: AbortSignal) => {
      await parts.hold(signal);
      const missing = await step.missing(signal);
      if (missing === null || step.act === undefined) return missing;
      await step.act(signal);
      if (hasActed) return missing;
      hasActed = true;
      return step.missing(signal);
    };
    const waitedFor = await waitUntil(
      // Of all that may go wrong with Redis, this alone does not pass.
      (signal) =>
        look(signal).catch((error: unknown) => {
          if (!(error instanceof TakenOver)) throw error;
          seen.takenOver = error;
          return null;
        }),
      {
        everyMs: step.everyMs ?? everyMsDefault,
        ...{ patienceMs: step.patienceMs, shutdown: parts.shutdown },
        onWaiting: (what) => {
          parts.tell(`${step.name}: waits, ${what}`);
        },
      },
    );
    if (seen.takenOver !== null) throw seen.takenOver;
    const isLeft = waitedFor !== null && step.goesOn === true && !parts.shutdown.aborted;
    if (waitedFor !== null && !isLeft) return { step: step.name, waitedFor };
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    parts.tell(`${step.name}: ${isLeft ? `goes on although ${waitedFor}` : 'done'}`);
    parts.onPassed({ step: step.name, seconds });
  }
  return null;
}
