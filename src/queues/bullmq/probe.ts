import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { parseReply, type QueueProbe } from './probe-reply.ts';
import { probeScript } from './probe-script.ts';
import { hashTagOf, keyOfSlot } from './slots.ts';

/** What one call may look at beyond the counts, shared by the busy queues. */
export type ProbeBudget = {
  readonly activeJobs: number;
  /** Names of active jobs. */
  readonly activeNames: number;
  /** Names of jobs in the line. */
  readonly names: number;
  /** Busy queues that are still to be read, as far as can be guessed. */
  readonly busyQueues: number;
  /** Entries of each event stream that is followed. */
  readonly entries: number;
  /** Names of the jobs that start next in each of these queues. */
  readonly nextInLine: number;
};

/** A queue as the script is asked about it. */
export type QueueQuestion = {
  /** Of its keys, `bull:emails:`. */
  readonly prefix: string;
  /** Whether its settings are wanted although it may be idle. */
  readonly areSettingsWanted: boolean;
  /** The entry of its event stream after which finished jobs are wanted; null when they are not. */
  readonly since: string | null;
  /** Whether it is to be followed from here on. */
  readonly isToBeFollowed: boolean;
};

const sha1 = createHash('sha1').update(probeScript).digest('hex');

/**
 * Asks about queues in one call, which answers for as many of them as it has time for, in their order; in a cluster for
 * none beyond the first that lies in another slot.
 */
export async function probeQueues(
  client: Redis,
  questions: readonly QueueQuestion[],
  budget: ProbeBudget,
  nowMs: number,
): Promise<readonly QueueProbe[]> {
  if (!client.isCluster) return probeTogether(client, questions, budget, nowMs, []);
  const tag = hashTagOf(questions[0]?.prefix ?? '');
  if (tag === null) return [scattered];
  const stranger = questions.findIndex(({ prefix }) => hashTagOf(prefix) !== tag);
  const members = stranger < 0 ? questions : questions.slice(0, stranger);
  return probeTogether(client, members, budget, nowMs, [keyOfSlot(tag)]);
}

const scattered: QueueProbe = {
  error: 'CROSSSLOT its keys are scattered over the nodes of a Redis Cluster',
};

/** `keys` choose the node of a cluster; the script reads none of them. */
async function probeTogether(
  client: Redis,
  questions: readonly QueueQuestion[],
  budget: ProbeBudget,
  nowMs: number,
  keys: readonly string[],
): Promise<readonly QueueProbe[]> {
  const { activeJobs, activeNames, names, busyQueues, entries, nextInLine } = budget;
  const wishes = questions.flatMap((question) => {
    const wish = wishOf(question);
    return wish === '' ? [] : [question.prefix, wish];
  });
  const argv: (string | number)[] = [...keys, nowMs, activeJobs, activeNames, names, busyQueues];
  argv.push(
    entries,
    nextInLine,
    wishes.length / 2,
    ...wishes,
    ...questions.map(({ prefix }) => prefix),
  );
  const reply = await client.evalsha(sha1, keys.length, ...argv).catch((error: unknown) => {
    // The server does not know the script yet, or has forgotten it.
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return client.eval(probeScript, keys.length, ...argv);
    throw error;
  });
  return parseReply(reply as string);
}

function wishOf({ areSettingsWanted, since, isToBeFollowed }: QueueQuestion): string {
  return (
    (areSettingsWanted ? 's' : '') +
    (since === null ? '' : `<${since}`) +
    (isToBeFollowed ? '>' : '')
  );
}
