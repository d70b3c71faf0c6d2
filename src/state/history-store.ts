import type { Redis } from 'ioredis';
import type { RedisConnection } from '../redis.ts';
import { gistOf, type TickReport } from '../telemetry/report.ts';
import { decode, encode, entryVersion } from './history-entry.ts';
import { addScript } from './history-script.ts';

/**
 * What became of every pool at every tick, thinned by age: in Redis, so that it outlives the daemon, and bounded, so that
 * the users' queues have nothing to fear from it.
 */
export type HistoryStore = {
  /**
   * Keeps a tick, in one round trip. A dry run stands aside while another daemon acts for the pool. Answers how full the
   * server is when it is too full to keep anything, else null.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  add(
    report: TickReport,
    daemon: { readonly isDryRun: boolean; readonly intervalMs: number },
    signal: AbortSignal,
  ): Promise<Fullness | null>;
  /**
   * What is kept of a pool within a time, oldest first: the newest `entriesMax` of it.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  read(pool: string, range: Range, signal: AbortSignal): Promise<History>;
  /**
   * The pools of which something is kept, in the order of their names.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  pools(signal: AbortSignal): Promise<readonly string[]>;
};

export type Fullness = { readonly usedBytes: number; readonly maxBytes: number };

export type Range = {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly entriesMax: number;
  /**
   * How close together ticks are wanted at most, beside those that changed something; unset for all. A chart of a day
   * needs no more than one for every five minutes, and reading those is a fraction of the work.
   */
  readonly stepMs?: number;
};

export type History = {
  readonly ticks: readonly TickReport[];
  /** Entries that could not be understood: damaged, or of another version. */
  readonly skipped: number;
};

const minuteMs = 60_000;
const expiryMs = 8 * 24 * 60 * minuteMs;
/** Above this share of the memory that the server may use, the users' queues come first. */
const memoryShareMax = 0.8;
/** As many intervals without a word mean that no daemon acts for the pool. */
const silentIntervals = 3;

type Stream = {
  readonly name: string;
  /** Keeps one tick for each step of this many ms; null for a stream that goes by something else. */
  readonly stepMs: number | null;
  readonly bytesMax: number;
};

/** Together less than a megabyte. Each forgets its oldest entries first, so the coarser remember longer. */
const ticks: Stream = { name: 'ticks', stepMs: 0, bytesMax: 350_000 };
const changes: Stream = { name: 'changes', stepMs: null, bytesMax: 150_000 };
const fiveMinutes: Stream = { name: 'five-minutes', stepMs: 5 * minuteMs, bytesMax: 250_000 };
/** A week of entries of the largest size. */
const hours: Stream = { name: 'hours', stepMs: 60 * minuteMs, bytesMax: 200_000 };
const streams: readonly Stream[] = [ticks, changes, fiveMinutes, hours];

/** The braces keep all of it on one node of a Redis Cluster. */
const index = 'backlog-autoscaler:{history}';
const keyOf = (pool: string, { name }: Stream) => `${index}:${name}:${pool}`;

export function createHistoryStore(redis: RedisConnection): HistoryStore {
  return {
    async add(report, { isDryRun, intervalMs }, signal) {
      const { pool } = report;
      const keys = [index, ...streams.map((stream) => keyOf(pool, stream))];
      const atMs = Date.parse(report.at);
      const standAsideMs = isDryRun ? silentIntervals * intervalMs : 0;
      const words = [
        ...[pool, atMs, entryVersion, encode(report), memoryShareMax, standAsideMs, expiryMs],
        ...streams.flatMap((stream) => [markOf(stream, report, isDryRun), stream.bytesMax]),
      ];
      const reply = await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        client.eval(addScript, keys.length, ...keys, ...words),
      );
      const [usedBytes, maxBytes] = reply as [number?, number?];
      return usedBytes === undefined || maxBytes === undefined ? null : { usedBytes, maxBytes };
    },

    async read(pool, range, signal) {
      const wanted = streams.filter(
        ({ stepMs }) => stepMs === null || stepMs >= (range.stepMs ?? 0),
      );
      const found = await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        Promise.all(wanted.map((stream) => readStream(client, keyOf(pool, stream), range))),
      );
      // A tick is in one stream or in several, under the same id.
      const byId = new Map(found.flat());
      const newest = [...byId]
        .toSorted(([one], [other]) => compareIds(one, other))
        .slice(-range.entriesMax)
        .map(([, fields]) => decodeFields(fields));
      const understood = newest.filter((report) => report !== null);
      return { ticks: understood, skipped: newest.length - understood.length };
    },

    async pools(signal) {
      const names = await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        client.zrange(index, 0, '-1'),
      );
      return names.toSorted();
    },
  };
}

/** All but the first stream take a tick only if its mark is another than that of the one before. */
function markOf(stream: Stream, report: TickReport, isDryRun: boolean): string {
  if (stream.stepMs === null) return gistOf(report);
  if (stream.stepMs === 0) return isDryRun ? 'dry-run' : 'acting';
  return String(Math.floor(Date.parse(report.at) / stream.stepMs));
}

type Entry = readonly [id: string, fields: readonly Buffer[]];

/** So much that few round trips are needed, and so little that the server is not held up. */
const pageEntries = 250;

/** The newest entries of a stream within the range, newest first, page by page. */
async function readStream(client: Redis, key: string, range: Range): Promise<readonly Entry[]> {
  const entries = new Map<string, readonly Buffer[]>();
  let end = String(range.untilMs);
  while (entries.size < range.entriesMax) {
    const page = await client.xrevrangeBuffer(
      ...([key, end, String(range.sinceMs), 'COUNT', pageEntries] as const),
    );
    for (const [id, fields] of page) entries.set(id.toString(), fields);
    // The last entry of a page is the first of the next: older servers know no range that leaves its end out.
    end = page.at(-1)?.[0].toString() ?? end;
    if (page.length < pageEntries) break;
  }
  return [...entries];
}

function compareIds(one: string, other: string): number {
  const [oneMs = 0, oneNumber = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number);
  return oneMs - otherMs || oneNumber - otherNumber;
}

/** Names and values take turns. */
function decodeFields(fields: readonly Buffer[]): TickReport | null {
  const name = fields.findIndex((field, place) => place % 2 === 0 && field.equals(versionName));
  const entry = fields[name + 1];
  return name < 0 || entry === undefined ? null : decode(entry);
}

const versionName = Buffer.from(entryVersion);
