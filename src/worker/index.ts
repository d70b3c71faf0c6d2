import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { assertUsable, type BullmqWorker } from './bullmq-worker.ts';
import { identify } from './identity.ts';
import { createMembership, type PoolMembership } from './membership.ts';
import { serverAddress } from './server-address.ts';

export type { BullmqWorker, RunningJob } from './bullmq-worker.ts';
export type { PoolMembership } from './membership.ts';

export type JoinPoolOptions = {
  /** Where the queues and the autoscaler's marks are; REDIS_URL by default, and without either where the workers are. */
  readonly redisUrl?: string | undefined;
  /** POOL by default, or the process type in $DYNO. */
  readonly pool?: string | undefined;
  /** How long running jobs may go on after SIGTERM; 20 by default. Heroku kills what still runs after 30. */
  readonly graceSeconds?: number | undefined;
};

/**
 * Makes the workers of this process part of a pool that backlog-autoscaler scales. Call it once, in the same tick in
 * which they are constructed, with all of them:
 *
 * ```js
 * const worker = new Worker('emails', async (job, token, signal) => send(job.data, { signal }), { connection });
 * joinPool([worker]);
 * ```
 *
 * From then on
 * - the autoscaler sees what the dyno does, and takes away only dynos that do nothing;
 * - a dyno that is to go takes no more jobs and finishes those it has; if it is needed after all, it goes on;
 * - on SIGTERM (deploy, daily restart) the workers are closed, running jobs may go on for `graceSeconds`, and the rest
 *   is handed back to its queue: it starts again elsewhere at once, from its beginning and at no cost of an attempt.
 *   Then the process ends, unless the application listens to SIGTERM itself; such a listener can await `close()`, which
 *   resolves when everything is handed back, and should end the process then.
 *
 * A processor with three parameters is told by its `signal` that its job was handed back. One that does not listen runs
 * on until the process ends, its result is discarded, and for that long the job may run twice. Sandboxed processors are
 * killed. With `maxStartedAttempts: 1` a job that was handed back fails, as it has been started. In BullMQ 5 a worker
 * that resumes while jobs still run takes new ones when the first of them ends; in BullMQ 6 at once.
 * `await worker.run()` resolves when a drain pauses the worker.
 *
 * It opens one Redis connection, with the settings (TLS, password) of the workers' own. Redis may be away at any time:
 * nothing is thrown then, and after 5 s a process warning says that the dyno cannot drain.
 * @throws {TypeError} for workers that could not be protected, and for options that make no sense
 */
export function joinPool(
  workers: readonly BullmqWorker[],
  options: JoinPoolOptions = {},
): PoolMembership {
  const { graceSeconds = 20 } = options;
  if (workers.length === 0) throw new TypeError('joinPool needs at least one Worker.');
  for (const worker of workers) assertUsable(worker);
  if (!(Number.isFinite(graceSeconds) && graceSeconds >= 0))
    throw new TypeError('joinPool: graceSeconds is a number of seconds, 0 or more.');
  const { REDIS_URL, POOL, DYNO } = process.env;
  const redisUrl = options.redisUrl ?? REDIS_URL;
  return createMembership(workers, {
    member: {
      ...identify(options.pool ?? POOL, DYNO, `${hostname()}-${process.pid}`),
      processId: randomUUID(),
    },
    address: redisUrl ? serverAddress(redisUrl) : undefined,
    graceMs: graceSeconds * 1000,
    nowMs: Date.now,
  });
}
