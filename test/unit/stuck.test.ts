import { expect, test } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { Memory, Observation } from '../../src/decision/types.ts';
import { memory, observation, policy, reading, startMs } from '../support/builders.ts';

const minuteMs = 60_000;
const ended = { jobName: null, durationSeconds: 2 };

/** Jobs of two seconds, on two workers that are up and busy with ten each. */
function seen(minutes: number, known: Partial<Observation> = {}, jobs = {}): Observation {
  const queue = { readyJobs: 900, activeJobs: 20, addedJobs: 1000, unfinishedJobs: 920, ...jobs };
  return observation(0, {
    observedAtMs: startMs + minutes * minuteMs,
    queues: [reading(queue)],
    currentWorkers: 2,
    ...known,
  });
}

/** What is decided after jobs ended at first, and then none for so long. */
function after(minutes: number, last: Partial<Observation> = {}, jobs = {}, durationSeconds = 2) {
  const finished = Array.from({ length: 40 }, () => ({ ...ended, durationSeconds }));
  let remembered: Memory = memory();
  const wishes = policy({ continuitySeconds: 600 });
  remembered = decide(seen(0, {}, { finished }), wishes, remembered).memory;
  for (let minute = 1; minute < minutes; minute += 1)
    remembered = decide(seen(minute), wishes, remembered).memory;
  return decide(seen(minutes, last, jobs), wishes, remembered).decision;
}

test('none is added while no job has ended for ten minutes and far longer than jobs take', () => {
  expect(after(5).desiredWorkers).toBe(9);
  const { desiredWorkers, limitedBy, steps } = after(11);
  expect(desiredWorkers).toBe(2);
  expect(limitedBy).toBe('stuck-jobs');
  expect(steps.at(-1)?.why).toBe(
    'no job of emails has ended for 11m while 20 jobs run: none is added',
  );
});

test('jobs that usually take minutes are not taken for stuck', () => {
  expect(after(20, {}, {}, 300).desiredWorkers).toBe(9);
});

test('workers that are still booting, or idle, do not make a queue stuck', () => {
  const workers = { ...observation(0).workers, readyWorkers: 1 };
  expect(after(11, { workers }).desiredWorkers).toBe(9);
  expect(after(11, {}, { activeJobs: 1, unfinishedJobs: 901, readyJobs: 900 }).desiredWorkers).toBe(
    9,
  );
});

test('one job that ends lets workers be added again, and nobody is removed meanwhile', () => {
  expect(after(11, {}, { unfinishedJobs: 919, readyJobs: 899 }).desiredWorkers).toBe(9);
  expect(after(11, { currentWorkers: 12 }, { activeJobs: 20 }).limitedBy).toBe('none');
});

test('another queue of the pool still gets its workers', () => {
  const queues = [
    reading({ readyJobs: 900, activeJobs: 20, addedJobs: 1000, unfinishedJobs: 920 }),
    reading({ queue: 'letters', readyJobs: 500 }),
  ];
  expect(after(11, { queues }).desiredWorkers).toBe(5);
});
