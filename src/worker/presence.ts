import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeatFreshMs, heartbeatMs } from '../drain/protocol.ts';
import { connectionsOf, jobIdsRunBy, type BullmqWorker } from './bullmq-worker.ts';
import type { Drain } from './drain.ts';
import {
  connectToPool,
  type Load,
  type PoolConnection,
  type PoolMember,
} from './pool-connection.ts';
import type { ServerAddress } from './server-address.ts';

/** Keeps telling the pool how the workers of this process are, and does as the pool asks. */
export type Presence = {
  /** From now on the process is closing, whatever the pool asks. */
  announceClosing(): void;
  /** Tells the pool of a job that was handed back. Rejects when the pool cannot be reached. */
  readonly countHandedBack: () => Promise<void>;
  /** Says no more, and takes back what was said. Never rejects. */
  end(): Promise<void>;
};

/** @param address of the pool's Redis, if it need not be the one of the workers */
export function keepPresence(
  workers: readonly BullmqWorker[],
  drain: Drain,
  member: PoolMember,
  address: ServerAddress | undefined,
): Presence {
  const ended = new AbortController();
  const silence = watchSilence();
  let pool: PoolConnection | undefined;
  let isMarked = false;
  let isClosing = false;
  const hasEnded = () => ended.signal.aborted;
  const pause = (ms: number) =>
    sleep(ms, undefined, { signal: ended.signal }).catch(() => undefined);

  /** Resolves to whether there is more to say at once. */
  async function beat(connection: PoolConnection): Promise<boolean> {
    const wasMarked = isMarked;
    const state = isClosing ? 'closing' : drain.state(wasMarked);
    isMarked = await connection.beat(state, loadOf(workers));
    silence.end();
    await drain.wakeQueues((worker) => connection.wake(worker));
    if (isClosing) return false;
    if (isMarked) drain.pause();
    // Nobody may read `drained` of a worker that takes jobs: it resumes only once `working` is stored.
    else if (state === 'working') drain.resume();
    return wasMarked && !isMarked;
  }

  async function live(): Promise<void> {
    const { commands } = await Promise.any(workers.map(connectionsOf));
    if (hasEnded()) return;
    const connection = (pool = connectToPool(commands, member, address));
    // The first word comes at once, and not an interval after one that could not be sent.
    await Promise.race([connection.ready, pause(heartbeatFreshMs)]);
    while (!hasEnded()) {
      const isUrgent = await beat(connection).catch(silence.goOn);
      if (!isUrgent) await pause(heartbeatMs);
    }
  }

  const life = live().catch(warn);
  return {
    announceClosing() {
      isClosing = true;
      if (pool) beat(pool).catch(() => undefined);
    },
    async countHandedBack() {
      await pool?.countHandedBack();
    },
    async end() {
      ended.abort();
      // A worker that has never reached Redis may never do so, and nothing was said.
      if (pool === undefined) return;
      const connection = pool;
      await life;
      await drain.wakeQueues((worker) => connection.wake(worker));
      await connection.leave();
    },
  };
}

function loadOf(workers: readonly BullmqWorker[]): Load {
  const running = workers.map(jobIdsRunBy);
  return {
    activeJobs: running.includes(null) ? null : running.flat().length,
    concurrency: workers.reduce((sum, worker) => sum + worker.concurrency, 0),
    queues: new Set(workers.map((worker) => worker.toKey(''))).size,
  };
}

/** A process that the pool does not hear is not protected: the application is told so, once for each silence. */
function watchSilence() {
  let heardAtMs = performance.now();
  let isTold = false;
  return {
    end: () => {
      heardAtMs = performance.now();
      isTold = false;
    },
    goOn: (error: unknown): false => {
      if (!isTold && performance.now() - heardAtMs > heartbeatFreshMs) {
        isTold = true;
        warn(error);
      }
      return false;
    },
  };
}

function warn(error: unknown): void {
  // Where no worker at all could connect, the reason of the first stands for all.
  const reason: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const cause = reason instanceof Error ? reason.message : String(reason);
  process.emitWarning(
    `The autoscaler does not hear this process, and cannot let it drain, until Redis can be reached: ${cause}`,
    { type: 'BacklogAutoscalerWarning' },
  );
}
