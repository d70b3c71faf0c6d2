import type { QueueReading, UnreadableQueue } from '../decision/types.ts';

export type QueuesReading = {
  readonly queues: readonly QueueReading[];
  readonly unreadableQueues: readonly UnreadableQueue[];
};

/** What is observed. One implementation for each queue system; none of them ever writes to the user's queues. */
export type QueueSource = {
  /**
   * Reads every queue of the pool at one moment. A queue that exists nowhere yet is empty.
   * @throws {OperationalError} `QUEUE_UNREADABLE` when the server cannot be reached at all
   */
  read(signal: AbortSignal): Promise<QueuesReading>;
};
