import { createTask, type Logger, type ScheduledTask } from 'node-cron';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** Every step that one cron pattern expresses without a gap at the end of the minute, hour or day; longest first. */
const steps: readonly { readonly stepMs: number; readonly pattern: string }[] = [
  ...divisorsOf(24).map((hours) => ({
    stepMs: hours * hourMs,
    pattern: `0 0 */${String(hours)} * * *`,
  })),
  ...divisorsOf(60).map((minutes) => ({
    stepMs: minutes * minuteMs,
    pattern: `0 */${String(minutes)} * * * *`,
  })),
  ...divisorsOf(60).map((seconds) => ({
    stepMs: seconds * secondMs,
    pattern: `*/${String(seconds)} * * * * *`,
  })),
].sort((one, other) => other.stepMs - one.stepMs);

/** So many calls are left out in a row, because an earlier one has not ended, before it counts as one that never will. */
const leftOutMax = 3;

export type Clock = {
  /** Calls `tick` before the next multiple, unless a call is under way. */
  tickNow(): void;
  /** Starts no further tick; one that is under way goes on. */
  stop(): Promise<void>;
};

/**
 * Calls `tick` at once and then whenever the wall clock (UTC) is at a multiple of the interval; never while an earlier
 * call is still under way.
 *
 * An interval that no single pattern expresses, such as 90 s, runs on the longest pattern that divides it and lets only
 * the multiples through.
 */
export function startClock(parts: {
  name: string;
  intervalMs: number;
  /** Resolves to the milliseconds after which it wants to be called again, if that is before the next multiple. */
  tick: () => Promise<number | null>;
  logger: Logger;
  /** Told of anything that `tick` throws: a bug, after which the process must not go on. */
  onBug: (error: unknown) => void;
  /** Told when a call does not end, though intervals go by: nothing will ever be called again. */
  onStall: () => void;
}): Clock {
  const { intervalMs } = parts;
  const { stepMs, pattern } = cronStep(intervalMs);
  let isUnderWay = false;
  let leftOut = 0;
  let isStopped = false;
  let followUp: NodeJS.Timeout | undefined;

  async function turn(): Promise<void> {
    // node-cron's own guard sees neither the first, unscheduled call nor a follow-up.
    if (isUnderWay) {
      leftOut += 1;
      parts.logger.warn('the tick before this one is still under way, so this one is left out');
      if (leftOut === leftOutMax) parts.onStall();
      return;
    }
    isUnderWay = true;
    clearTimeout(followUp);
    try {
      const againInMs = await parts.tick();
      if (againInMs === null || againInMs >= intervalMs || isStopped) return;
      followUp = setTimeout(tickNow, againInMs);
    } finally {
      isUnderWay = false;
      leftOut = 0;
    }
  }

  function tickNow(): void {
    if (!isUnderWay && !isStopped) turn().catch(parts.onBug);
  }

  const task: ScheduledTask = createTask(
    pattern,
    async ({ date, execution }) => {
      missing.refresh();
      const isFirst = execution?.reason === 'invoked';
      if (isFirst || isMultiple(date.getTime(), intervalMs, stepMs)) await turn();
    },
    {
      name: parts.name,
      // Daylight saving must not stretch or skip an interval.
      timezone: 'UTC',
      // A process that was busy or asleep at the exact moment still ticks, rather than waiting for the next one.
      missedExecutionTolerance: stepMs / 2,
      logger: parts.logger,
    },
  );
  // node-cron waits for the moment that comes next by the wall clock: an hour longer when that was set back by an hour.
  // Timers go by another clock. If no step comes, the pattern begins anew from what the wall clock shows.
  const missing = setInterval(() => {
    void task.stop();
    void task.start();
    tickNow();
  }, 2 * stepMs);
  task.on('execution:failed', ({ execution, error }) => {
    parts.onBug(execution?.error ?? error);
  });
  void task.start();
  // Its failure is reported by the event above.
  task.execute().catch(() => undefined);
  return {
    tickNow,
    async stop() {
      isStopped = true;
      clearTimeout(followUp);
      clearInterval(missing);
      await task.destroy();
    },
  };
}

/** The longest cron step that divides the interval evenly; a second when none does. */
export function cronStep(intervalMs: number): {
  readonly stepMs: number;
  readonly pattern: string;
} {
  return (
    steps.find(({ stepMs }) => intervalMs % stepMs === 0) ?? {
      stepMs: secondMs,
      pattern: '* * * * * *',
    }
  );
}

/** Whether a multiple of the interval lies in the step that ends at `atMs`. */
export function isMultiple(atMs: number, intervalMs: number, stepMs: number): boolean {
  return Math.floor(atMs / intervalMs) > Math.floor((atMs - stepMs) / intervalMs);
}

function divisorsOf(whole: number): number[] {
  return Array.from({ length: whole }, (_, index) => index + 1).filter(
    (number) => whole % number === 0,
  );
}
