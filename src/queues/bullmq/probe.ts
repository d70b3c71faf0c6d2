import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { parseReply, type QueueProbe } from './probe-reply.ts';
import { probeScript } from './probe-script.ts';

/** What one call may look at beyond the counts, shared by the busy queues. */
export type ProbeBudget = {
  readonly activeJobs: number;
  readonly names: number;
  /** Busy queues that are still to be read, as far as can be guessed. */
  readonly busyQueues: number;
  /** Entries of each event stream. */
  readonly entries: number;
};

/** A queue as the script is asked about it. */
export type QueueQuestion = {
  /** Of its keys, `bull:emails:`. */
  readonly prefix: string;
  /** The entry of its event stream after which finished jobs are wanted; null when they are not. */
  readonly since: string | null;
  /** Whether it is to be followed from here on. */
  readonly isToBeFollowed: boolean;
};

const sha1 = createHash('sha1').update(probeScript).digest('hex');

/** Asks about queues in one call, which answers for as many of them as it has time for, in their order. */
export async function probeQueues(
  client: Redis,
  questions: readonly QueueQuestion[],
  budget: ProbeBudget,
  nowMs: number,
): Promise<readonly QueueProbe[]> {
  const argv: (string | number)[] = [nowMs, budget.activeJobs, budget.names, budget.busyQueues];
  argv.push(budget.entries);
  for (const { prefix, since, isToBeFollowed } of questions)
    argv.push(prefix, (since === null ? '' : `<${since}`) + (isToBeFollowed ? '>' : ''));
  const reply = await client.evalsha(sha1, 0, ...argv).catch((error: unknown) => {
    // The server does not know the script yet, or has forgotten it.
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return client.eval(probeScript, 0, ...argv);
    throw error;
  });
  return parseReply(reply as string);
}
