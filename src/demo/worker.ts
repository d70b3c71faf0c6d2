/** A worker dyno of the demo: an ordinary BullMQ worker process, written as most are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { queueNames, type Work } from './jobs.ts';

const { REDIS_URL: url = '', DYNO: dyno = '' } = process.env;

const workers = queueNames.map(
  (queue) =>
    new Worker<Work>(queue, (job) => sleep(job.data.workMs), {
      name: dyno,
      connection: { url },
      concurrency: 4,
      // A job whose worker was killed is run again after some seconds; by default it would be up to a minute and a half.
      lockDuration: 5_000,
      stalledInterval: 2_000,
      // However often its worker is killed, it is never given up.
      maxStalledCount: 100,
    }),
);
for (const worker of workers) {
  worker.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
  });
}

// Takes no further jobs and ends when those that run have ended, unless the platform's patience ends before.
process.on('SIGTERM', () => {
  void Promise.all(workers.map((worker) => worker.close())).then(() => process.exit(0));
});
