import type { Config, PoolConfig } from '../../config/load.ts';
import { noOverrides } from '../../decision/overrides.ts';
import type { Answer } from './answer.ts';
import { judgeConnectionBudget, judgeCost, judgeWorkerBudget } from './budget-findings.ts';
import { judgeConfiguration, judgeHttp, judgePool } from './configuration-findings.ts';
import { isOf } from '../connected-to.ts';
import { judgeConnections } from './connection-findings.ts';
import { judgeDelivery, judgeWebhook, type DeliveryFacts } from './delivery-findings.ts';
import { ok, problemFrom, warning, type Finding, type Remark, type Subject } from './finding.ts';
import type { HerokuFacts, HerokuToken } from './heroku-facts.ts';
import { judgeApp, judgeProcessType, judgeToken } from './heroku-findings.ts';
import { howToSetFor } from './how-to-set.ts';
import type { ChangedPool } from './minimum-ahead.ts';
import { judgeOverrides } from './override-findings.ts';
import { judgeQueues } from './queue-findings.ts';
import type { RedisFacts, RedisServer } from './redis-facts.ts';
import { judgeSchedule } from './schedule-findings.ts';
import { judgeQueueServer, judgeReach, judgeState } from './redis-findings.ts';
import { judgeInsight, judgeWorkers } from './worker-findings.ts';

/** Everything that was looked at. */
export type Observed = {
  readonly config: Config;
  readonly servers: readonly { readonly server: RedisServer; readonly facts: Answer<RedisFacts> }[];
  readonly tokens: readonly { readonly token: HerokuToken; readonly facts: HerokuFacts }[];
  readonly deliveries: readonly DeliveryFacts[];
  /** Whether the check itself runs in a dyno. */
  readonly isOnHeroku: boolean;
  readonly nowMs: number;
};

/** Judges what was observed; asks nobody anything more. */
export function judge(observed: Observed): readonly Finding[] {
  const { config, nowMs } = observed;
  const pools = config.pools.map((pool) => changedPool(pool, observed));
  const { WORKER_BUDGET } = config.process;
  return [
    ...about(
      'configuration',
      [],
      [...judgeConfiguration(config), ...judgeWorkerBudget(WORKER_BUDGET, pools, nowMs)],
    ),
    ...pools.flatMap((changed) =>
      about(
        'configuration',
        [changed.pool],
        [
          ...judgePool(changed.pool, howToSetFor(config, changed.pool)),
          ...judgeSchedule(changed.pool, nowMs),
          ...judgeOverrides(changed, nowMs, pools.length === 1),
        ],
      ),
    ),
    ...observed.servers.flatMap((one) => judgeServer(one, observed)),
    ...observed.tokens.flatMap((one) => judgeHeroku(one, observed)),
    ...config.pools.flatMap((pool) => judgeUnasked(pool, observed)),
    ...about('http', [], judgeHttp(config.process)),
    ...about(
      'delivery',
      [],
      [...observed.deliveries.map(judgeDelivery), ...judgeWebhook(config.process)],
    ),
  ];
}

/** Where nobody can tell what was changed, the judgement of the state says so. */
function changedPool(pool: PoolConfig, { servers }: Observed): ChangedPool {
  const stored = servers.map(({ facts }) => facts.value?.overrides.get(pool.POOL)?.value);
  return { pool, overrides: stored.find((one) => one) ?? noOverrides };
}

/** Remarks that concern one pool bear its name. */
function about(
  subject: Subject,
  pools: readonly PoolConfig[],
  remarks: readonly Remark[],
): readonly Finding[] {
  const [pool, ...others] = pools;
  const isOfOne = pool !== undefined && others.length === 0;
  return remarks.map((remark) => ({ subject, ...(isOfOne ? { pool: pool.POOL } : {}), ...remark }));
}

function judgeServer(
  { server, facts }: Observed['servers'][number],
  observed: Observed,
): readonly Finding[] {
  const { queuePools, statePools, url } = server;
  const isOnly = observed.servers.length === 1;
  const name = isOnly ? 'Redis' : `Redis at ${new URL(url).host}`;
  const reach = judgeReach(server, facts, { name, isOnHeroku: observed.isOnHeroku });
  const users = queuePools.length > 0 ? queuePools : statePools;
  const findings = [...about(queuePools.length > 0 ? 'redis' : 'state', users, reach)];
  if (facts.error !== null)
    return [...findings, ...queuePools.flatMap((pool) => about('queues', [pool], [unexamined]))];
  if (queuePools.length > 0) {
    const remarks = [
      ...judgeQueueServer(server, facts.value),
      ...judgeConnectionsOf(server, facts.value, observed.config),
    ];
    findings.push(...about('redis', queuePools, remarks));
    for (const pool of queuePools)
      findings.push(...about('redis', [pool], judgeShareOf(pool, facts.value, observed)));
  }
  return [
    ...findings,
    ...about('state', statePools, judgeState(server, facts.value)),
    ...queuePools.flatMap((pool) => judgePoolIn(facts.value, pool, observed)),
  ];
}

const unexamined = warning(
  'The queues were not examined',
  'First mend what is wrong with Redis above, then run `check` again',
);

function judgeConnectionsOf(
  { queuePools: pools }: RedisServer,
  { census, workers }: RedisFacts,
  config: Config,
): readonly Remark[] {
  const [first] = pools;
  if (first === undefined) return [];
  return judgeConnections({ pools, census, workers, howToSet: howToSetFor(config, first) });
}

function judgeShareOf(
  pool: PoolConfig,
  { census }: RedisFacts,
  { config, tokens }: Observed,
): readonly Remark[] {
  const currentWorkers = currentWorkersOf(pool, tokens);
  return judgeConnectionBudget({
    ...{ pool, census, currentWorkers, howToSet: howToSetFor(config, pool) },
  });
}

function judgePoolIn(
  { queues, workers, companions }: RedisFacts,
  pool: PoolConfig,
  { config, tokens }: Observed,
): readonly Finding[] {
  const facts = queues.get(pool.POOL);
  const heard = new Set([...queues.values()].flatMap(({ heardDynos }) => heardDynos.value ?? []));
  const seen = {
    queues: facts?.reading.value?.queues ?? [],
    workers: workers?.filter((worker) => isOf(pool, worker)) ?? null,
    heardDynos: facts?.heardDynos.value ?? [],
  };
  const remarks = judgeWorkers({
    ...seen,
    pool,
    processTypes: config.pools.map(({ PROCESS_TYPE }) => PROCESS_TYPE),
    currentWorkers: currentWorkersOf(pool, tokens),
    strayCompanions: companions.filter((dyno) => !heard.has(dyno)),
  });
  return [
    ...about(
      'queues',
      [pool],
      facts === undefined ? [unexamined] : judgeQueues(pool, facts, howToSetFor(config, pool)),
    ),
    ...about('workers', [pool], [...remarks, judgeInsight(seen)]),
  ];
}

function currentWorkersOf(pool: PoolConfig, tokens: Observed['tokens']): number | null {
  for (const { token, facts } of tokens) {
    const app = token.pools.find((one) => one.pool === pool)?.app;
    const formation = facts.apps.find((one) => one.app === app)?.formation?.value;
    const found = formation?.find(({ type }) => type === pool.PROCESS_TYPE);
    if (found !== undefined) return found.quantity;
  }
  return null;
}

function judgeHeroku(
  { token, facts }: Observed['tokens'][number],
  observed: Observed,
): readonly Finding[] {
  const { config, nowMs } = observed;
  const pools = token.pools.map(({ pool }) => pool);
  const findings = [...about('heroku', pools, judgeToken(facts, pools))];
  // Who is not let in learns nothing about any app.
  if (facts.statuses.includes(401)) return findings;
  for (const appFacts of facts.apps) {
    const ofApp = token.pools.filter(({ app }) => app === appFacts.app).map(({ pool }) => pool);
    findings.push(...about('heroku', ofApp, judgeApp(appFacts)));
    const { app, formation } = appFacts;
    if (formation?.error) findings.push(...about('heroku', ofApp, [problemFrom(formation.error)]));
    if (!formation?.value) continue;
    for (const pool of ofApp) {
      const howToSet = howToSetFor(config, pool);
      const remarks = judgeProcessType({
        ...{ app, pool, howToSet, formation: formation.value },
        otherPools: ofApp.filter((other) => other !== pool),
      });
      const type = formation.value.find((one) => one.type === pool.PROCESS_TYPE);
      const costs =
        type === undefined
          ? []
          : judgeCost(changedPool(pool, observed), { app, type, howToSet, nowMs });
      findings.push(...about('heroku', [pool], [...remarks, ...costs]));
    }
  }
  return findings;
}

/** A dry run may do without the app and the token, and then Heroku is left out. */
function judgeUnasked(pool: PoolConfig, { tokens }: Observed): readonly Finding[] {
  const isAsked = tokens.some(({ token }) => token.pools.some((one) => one.pool === pool));
  if (isAsked) return [];
  const why = 'HEROKU_APP_NAME and HEROKU_API_KEY are not both set';
  return about('heroku', [pool], [ok(`Dry run: Heroku is not asked (${why})`)]);
}
