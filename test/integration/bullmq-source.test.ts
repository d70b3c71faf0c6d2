import { vi } from 'vitest';
import { createBullmqQueues } from '../../src/queues/bullmq/bullmq-queues.ts';
import { describeQueueSource } from '../contract/queue-source.contract.ts';
import { bullmqMajors, startBullmqStage } from '../support/bullmq.ts';
import { contentsOf } from '../support/redis-contents.ts';

for (const { major, library } of bullmqMajors) {
  describeQueueSource(`BullMQ ${major}`, async () => {
    const { application, client, connection, server, stop } = await startBullmqStage(library);
    let isHanging = false;
    return {
      source: (queues, laterMs = 0) =>
        createBullmqQueues({
          redis: connection,
          queues,
          prefix: 'bull',
          nowMs: () => Date.now() + laterMs,
        }),
      async addJobs(queue, count) {
        const jobs = Array.from({ length: count }, () => ({ name: 'job', data: {} }));
        await application.queue(queue).addBulk(jobs);
      },
      async runJob(queue, worker) {
        const holding = await application.hold(queue, { name: worker });
        await application.queue(queue).add('job', {});
        const job = await holding.taken();
        return job.id ?? '';
      },
      async orphanJob(queue) {
        const holding = await application.hold(queue, { lockDuration: 100 });
        await application.queue(queue).add('job', {});
        const job = await holding.taken();
        await holding.worker.close(true);
        const lock = `bull:${queue}:${job.id ?? ''}:lock`;
        await vi.waitUntil(async () => (await client.exists(lock)) === 0, { timeout: 10_000 });
        return job.id ?? '';
      },
      async addDelayedJob(queue, delayMs) {
        await application.queue(queue).add('job', {}, { delay: delayMs });
      },
      pause: (queue) => application.queue(queue).pause(),
      async spoil(queue) {
        await client.set(`bull:${queue}:wait`, 'not a list');
      },
      contents: () => contentsOf(client),
      hangServer() {
        isHanging = true;
        process.kill(server.pid, 'SIGSTOP');
      },
      stopServer: stop,
      stop() {
        if (isHanging) process.kill(server.pid, 'SIGCONT');
        return stop();
      },
    };
  });
}
