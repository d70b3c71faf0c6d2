/**
 * A worker process as an application would write one, for the tests to start and to end. Prints a line of JSON for
 * everything that happens. SCENARIO says what it does.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinPool } from '../../dist/worker/index.js';

const { library, sandbox, workers, redisUrl, graceSeconds, listens, stays } = JSON.parse(
  process.env.SCENARIO,
);
const { Worker } = await import(library);
// Written at once, so that nothing is lost when the process ends.
const tell = (event) => writeSync(1, `${JSON.stringify({ pid: process.pid, ...event })}\n`);

const released = new Promise((resolve) => process.once('SIGUSR2', resolve));

/** A job says how long it works (null: until SIGUSR2) and whether it listens to its signal. */
async function run(job, token, signal) {
  tell({ event: 'started', job: job.name, attemptsMade: job.attemptsMade });
  const { workMs, heeds } = job.data;
  const working = workMs === null ? released : sleep(workMs, undefined, heeds ? { signal } : {});
  await working.catch((error) => {
    tell({ event: 'aborted', job: job.name });
    throw error;
  });
  tell({ event: 'finished', job: job.name });
}

const connection = { url: process.env.REDIS_URL };
const all = workers.map(
  ({ queue, ...options }) => new Worker(queue, sandbox ?? run, { connection, ...options }),
);
for (const worker of all)
  worker.on('error', (error) => tell({ event: 'error', message: error.message }));
const membership = joinPool(all, { redisUrl, graceSeconds });

if (listens)
  process.on('SIGTERM', async () => {
    tell({ event: 'heard' });
    await membership.close();
    tell({ event: 'closed' });
    if (!stays) process.exit(7);
  });
