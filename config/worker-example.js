// A worker process from which the autoscaler takes no dyno that runs a job.
import { Worker } from 'bullmq';
import { joinPool } from 'backlog-autoscaler/worker';

const connection = { url: process.env.REDIS_URL };
// What the signal is passed on to stops when the job is handed back, because the dyno has to go.
const request = (job, token, signal) => fetch(job.data.url, { method: 'POST', signal });

joinPool([
  new Worker('emails', request, { connection, concurrency: 10, name: process.env.DYNO }),
  new Worker('reports', request, { connection, concurrency: 2, name: process.env.DYNO }),
]);
