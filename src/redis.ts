import { Redis } from 'ioredis';
import { within, withDeadline } from './deadline.ts';
import { OperationalError, type ErrorCode } from './errors.ts';
import { clientForPlaceOf } from './redis-topology.ts';
import { createScrubber } from './scrub.ts';

/** One connection to a Redis server that fails fast and says why. */
export type RedisConnection = {
  /**
   * Waits until the server is ready, runs the command, and gives up when the signal aborts.
   * @throws {OperationalError} with `code`, whatever went wrong with the server or the network
   */
  run<T>(code: ErrorCode, signal: AbortSignal, command: (client: Redis) => Promise<T>): Promise<T>;
  /** Closes at once, also when the server hangs. */
  close(): void;
};

const reconnectDelayMsMax = 2_000;
/** Long enough for a failover's reconnection; a server that is down is reported after this rather than at the deadline. */
const connectPatienceMs = 5_000;
/** A connection that was just lost may be back at the next attempt; one that fails after this is reported at once. */
const firstAttemptsMs = 1_000;
/** A connection that was idle for longer may just be closed by the server, which then does not get what is sent. */
const idleMsMax = 2_500;
/** Who gives up sooner, for instance because the process must end, has learned nothing about the connection. */
const silenceMsMin = 500;

/** Opens a connection in the background; nothing throws before it is used. */
export function connectRedis(
  url: string,
  options: {
    readonly rejectUnauthorized: boolean;
    /** Shown in the server's list of clients. */
    readonly name: string;
    /** The config var that holds the URL, for hints. */
    readonly variable?: string;
  },
): RedisConnection {
  const connected = keepConnected(url, options);
  const source = {
    place: new URL(url).host,
    variable: options.variable ?? 'REDIS_URL',
    scrub: createScrubber([url]),
  };
  let answers = 0;
  let underWay = 0;
  let isReplica = false;
  return {
    async run(code, signal, command) {
      const answersBefore = answers;
      const startedAt = performance.now();
      underWay += 1;
      const what = `Redis at ${source.place}`;
      try {
        await withDeadline(signal, connectPatienceMs, (patience) =>
          within(patience, code, what, connected.untilReady()),
        );
        const result = await within(signal, code, what, command(connected.client()));
        answers += 1;
        connected.heard();
        return result;
      } catch (error) {
        // A connection on which nothing comes back any more may be dead without either end having been told.
        const waitedMs = performance.now() - startedAt;
        const isSilent =
          error instanceof OperationalError &&
          answers === answersBefore &&
          waitedMs >= silenceMsMin;
        if (isSilent) connected.replace();
        isReplica ||= error instanceof Error && error.message.startsWith('READONLY');
        throw translate(error, connected.lastError(), { code, ...source });
      } finally {
        underWay -= 1;
        // After a failover the address may lead to the new primary, but this connection still leads to the old one.
        if (isReplica && underWay === 0) {
          isReplica = false;
          connected.replace();
        }
      }
    },
    close() {
      connected.close();
    },
  };
}

/** ioredis waits for a server that hangs or loads its data, and tells nobody. */
const unready = new Error(
  'connected, but the server does not answer, or is still LOADING its data',
);

type Connected = {
  /** Waits until commands can be sent, to whatever turns out to stand at the address. */
  untilReady(): Promise<void>;
  client(): Redis;
  /** The server has answered. */
  heard(): void;
  /** Why the last attempt to connect failed. */
  lastError(): Error | undefined;
  replace(): void;
  close(): void;
};

function keepConnected(
  url: string,
  { rejectUnauthorized, name }: { readonly rejectUnauthorized: boolean; readonly name: string },
): Connected {
  let lastError: Error | undefined;
  let isClosed = false;
  let isPlaceKnown = false;
  let heardAtMs = -Infinity;
  // A client that was told to leave its connection looks ready until that is closed.
  let isLeaving = false;
  let client = watched(
    new Redis(url, {
      ...(url.startsWith('rediss:') ? { tls: { rejectUnauthorized } } : {}),
      connectionName: name,
      // A command that cannot be sent now is refused now: one that waits in a queue would be sent when its answer, or
      // its permission to act, is long out of date.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      keepAlive: 30_000,
      retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, reconnectDelayMsMax),
    }),
  );

  /** The reason why a connection fails is told to this listener alone; the command only learns that there is none. */
  function watched(one: Redis): Redis {
    one.on('error', (error: Error & { lastNodeError?: Error }) => {
      // Of a cluster that cannot be reached, the story of its last node tells more.
      lastError = error.lastNodeError ?? error;
    });
    one.on('ready', () => (lastError = undefined));
    return one;
  }

  async function recognize(): Promise<void> {
    await ready(client, isLeaving);
    if (isPlaceKnown) {
      // Whatever the answer is, and be it a refusal, the connection is there: then what must not be sent twice can be sent.
      await client.ping().then(heard, () => undefined);
      return ready(client, isLeaving);
    }
    const actual = await clientForPlaceOf(client);
    isPlaceKnown = true;
    if (actual === client) return;
    client.disconnect();
    client = watched(actual);
    if (isClosed) client.disconnect();
    await ready(client, isLeaving);
  }

  const heard = () => (heardAtMs = performance.now());

  // One wait for all who need the connection at the same time, however many pools that are.
  let waiting: Promise<void> | undefined;
  return {
    untilReady() {
      const isReady = isPlaceKnown && client.status === 'ready' && !isLeaving;
      if (isReady && performance.now() - heardAtMs < idleMsMax) return Promise.resolve();
      waiting ??= recognize().finally(() => (waiting = undefined));
      return waiting;
    },
    client: () => client,
    heard,
    lastError: () => lastError ?? (client.status === 'connect' ? unready : undefined),
    replace() {
      if (isLeaving || !['connect', 'ready'].includes(client.status)) return;
      isLeaving = true;
      client.once('close', () => (isLeaving = false));
      client.disconnect(true);
    },
    close() {
      isClosed = true;
      client.disconnect();
    },
  };
}

/** Rejects with what keeps the client from connecting, if that goes on for longer than a moment. */
function ready(client: Redis, isLeaving: boolean): Promise<void> {
  if (client.status === 'ready' && !isLeaving) return Promise.resolve();
  return new Promise<void>((resolve, reject) => {
    const startedAt = performance.now();
    const onReady = () => {
      client.off('error', onError);
      resolve();
    };
    const onError = (error: Error & { lastNodeError?: Error }) => {
      if (performance.now() - startedAt < firstAttemptsMs) return;
      client.off('ready', onReady).off('error', onError);
      reject(error.lastNodeError ?? error);
    };
    client.once('ready', onReady).on('error', onError);
  });
}

/** What ioredis says without a name or a code of its own. */
const unnamedTrouble =
  /^(Connection is closed|Stream isn't writeable|connect|Cluster |Too many Cluster|None of startup nodes|Failed to refresh|All sentinels)/;

/** Whether this is trouble with the server or the network, rather than a mistake in a command of ours. */
function isTrouble(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const isFromServer = ['ReplyError', 'AbortError', 'MaxRetriesPerRequestError'].includes(
    error.name,
  );
  const isFromNetwork = 'code' in error && typeof error.code === 'string';
  return isFromServer || isFromNetwork || unnamedTrouble.test(error.message);
}

type Source = {
  readonly code: ErrorCode;
  readonly place: string;
  readonly variable: string;
  readonly scrub: (text: string) => string;
};

function translate(
  error: unknown,
  lastError: Error | undefined,
  { code, place, variable, scrub }: Source,
): unknown {
  // Waiting for a connection times out; why there is none is the better story.
  const cause = error instanceof OperationalError ? lastError : error;
  if (cause === undefined) return error;
  if (!isTrouble(cause)) return cause;
  const { what, hint } = explain(cause);
  // A server that does not know a command repeats what came with it, which may be the password.
  return new OperationalError(code, `Redis at ${place}: ${scrub(what)}`, {
    hint: hint.replaceAll('REDIS_URL', variable),
    cause,
  });
}

const explanations: readonly { readonly matches: RegExp; readonly hint: string }[] = [
  {
    matches: /self.signed|unable to verify|certificate/i,
    hint: 'Heroku Key-Value Store uses self-signed certificates: set REDIS_TLS_REJECT_UNAUTHORIZED=false.',
  },
  {
    matches: /WRONGPASS|NOAUTH/,
    hint: 'The password in REDIS_URL is wrong or missing: copy the URL anew from the add-on.',
  },
  {
    matches: /NOPERM/,
    hint: 'The user in REDIS_URL lacks a permission: docs/security.md lists all that are needed.',
  },
  {
    matches: /max number of clients|ECONNRESET|EPIPE|before secure TLS connection/i,
    hint: 'The server may be out of connections: compare `connected_clients` with the plan’s limit.',
  },
  {
    matches: /LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN/,
    hint: 'The server is starting or failing over: the next tick tries again.',
  },
  {
    matches: /CROSSSLOT/,
    hint: 'The keys of a queue must lie on one node of a Redis Cluster: set QUEUE_PREFIX to one with a hash tag, as {bull}, here and in the workers.',
  },
  { matches: /READONLY/, hint: 'This server is a replica: REDIS_URL must name the primary.' },
  {
    matches: /WRONGTYPE/,
    hint: 'A key of the autoscaler holds something else: delete the keys that begin with backlog-autoscaler: and see who writes them.',
  },
  { matches: /OOM/, hint: 'The server is out of memory: free some, or choose a larger plan.' },
  {
    matches: /ENOTFOUND|EAI_AGAIN/,
    hint: 'The host in REDIS_URL does not exist: check it for typing errors, or copy it anew.',
  },
  {
    matches: /ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH/,
    hint: 'No server answers there: check REDIS_URL and that Redis is running.',
  },
];

function explain(cause: Error): { what: string; hint: string } {
  // Its own message speaks of retries, of which there are none.
  const isLost = cause.name === 'MaxRetriesPerRequestError';
  const what = isLost ? 'the connection was lost' : cause.message || cause.name;
  const known = explanations.find(({ matches }) => matches.test(what));
  return {
    what,
    hint: known?.hint ?? 'The next tick tries again. If this goes on, look at the health of Redis.',
  };
}
