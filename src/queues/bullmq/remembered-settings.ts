import type { QueueSettings } from './probe-reply.ts';

/** Idle queues whose settings are read each time, at least; of many, one in `readingsPerTurn` is. */
const queuesPerTurnMin = 100;
const readingsPerTurn = 10;

/**
 * What was last seen in the settings of idle queues. Those of a queue that holds jobs are read every time; they matter
 * there, and while a queue is idle they hardly ever change. So those of many idle queues are read in turn.
 */
export type RememberedSettings = {
  /** Chooses the queues whose turn it is. */
  begin(queues: readonly string[]): void;
  areWanted(queue: string): boolean;
  of(queue: string): QueueSettings | undefined;
  remember(queue: string, settings: QueueSettings): void;
  /** Makes the next reading ask for them. */
  forget(queue: string): void;
};

export function createRememberedSettings(): RememberedSettings {
  const remembered = new Map<string, QueueSettings>();
  let chosen: ReadonlySet<string> = new Set();
  let turn = 0;
  return {
    begin(queues) {
      const size = Math.max(queuesPerTurnMin, Math.ceil(queues.length / readingsPerTurn));
      if (turn >= queues.length) turn = 0;
      chosen = new Set(queues.slice(turn, turn + size));
      turn += size;
      if (remembered.size <= queues.length) return;
      const listed = new Set(queues);
      for (const queue of remembered.keys()) if (!listed.has(queue)) remembered.delete(queue);
    },
    areWanted: (queue) => chosen.has(queue) || !remembered.has(queue),
    of: (queue) => remembered.get(queue),
    remember: (queue, settings) => remembered.set(queue, settings),
    forget: (queue) => remembered.delete(queue),
  };
}
