import { setTimeout as sleep } from 'node:timers/promises';
import { killSandboxes, type BullmqWorker } from './bullmq-worker.ts';
import { createDrain } from './drain.ts';
import { rememberJobs } from './held-jobs.ts';
import type { PoolMember } from './pool-connection.ts';
import { keepPresence } from './presence.ts';
import type { ServerAddress } from './server-address.ts';
import { onTermination } from './termination.ts';

export type PoolMembership = {
  /**
   * Leaves the pool: the autoscaler hears no more of this process, and workers that it had paused take jobs again; none
   * is closed. While the process is ending on SIGTERM it resolves when the jobs are handed back. Never rejects.
   */
  close(): Promise<void>;
};

export type MembershipSettings = {
  readonly member: PoolMember;
  /** Of the pool's Redis, if it need not be the one of the workers. */
  readonly address: ServerAddress | undefined;
  readonly graceMs: number;
  readonly nowMs: () => number;
};

/** A job that was on its way when the signal came needs this long to arrive, so that it can be handed back. */
const arrivalMs = 500;
/** Redis may be slow or away, and Heroku's patience ends 10 s after the default grace. */
const handBackMs = 5_000;
const farewellMs = 1_000;

export function createMembership(
  workers: readonly BullmqWorker[],
  { member, address, graceMs, nowMs }: MembershipSettings,
): PoolMembership {
  const jobs = rememberJobs(workers, nowMs);
  const drain = createDrain(workers);
  const presence = keepPresence(workers, drain, member, address);
  const withdraw = onTermination(() => (leaving ??= endOfProcess()));
  let leaving: Promise<void> | undefined;

  async function endOfProcess(): Promise<void> {
    presence.announceClosing();
    await Promise.race([drain.close(), sleep(Math.max(graceMs, arrivalMs))]);
    await Promise.race([jobs.handBack(presence.countHandedBack), sleep(handBackMs)]);
    // Only now: a processor that ends on the signal would fail its job, or complete it half done.
    for (const worker of workers) {
      worker.cancelAllJobs('The process is ending.');
      killSandboxes(worker);
    }
    await Promise.race([leave(), sleep(farewellMs)]);
  }

  async function leave(): Promise<void> {
    withdraw();
    jobs.forgetAll();
    await presence.end();
  }

  async function leaveAndGoOn(): Promise<void> {
    await leave();
    drain.resume();
  }

  return { close: () => (leaving ??= leaveAndGoOn()) };
}
