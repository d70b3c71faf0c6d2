import type { JobsOptions, Queue } from 'bullmq';

/** What producers and workers of the demo have in common. */
export const queueNames = ['emails', 'reports'] as const;
export type QueueName = (typeof queueNames)[number];

/** A job of the demo works by taking its time. */
export type Work = { readonly workMs: number };

export type NewJob = { readonly name: string; readonly data: Work; readonly opts: JobsOptions };

export type Queues = Readonly<Record<QueueName, Queue<Work>>>;
