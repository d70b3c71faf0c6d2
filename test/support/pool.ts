import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import {
  companionsKey,
  handedBackField,
  marksKey,
  workersKey,
  type Heartbeat,
  type WorkerState,
} from '../../src/drain/protocol.ts';

/** What the daemon does with a pool: hears its processes, and asks dynos to drain. */
export type Pool = {
  heartbeats(): Promise<readonly Heartbeat[]>;
  /** Waits until a process of the dyno says that it is in this state. */
  until(dyno: string, state: WorkerState): Promise<Heartbeat>;
  /** Jobs that were handed back, as the companions counted them. */
  handedBackJobs(): Promise<number>;
  mark(dyno: string, forMs?: number): Promise<void>;
  lift(dyno: string): Promise<void>;
};

export function poolOn(client: Redis, pool = 'worker'): Pool {
  const heartbeats = async () =>
    Object.values(await client.hgetall(workersKey(pool))).map(
      (text) => JSON.parse(text) as Heartbeat,
    );
  return {
    heartbeats,
    async until(dyno, state) {
      for (;;) {
        const found = (await heartbeats()).find(
          (each) => each.dyno === dyno && each.state === state,
        );
        if (found) return found;
        await sleep(20);
      }
    },
    async handedBackJobs() {
      return Number(await client.hget(companionsKey(pool), handedBackField));
    },
    async mark(dyno, forMs = 30_000) {
      const [seconds, microseconds] = await client.time();
      const nowMs = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
      await client.hset(marksKey(pool), dyno, `${nowMs} ${nowMs + forMs}`);
    },
    async lift(dyno) {
      await client.hdel(marksKey(pool), dyno);
    },
  };
}

/** Waits for something that only looking can tell. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}
