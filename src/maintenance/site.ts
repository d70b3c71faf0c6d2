import type { QueuesReading } from '../queues/queue-source.ts';
import type { RedisConnection } from '../redis.ts';
import type { OverrideStore } from '../state/override-store.ts';
import type { HerokuAccount } from '../targets/heroku/account.ts';
import type { HerokuOperator } from '../targets/heroku/operator.ts';
import type { Target } from '../targets/target.ts';
import type { DrainBoard } from '../drain/board.ts';
import type { PoolView } from './pool-view.ts';

/** One pool, and all through which it is seen and changed. */
export type PoolSite = Pick<Target, 'currentWorkers' | 'scaleTo'> & {
  readonly name: string;
  readonly app: string;
  readonly processType: string;
  readonly view: PoolView;
  readonly board: DrainBoard;
  readonly overrides: OverrideStore;
  readonly drainTimeoutMs: number;
  /** What the daemon that acts for the pool told last: who paused it, and its workers; null when none told. */
  lastTold(signal: AbortSignal): Promise<{
    readonly pausedBy: string | null;
    readonly workers: number | null;
  } | null>;
  /** Workers and companions of the pool that are connected to the queues' Redis, in words. */
  connected(signal: AbortSignal): Promise<readonly string[]>;
  readQueues(signal: AbortSignal): Promise<QueuesReading>;
};

/** Where a maintenance takes place. */
export type Site = {
  /** Through the connections that hold now. */
  pools(): readonly PoolSite[];
  /** Where the state of the autoscaler lives now. */
  stateRedis(): RedisConnection;
  readonly account: HerokuAccount;
  readonly operator: HerokuOperator;
  /** The queues' Redis has this address from now on; true when it had another before. */
  move(redisUrl: string): boolean;
  close(): Promise<void>;
};
