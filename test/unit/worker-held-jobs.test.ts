import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { BullmqWorker, RunningJob } from '../../src/worker/bullmq-worker.ts';
import { rememberJobs } from '../../src/worker/held-jobs.ts';

it('remembers a job for as long as it runs, however many leave without a word meanwhile', async () => {
  const handedBack: (string | undefined)[] = [];
  const job = (id: string): RunningJob => ({
    id,
    priority: 0,
    moveToWait: () => Promise.resolve(handedBack.push(id)),
    moveToDelayed: () => Promise.reject(new Error('not prioritized')),
  });
  const events = new EventEmitter();
  const worker = Object.assign(events, {
    concurrency: 2,
    lockManager: { getTrackedJobIds: () => ['long'] },
  });
  const jobs = rememberJobs([worker as unknown as BullmqWorker], () => 0);
  events.emit('active', job('long'));
  events.emit('active', job('ended'));
  events.emit('completed', job('ended'));
  // Jobs that delay themselves emit no end.
  for (let index = 0; index < 100; index += 1) events.emit('active', job(`delayed-${index}`));
  let told = 0;
  await jobs.handBack(() => Promise.resolve(void (told += 1)));
  expect(handedBack).toContain('long');
  expect(handedBack).toContain('delayed-99');
  expect(handedBack).not.toContain('ended');
  expect(handedBack.length).toBeLessThanOrEqual(2 * worker.concurrency);
  expect(told).toBe(handedBack.length);
});
