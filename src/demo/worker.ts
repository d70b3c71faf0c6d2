/**
 * A worker dyno: an ordinary BullMQ worker process, set up by the same config vars as the autoscaler. With
 * `PROTECT_JOBS=off` it is one that has not joined the pool, written as most are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, type Job } from 'bullmq';
import { joinPool } from '../worker/index.ts';
import type { Work } from './jobs.ts';

const { REDIS_URL: url = '', QUEUES: queues = '', DYNO: dyno = '' } = process.env;
const { PROTECT_JOBS: protection, GRACE_SECONDS: graceSeconds } = process.env;

async function run(job: Job<Work>, _token?: string, signal?: AbortSignal): Promise<void> {
  // Tells, for each time that the job was started, which process did it.
  await job.log(`start ${job.attemptsStarted} by ${dyno}, process ${process.pid}`);
  await sleep(job.data.workMs, undefined, signal ? { signal } : {});
}

const workers = queues.split(',').map(
  (queue) =>
    new Worker<Work>(queue, run, {
      name: dyno,
      connection: { url },
      concurrency: 4,
      // A job whose worker was killed is run again after some seconds; by default it would be up to a minute and a half.
      lockDuration: 5_000,
      stalledInterval: 2_000,
    }),
);
for (const worker of workers) {
  worker.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
  });
}

if (protection === 'off') {
  // Takes no further jobs and ends when those that run have ended, unless the platform's patience ends before.
  process.on('SIGTERM', () => {
    void Promise.all(workers.map((worker) => worker.close())).then(() => process.exit(0));
  });
} else {
  joinPool(workers, { graceSeconds: Number(graceSeconds) });
}
