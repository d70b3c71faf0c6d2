import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../deadline.ts';
import type { PushTarget } from './push-target.ts';
import type { Failure, ReceiverName } from './receiver.ts';

/** A push that takes longer has failed. */
const pushMsMax = 10_000;

export type Pushing = {
  /** Pushes nothing more, and says the last word within `timeoutMs`. */
  end(timeoutMs: number): Promise<void>;
};

/**
 * Pushes to each target at every interval, beside the ticks and on a timer of its own: one push at a time, and only the
 * newest values, so that nothing piles up while a target is away. The first comes after one interval, when a predecessor
 * of the same name has ended.
 */
export function startPushing(
  targets: readonly PushTarget[],
  options: {
    readonly intervalMs: number;
    readonly nowMs: () => number;
    /** Told what became of each push. */
    readonly onPushed: (to: ReceiverName, failure: Failure | null) => void;
  },
): Pushing {
  const { intervalMs, nowMs, onPushed } = options;
  const ending = new AbortController();
  const loops = targets.map(pushAgainAndAgain);
  return {
    async end(timeoutMs) {
      ending.abort();
      await Promise.all(loops);
      const never = new AbortController().signal;
      await Promise.all(
        targets.map(async (target) => {
          await withDeadline(never, timeoutMs, (signal) => target.leave(nowMs(), signal));
          await target.close();
        }),
      );
    },
  };

  async function pushAgainAndAgain(target: PushTarget): Promise<void> {
    let waitMs = intervalMs;
    while (await hasPassed(waitMs, ending.signal)) {
      const startedMs = performance.now();
      const failure = await withDeadline(ending.signal, Math.min(intervalMs, pushMsMax), (signal) =>
        target.push(nowMs(), signal),
      );
      // One that was broken off is made up for by the last word.
      if (!ending.signal.aborted) onPushed(target.name, failure);
      waitMs = Math.max(0, intervalMs - (performance.now() - startedMs));
    }
  }
}

/** False when the wait was broken off. */
function hasPassed(waitMs: number, signal: AbortSignal): Promise<boolean> {
  return sleep(waitMs, true, { signal }).catch(() => false);
}
