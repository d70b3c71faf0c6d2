import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { probeScript } from './probe-script.ts';
import { hashTagOf, keyOfSlot } from './slots.ts';
import type { WaitingJob } from './ready-at.ts';

/** What the script tells of one queue. An idle queue has none of the fields but the first three. */
export type QueueProbe =
  | { readonly error: string }
  | {
      readonly error?: never;
      /** Library and version that last opened the queue, `bullmq:6.7.0`. */
      readonly version?: string;
      readonly isPaused?: true;
      readonly concurrency?: string;
      /** Jobs in `wait`. */
      readonly waiting?: number;
      /** Jobs in `paused`, where version 5 puts those of a paused queue. */
      readonly heldBack?: number;
      readonly prioritized?: number;
      readonly delayed?: number;
      /** Delayed jobs whose time has come: BullMQ leaves them there until a worker asks for work. */
      readonly due?: number;
      readonly firstDueAtMs?: number;
      /** Jobs among which is the one that waits longest. */
      readonly waitingJobs?: readonly WaitingJob[];
      readonly active?: number;
      readonly running?: readonly {
        readonly id: string;
        readonly worker?: string;
        readonly processedOn?: string;
      }[];
      readonly orphanIds?: readonly string[];
      readonly rateLimitedForMs?: number;
    };

/** Active jobs examined in one call, which then keeps the server for some 5 ms at most. */
const activeJobsExaminedMax = 1_000;

const sha1 = createHash('sha1').update(probeScript).digest('hex');

/** Probes the queues with these key prefixes (`bull:emails:`): in one call, or in one for each slot of a cluster. */
export async function probeQueues(
  client: Redis,
  prefixes: readonly string[],
  nowMs: number,
): Promise<QueueProbe[]> {
  if (!client.isCluster) return probeTogether(client, prefixes, nowMs, []);
  const probes = new Map<string, QueueProbe>();
  for (const tag of new Set(prefixes.map(hashTagOf))) {
    const members = prefixes.filter((prefix) => hashTagOf(prefix) === tag);
    const told =
      tag === null
        ? members.map(() => scattered)
        : await probeTogether(client, members, nowMs, [keyOfSlot(tag)]);
    for (const [index, probe] of told.entries()) probes.set(members[index] ?? '', probe);
  }
  return prefixes.map((prefix) => probes.get(prefix) ?? scattered);
}

const scattered: QueueProbe = {
  error: 'CROSSSLOT its keys are scattered over the nodes of a Redis Cluster',
};

/** @param keys choose the node of a cluster; the script reads none of them */
async function probeTogether(
  client: Redis,
  prefixes: readonly string[],
  nowMs: number,
  keys: readonly string[],
): Promise<QueueProbe[]> {
  const argv = [...keys, nowMs, activeJobsExaminedMax, ...prefixes];
  const reply = await client.evalsha(sha1, keys.length, ...argv).catch((error: unknown) => {
    // The server does not know the script yet, or has forgotten it.
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return client.eval(probeScript, keys.length, ...argv);
    throw error;
  });
  return JSON.parse(reply as string) as QueueProbe[];
}
