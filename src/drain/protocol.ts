/**
 * What the daemon and the companion in the workers' processes say to one another through the queues' Redis. Both sides
 * import this file and nothing else of each other.
 *
 * `backlog-autoscaler:workers:{<pool>}` is a hash with one field for each worker process; its value is a Heartbeat in
 * JSON. `backlog-autoscaler:marks:{<pool>}` is a hash from the name of a dyno that is asked to drain to when it was asked
 * and until when, two numbers of milliseconds. Every time is that of the server, so that the clocks of dynos do not
 * matter. `backlog-autoscaler:companions:{<pool>}` is a hash with what is known of all of them together: the field
 * below. The braces keep the keys of a pool together on one node of a Redis Cluster.
 */
export const workersKey = (pool: string): string => `backlog-autoscaler:workers:{${pool}}`;
export const companionsKey = (pool: string): string => `backlog-autoscaler:companions:{${pool}}`;
export const marksKey = (pool: string): string => `backlog-autoscaler:marks:{${pool}}`;

/** Jobs that companions of the pool ever handed back: there, and 0, from the first heartbeat on. */
export const handedBackField = 'handedBackJobs';

/** A pool that had a companion counts as having some for this long, also while all its processes are being replaced. */
const companionsMs = 24 * 60 * 60_000;
/** A mark that is not renewed ends after this: a daemon that dies frees the tail. */
export const markMs = 30_000;
/** How often a process says how it is and looks for a mark. */
export const heartbeatMs = 500;
/** A heartbeat older than this no longer tells how its process is. */
export const heartbeatFreshMs = 5_000;
/** A process that was not heard of for this long is gone. */
export const heartbeatGoneMs = 60_000;

/**
 * `working`: takes jobs. `draining`: takes no more, but some still run or may start. `drained`: nothing runs and
 * nothing can start until the mark is lifted. `closing`: told to end, and handing back what it runs.
 */
export const workerStates = ['working', 'draining', 'drained', 'closing'] as const;
export type WorkerState = (typeof workerStates)[number];

/** One process of a dyno, as it last described itself. */
export type Heartbeat = {
  readonly dyno: string;
  readonly state: WorkerState;
  /** Jobs it runs, over all its workers; null when it cannot tell. */
  readonly activeJobs: number | null;
  /** Jobs it can run at once, over all its workers. */
  readonly concurrency: number;
  /** Queues from which these workers take jobs; null, or absent, of a companion that does not say. */
  readonly queues?: number | null;
  readonly startedAtMs: number;
  /** When it said so. */
  readonly atMs: number;
};

/** A heartbeat as a process says it: the script below adds the times, by the server's clock. */
export type SpokenHeartbeat = Omit<Heartbeat, 'startedAtMs' | 'atMs'>;

const addHandedBack = (key: string, jobs: number): string =>
  `redis.call('HINCRBY', ${key}, '${handedBackField}', ${String(jobs)})
redis.call('PEXPIRE', ${key}, ${String(companionsMs)})`;

/**
 * One round trip: stores a process's heartbeat and returns the server's time and until when its dyno is asked to
 * drain (0 when it is not). What was asked before the process began was meant for a dyno that had its name before.
 * KEYS: workers, marks, companions. ARGV: process id, SpokenHeartbeat as JSON, dyno, expiry in ms, how long the process has run in ms.
 */
export const heartbeatScript = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local startedAtMs = nowMs - ARGV[5]
local times = string.format(',"startedAtMs":%.0f,"atMs":%.0f}', startedAtMs, nowMs)
redis.call('HSET', KEYS[1], ARGV[1], string.sub(ARGV[2], 1, -2) .. times)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
${addHandedBack('KEYS[3]', 0)}
local mark = redis.call('HGET', KEYS[2], ARGV[3]) or ''
local askedAtMs, untilMs = string.match(mark, '^(%d+) (%d+)$')
if askedAtMs == nil or tonumber(askedAtMs) < startedAtMs then untilMs = '0' end
return { string.format('%.0f', nowMs), untilMs }
`;

/** Adds one to the jobs that were handed back. KEYS: companions. */
export const handedBackScript = addHandedBack('KEYS[1]', 1);
