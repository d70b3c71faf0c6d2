import { operational } from '../../errors.ts';
import type { RedisConnection } from '../../redis.ts';
import { isCluster } from '../../redis-topology.ts';
import { bullmqWorkersIn, type BullmqWorker } from './connected-workers.ts';
import { censusOf, type Census, type UnknownUse } from './connections.ts';

/** What a server says of those who are connected to it. Never rejects for trouble. */
export type Clients = {
  /** CLIENT LIST as the server writes it; null when it cannot be had. */
  list(signal: AbortSignal): Promise<string | null>;
  /** The workers that are connected; null when that cannot be told. */
  workers(signal: AbortSignal): Promise<readonly BullmqWorker[] | null>;
  /** How its connections are used, or why that cannot be told. */
  census(signal: AbortSignal): Promise<Census | UnknownUse>;
};

/** Why clients are not listed at all, and what a person can do about it. */
export type Unlisted = { readonly why: string; readonly hint: string };

/** The list holds every client of the server, so it is not asked for more often, however many want to know. */
const answerAgeMsMax = 10_000;
/** What may not be asked is not asked by every tick. */
const refusedForMs = 600_000;

/** `onUnlisted` is told once why the list cannot be had, and again only when it could be had meanwhile. */
export function createClients(
  redis: RedisConnection,
  nowMs: () => number,
  onUnlisted: (unlisted: Unlisted) => void,
): Clients {
  let isTold = false;
  const list = remembered(nowMs, async (signal) => {
    const answer = await ask(redis, signal, 'LIST');
    if (answer.text !== null) isTold = false;
    if (answer.unlisted !== null && !isTold) {
      onUnlisted(answer.unlisted);
      isTold = true;
    }
    return answer;
  });
  const info = remembered(nowMs, (signal) => ask(redis, signal, 'INFO'));
  return {
    async list(signal) {
      return (await list(signal)).text;
    },
    async workers(signal) {
      const { text } = await list(signal);
      return text === null ? null : bullmqWorkersIn(text);
    },
    async census(signal) {
      const [counts, clients] = await Promise.all([info(signal), list(signal)]);
      if (counts.text === null) return { whyUnknown: counts.why };
      return censusOf(counts.text, clients.text);
    },
  };
}

type Answer = {
  /** For how long it stands. */
  readonly forMs: number;
  /** Not null where there is no use in asking again soon. */
  readonly unlisted: Unlisted | null;
} & ({ readonly text: string } | { readonly text: null; readonly why: string });

async function ask(
  redis: RedisConnection,
  signal: AbortSignal,
  what: 'INFO' | 'LIST',
): Promise<Answer> {
  try {
    const text = await redis.run('QUEUE_UNREADABLE', signal, async (client) => {
      if (isCluster(client)) return null;
      return String(what === 'INFO' ? await client.info('clients') : await client.client('LIST'));
    });
    return text === null ? unlisted(ofCluster) : { text, forMs: answerAgeMsMax, unlisted: null };
  } catch (error) {
    const { message: why, hint } = operational(error);
    if (/NOPERM|unknown|unsupported/i.test(why)) return unlisted({ why, hint });
    return { ...{ text: null, why }, forMs: 0, unlisted: null };
  }
}

function unlisted(reason: Unlisted): Answer {
  return { ...{ text: null, why: reason.why }, forMs: refusedForMs, unlisted: reason };
}

const ofCluster: Unlisted = {
  why: 'each node of a Redis Cluster knows only those who are connected to itself',
  hint: 'CONNECTION_BUDGET limits nothing here. Companions (joinPool) tell the autoscaler which workers are up.',
};

/** One question for all who ask at the same time, and no further one as long as its answer stands. */
function remembered(
  nowMs: () => number,
  question: (signal: AbortSignal) => Promise<Answer>,
): (signal: AbortSignal) => Promise<Answer> {
  let last: { answer: Promise<Answer>; untilMs: number } | undefined;
  return (signal) => {
    const atMs = nowMs();
    // A clock that was set back must not stop the questions.
    if (last && last.untilMs > atMs && last.untilMs - refusedForMs <= atMs) return last.answer;
    const asked = { answer: question(signal), untilMs: atMs + answerAgeMsMax };
    last = asked;
    return asked.answer.then((answer) => {
      asked.untilMs = atMs + answer.forMs;
      return answer;
    });
  };
}
