import { unescape as percentDecoded } from 'node:querystring';
import {
  isRefusal,
  variableOf,
  type RedisFacts,
  type RedisInfo,
  type RedisServer,
} from './redis-facts.ts';
import type { Answer } from './answer.ts';
import { permissionsFor } from './redis-permissions.ts';
import { ok, problem, problemFrom, warning, type Remark } from './finding.ts';

/** What BullMQ refuses and what it warns of: `minimumVersion` and `recommendedMinimumVersion` of its RedisConnection. */
const versionMin = [5, 0] as const;
const versionRecommended = [6, 2] as const;
const versionOfReadOnlyKeys = [7, 0] as const;
const memoryShareMax = 0.8;

/** Whether the server can be reached and talked to safely. */
export function judgeReach(
  server: RedisServer,
  facts: Answer<RedisFacts>,
  parts: { readonly name: string; readonly isOnHeroku: boolean },
): readonly Remark[] {
  const { url, rejectUnauthorized } = server;
  const isEncrypted = url.startsWith('rediss:');
  const remarks: Remark[] = [];
  if (facts.error !== null) remarks.push(problemFrom(facts.error));
  else {
    const { version } = facts.value.info.value ?? { version: null };
    const encryption = isEncrypted ? [rejectUnauthorized ? 'TLS' : 'TLS, any certificate'] : [];
    const details = [
      version ?? 'unknown version',
      facts.value.latencyMs < 1 ? 'under 1 ms' : `${facts.value.latencyMs} ms`,
      ...encryption,
    ];
    remarks.push(ok(`${parts.name} answers (${details.join(', ')})`));
  }
  const isRemote = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
  if (!isEncrypted && isRemote && parts.isOnHeroku)
    remarks.push(
      warning(
        'Its URL begins with redis://, so passwords and jobs travel unencrypted; Heroku Key-Value Store answers rediss:// only',
        'Copy the URL anew, it begins with rediss:// now: heroku config:get REDIS_URL -a <the app that has the add-on>',
      ),
    );
  return remarks;
}

/** Whether BullMQ's queues are safe there and can be read. */
export function judgeQueueServer(server: RedisServer, facts: RedisFacts): readonly Remark[] {
  const { queuePools } = server;
  const app = queuePools
    .map(({ HEROKU_APP_NAME }) => HEROKU_APP_NAME)
    .find((name) => name !== null);
  const ofApp = app === undefined ? '' : ` -a ${app}`;
  return [
    ...judgeScript(server, facts),
    ...(isRefusal(facts.info)
      ? [
          warning(
            'The user may not run INFO, so its version, memory and limits are unknown',
            permit(server, facts),
          ),
        ]
      : []),
    ...(facts.info.value === null ? [] : judgeInfo(facts.info.value, ofApp)),
  ];
}

function judgeInfo(info: RedisInfo, ofApp: string): readonly Remark[] {
  const { version, maxMemoryPolicy: policy } = info;
  const upgrade = `Upgrade it: heroku redis:upgrade --version 7.2${ofApp}`;
  const remarks: Remark[] = [];
  if (version !== null && isBelow(version, versionMin))
    remarks.push(problem(`Redis ${version} is too old: BullMQ needs 5.0, better 6.2`, upgrade));
  else if (version !== null && isBelow(version, versionRecommended))
    remarks.push(warning(`Redis ${version} is old: BullMQ recommends 6.2 or later`, upgrade));
  if (policy !== null && policy !== 'noeviction')
    remarks.push(
      warning(
        `When memory is full it deletes keys (maxmemory-policy ${policy}), and BullMQ would lose jobs`,
        `heroku redis:maxmemory --policy noeviction${ofApp} (elsewhere: redis-cli CONFIG SET maxmemory-policy noeviction)`,
      ),
    );
  return [...remarks, ...judgeMemory(info)];
}

function judgeMemory({ usedMemoryBytes: used, maxMemoryBytes: max }: RedisInfo): readonly Remark[] {
  if (used === null || max === null || max === 0) return [];
  const share = `${megabytes(used)} of ${megabytes(max)} of memory are used`;
  if (used < max * memoryShareMax) return [ok(share)];
  return [
    warning(
      `${share}: when it is full, jobs cannot be added`,
      'Let BullMQ delete finished jobs (removeOnComplete, removeOnFail), or take a larger plan: heroku addons:upgrade',
    ),
  ];
}

function judgeScript(server: RedisServer, facts: RedisFacts): readonly Remark[] {
  const { script } = facts;
  if (script.error === null) return [];
  if (!isRefusal(script)) return [problemFrom(script.error)];
  return [
    problem(
      'The user may not run scripts (EVAL, EVALSHA), with which queues are read',
      permit(server, facts),
    ),
  ];
}

/** Whether the autoscaler could keep its state there. Queues can be read from a replica, but state must be written. */
export function judgeState(server: RedisServer, facts: RedisFacts): readonly Remark[] {
  const { info, write, overrides } = facts;
  if (write === null) return [];
  if (info.value?.role === 'slave' || write.error?.message.includes('READONLY') === true)
    return [
      problem(
        'This server is a replica, and the autoscaler could not keep its state there',
        variableOf(server) === 'REDIS_URL'
          ? 'Set REDIS_URL to the primary, or let the state live elsewhere: heroku config:set STATE_REDIS_URL=rediss://…'
          : 'Set STATE_REDIS_URL to the primary',
      ),
    ];
  const failed = [write, ...overrides.values()].find(({ error }) => error !== null);
  if (!failed?.error) return [ok('The autoscaler may keep its state there')];
  if (!isRefusal(failed)) return [problemFrom(failed.error)];
  return [
    problem(
      `The user may not ${failed === write ? 'write' : 'read'} the autoscaler’s own keys (backlog-autoscaler:*)`,
      permit(server, facts),
    ),
  ];
}

/** What to type so that the user may do all that is needed, whatever it was that it may not do. */
function permit({ url, queuePools }: RedisServer, { info }: RedisFacts): string {
  const user = percentDecoded(new URL(url).username) || 'default';
  const version = info.value?.version ?? null;
  const rules = permissionsFor({
    queuePrefixes: queuePools.map(({ QUEUE_PREFIX }) => QUEUE_PREFIX),
    canReadOnly: version === null || !isBelow(version, versionOfReadOnlyKeys),
  });
  return ['redis-cli ACL SETUSER', user, ...rules.map(quotedForShell)].join(' ');
}

/** Shells have uses of their own for `|`, `*` and `~`. */
function quotedForShell(rule: string): string {
  return /^[\w@+-]+$/.test(rule) ? rule : `'${rule}'`;
}

function isBelow(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = NaN, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0)} MB`;
}
