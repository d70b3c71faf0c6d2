import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { QueueReport } from '../telemetry/queue-report.ts';
import type { TickReport } from '../telemetry/report.ts';
import { reportSchema } from './report-schema.ts';

/** Names the form of an entry, in the entry. A form that older daemons cannot read needs another name. */
export const entryVersion = 'v1';

/**
 * What most reports have in common: with it an entry takes a fourth of its JSON. The compression goes by the place of
 * each character, so that any change of this text is another version of the entry.
 */
const dictionary = Buffer.from(
  `"error":{"code":"STATE_UNAVAILABLE","message":"QUEUE_UNREADABLE","hint":"The next tick tries again. If this goes on, look at the health of Redis."},"TARGET_UNAVAILABLE","TARGET_REJECTED","TARGET_RATE_LIMITED","TARGET_UNREADABLE","scale-down-step","scale-up-step","platform-limit","manual-scale","queue-concurrency","queue-rate-limit","ineffective-workers","stuck-jobs","expected-interruptions","blind","learned","verdict":"busy","since":"2026-,"jobs":[{"queue":"jobId":"startedAt":"dyno":"worker.","isPaused":true,"dry-run","not-leader","failed","draining","action":"scale-down","scale-up","outcome":"scaled","limitedBy":"max-workers","at most (MAX_WORKERS)"},"min-workers","at least (MIN_WORKERS)"},"stabilization","why":"{"pool":"worker","at":"2026-01-01T00:00:00.000Z","minWorkers":1,"maxWorkers":10,"currentWorkers":1,"recommendedWorkers":1,"desiredWorkers":1,"action":"hold","limitedBy":"none","steps":[{"step":"recommend","workers":1,"why":" ready jobs ÷ 100 jobs per worker → 1"}],"alternative":{"policy":"learned","workers":1,"why":""},"manualHold":null,"outcome":"held","blocked":[],"queues":[{"queue":"","readyJobs":0,"activeJobs":0,"orphanedJobs":0,"delayedJobs":0,"pausedJobs":0,"isPaused":false,"oldestWaitSeconds":null}],"unreadableQueues":[]}`,
);

/** A week of one entry for each hour must fit, whatever the entries are about. */
const entryBytesMax = 1_000;
/** No entry unfolds to more than this; one that claims to is damaged. */
const jsonBytesMax = 4_000_000;

/** The report, small and without costs. Of a pool with very many queues or blocked dynos the details go, and the sums remain. */
export function encode(report: TickReport): Buffer {
  for (const itemsMax of [Infinity, 24, 8]) {
    const entry = compressed(report, itemsMax);
    if (entry.length <= entryBytesMax) return entry;
  }
  return compressed(report, 2);
}

/** What was encoded; null when it cannot be understood. */
export function decode(entry: Buffer): TickReport | null {
  try {
    const json = inflateRawSync(entry, { dictionary, maxOutputLength: jsonBytesMax });
    return reportSchema.safeParse(JSON.parse(json.toString())).data ?? null;
  } catch {
    return null;
  }
}

function compressed(report: TickReport, itemsMax: number): Buffer {
  const text = JSON.stringify(shorten(report, itemsMax));
  return deflateRawSync(text, { dictionary, level: 9 });
}

function shorten(report: TickReport, itemsMax: number): TickReport {
  return {
    ...report,
    // These sums take as much as all the rest, and the account has them by day.
    cost: null,
    blocked: report.blocked
      .slice(0, itemsMax)
      .map((blocked) => ({ ...blocked, jobs: blocked.jobs.slice(0, itemsMax) })),
    stuck: report.stuck.slice(0, itemsMax),
    queues: shortenQueues(report.queues, itemsMax),
    unreadableQueues: report.unreadableQueues.slice(0, itemsMax),
  };
}

/** The busiest queues, and one that stands for all others. */
function shortenQueues(queues: readonly QueueReport[], queuesMax: number): readonly QueueReport[] {
  if (queues.length <= queuesMax) return queues;
  const byLoad = queues.toSorted((one, other) => loadOf(other) - loadOf(one));
  const others = byLoad.slice(queuesMax);
  const sum = (count: (queue: QueueReport) => number) =>
    others.reduce((total, queue) => total + count(queue), 0);
  const waits = others.flatMap(({ oldestWaitSeconds }) => oldestWaitSeconds ?? []);
  const rest: QueueReport = {
    queue: `${String(others.length)} other queues`,
    readyJobs: sum(({ readyJobs }) => readyJobs),
    activeJobs: sum(({ activeJobs }) => activeJobs),
    orphanedJobs: sum(({ orphanedJobs }) => orphanedJobs),
    delayedJobs: sum(({ delayedJobs }) => delayedJobs),
    pausedJobs: sum(({ pausedJobs }) => pausedJobs),
    isPaused: others.every(({ isPaused }) => isPaused),
    oldestWaitSeconds: waits.length === 0 ? null : Math.max(...waits),
  };
  return [...byLoad.slice(0, queuesMax), rest];
}

function loadOf({ readyJobs, activeJobs, orphanedJobs, delayedJobs }: QueueReport): number {
  return readyJobs + activeJobs + orphanedJobs + delayedJobs;
}
