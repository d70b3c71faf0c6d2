import { setTimeout as sleep } from 'node:timers/promises';
import type { JobsOptions } from 'bullmq';
import type { NewJob, QueueName, Queues } from './jobs.ts';

type Burst = { readonly atSeconds: number; readonly says: string } & Readonly<
  Record<QueueName, readonly NewJob[]>
>;

/** Few enough for the Redis in JavaScript, whose commands take longer the more there is. */
const bursts: readonly Burst[] = [
  {
    atSeconds: 2,
    says: '300 e-mails at once',
    emails: jobs('e-mail', 300, [200, 800]),
    reports: [],
  },
  {
    atSeconds: 20,
    says: '100 e-mails, 60 reports, and 4 exports of 12 s each',
    emails: jobs('e-mail', 100, [200, 800]),
    // Without a priority they would come before those that have one.
    reports: [
      ...jobs('report', 50, [500, 1_500], { priority: 10 }),
      ...jobs('urgent report', 10, [500, 1_500], { priority: 1 }),
      ...jobs('export', 4, [12_000, 12_000], { priority: 10 }),
    ],
  },
  {
    atSeconds: 42,
    says: '150 e-mails, and 80 more scheduled for 4 s later',
    emails: [
      ...jobs('e-mail', 150, [200, 800]),
      ...jobs('scheduled e-mail', 80, [200, 800], { delay: 4_000 }),
    ],
    reports: [],
  },
];

const digestScheduler = 'digest';
const digestIntervalMs = 5_000;
const trickleIntervalMs = 500;

/** Adds the bursts, each at its time, with some jobs in between, and ends soon after the last one. */
export async function produceBursts(
  queues: Queues,
  signal: AbortSignal,
  announce: (says: string) => void,
): Promise<void> {
  const over = new AbortController();
  const added = addBursts(queues, signal, announce).finally(() => {
    over.abort();
  });
  await Promise.all([added, trickle(queues, over.signal)]);
}

async function addBursts(
  queues: Queues,
  signal: AbortSignal,
  announce: (says: string) => void,
): Promise<void> {
  let elapsedSeconds = 0;
  for (const burst of bursts) {
    if (!(await pause((burst.atSeconds - elapsedSeconds) * 1000, signal))) return;
    elapsedSeconds = burst.atSeconds;
    announce(burst.says);
    await Promise.all([
      queues.emails.addBulk([...burst.emails]),
      queues.reports.addBulk([...burst.reports]),
    ]);
  }
}

/** Adds a job now and then, until the signal. Some come from a scheduler, as recurring jobs do. */
export async function trickle(
  queues: Queues,
  signal: AbortSignal,
  opts: JobsOptions = {},
): Promise<void> {
  const digest = { name: 'digest', data: { workMs: 500 }, opts };
  await queues.reports.upsertJobScheduler(digestScheduler, { every: digestIntervalMs }, digest);
  while (await pause(trickleIntervalMs, signal))
    await queues.emails.add('e-mail', { workMs: 300 }, opts);
  await queues.reports.removeJobScheduler(digestScheduler);
}

/** Jobs whose work is spread evenly between two lengths, in no order. */
function jobs(
  name: string,
  count: number,
  [leastMs, mostMs]: readonly [number, number],
  opts: JobsOptions = {},
): readonly NewJob[] {
  return Array.from({ length: count }, (_, index) => {
    const share = ((index * 37) % 101) / 100;
    return { name, data: { workMs: Math.round(leastMs + share * (mostMs - leastMs)) }, opts };
  });
}

/** Answers whether the time has passed before the signal. */
async function pause(ms: number, until: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal: until }).catch(() => false);
}
