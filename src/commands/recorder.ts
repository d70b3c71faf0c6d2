import type { Logger } from 'pino';
import type { Config } from '../config/load.ts';
import { counted } from '../decision/words.ts';
import type { Failure, ReceiverName } from '../delivery/receiver.ts';
import { scheduledPolicy } from '../decision/policy-in-force.ts';
import { OperationalError } from '../errors.ts';
import type { Unlisted } from '../queues/bullmq/clients.ts';
import { createScrubber, scrubJson } from '../scrub.ts';
import type { Leadership } from '../state/lease.ts';
import type { Oblivion } from '../state/memory-store.ts';
import type { TickRecord } from '../tick-record.ts';
import type { HerokuReply } from '../targets/heroku/api.ts';
import { callsPerHour, ownCallsPerHour } from '../targets/heroku/call-budget.ts';
import { createDeliveryNotices } from '../telemetry/deliveries.ts';
import { logTick } from '../telemetry/log.ts';
import { createNotices } from '../telemetry/notices.ts';
import { createMetrics, type MetricsRecorder } from '../telemetry/metrics.ts';
import { goodTickAtMs, healthOf, type Health } from '../telemetry/health.ts';
import { tickReport, type Status, type TickReport } from '../telemetry/report.ts';
import { version } from '../version.ts';
import type { AssembledPool } from './assemble.ts';
import { secretsOf } from './secrets.ts';
import { createCostKeeper } from './cost-keeper.ts';
import { createHistorian } from './historian.ts';
import { tellingMs } from './telling.ts';

/** Hands each tick's record to all its readers: log, metrics, status and, through Redis, `web` and the history. */
export type Recorder = {
  readonly metrics: MetricsRecorder;
  readonly recordTick: (pool: AssembledPool, record: TickRecord) => TickReport;
  /**
   * Lets `web` repeat it, if this daemon acts for the pool: one that stands by would hide what the other says. Never
   * throws for trouble with Redis, which is no part of a tick that is over.
   */
  readonly publish: (pool: AssembledPool, report: TickReport) => Promise<void>;
  /** Keeps it for those who ask later, and what the pool has cost. */
  readonly keep: (pool: AssembledPool, report: TickReport) => Promise<void>;
  readonly recordHerokuReply: (reply: HerokuReply) => void;
  readonly recordHerokuOveruse: () => void;
  readonly recordUnlisted: (unlisted: Unlisted) => void;
  readonly recordLeadership: (pool: string, leadership: Leadership) => void;
  readonly recordOblivion: (pool: string, why: Oblivion) => void;
  /** What became of something that was sent out. */
  readonly recordDelivery: (to: ReceiverName, failure: Failure | null) => void;
  readonly status: () => Status;
  readonly health: () => Health;
};

export function createRecorder(config: Config, log: Logger, nowMs: () => number): Recorder {
  const reports = new Map<string, TickReport>();
  const lastGoodTicksAtMs = new Map<string, number>();
  const scrub = createScrubber(secretsOf(config));
  const notice = createNotices(log);
  const noticeDelivery = createDeliveryNotices(log);
  const metrics = createMetrics(
    config.pools.map((pool) => ({ pool: pool.POOL, policy: policyOf(pool) })),
    { version },
  );

  const keepReport = createHistorian(log);
  const keepCosts = createCostKeeper(log);

  return {
    metrics,
    recordTick(pool, record) {
      // What servers say of themselves may repeat what they were sent.
      const report = scrubbed(
        tickReport(record, scheduledPolicy(pool.policy, record.startedAtMs)),
        scrub,
      );
      reports.set(pool.name, report);
      const goodAtMs = goodTickAtMs(record);
      if (goodAtMs !== null) lastGoodTicksAtMs.set(pool.name, goodAtMs);
      metrics.recordTick(record);
      logTick(log, record);
      notice(record);
      return report;
    },
    publish: createPublisher({ log, nowMs, metrics, lastGoodTicksAtMs }),
    async keep(pool, report) {
      await Promise.all([keepReport(pool, report), keepCosts(pool)]);
    },
    recordHerokuReply(reply) {
      metrics.recordHerokuReply(reply);
      // What was changed can be asked of Heroku's support under the Request-Id; what was only read hardly ever is.
      log[reply.method === 'PATCH' ? 'info' : 'debug'](
        reply,
        `Heroku answered ${reply.method} with ${String(reply.status)}`,
      );
    },
    recordHerokuOveruse() {
      logOveruse(log);
    },
    recordUnlisted({ why, hint }) {
      log.warn({ hint }, `who is connected to Redis cannot be seen: ${why}`);
    },
    recordLeadership(pool, leadership) {
      metrics.recordLeadership(pool, leadership.isOwn);
      logLeadership(log, pool, leadership);
    },
    recordOblivion(pool, why) {
      // A first start is nothing to worry about.
      log[why === 'missing' ? 'info' : 'warn']({ pool }, `${pool}: ${oblivionSentences[why]}`);
    },
    recordDelivery(to, failure) {
      metrics.recordDelivery(to, failure === null);
      noticeDelivery(to, failure);
    },
    status: () => ({ pools: [...reports.values()] }),
    health: () =>
      healthOf(
        config.pools.map(({ POOL: pool, POLL_INTERVAL: intervalMs }) => ({
          pool,
          intervalMs,
          lastGoodTickAtMs: lastGoodTicksAtMs.get(pool) ?? null,
        })),
        nowMs(),
      ),
  };
}

function logOveruse(log: Logger): void {
  log.warn(
    {
      hint: 'Lengthen POLL_INTERVAL, or let a second daemon with a token of another Heroku user take some of the pools.',
    },
    `${counted(ownCallsPerHour, 'call')} an hour, of the ${counted(callsPerHour, 'call')} that the Heroku account has for all who use it, are not enough for these pools, or fewer than half of those are left: where nothing is to change, the workers are looked at less often from now on`,
  );
}

/** What a pool's snapshot needs beside its report. */
type Publishing = {
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly metrics: MetricsRecorder;
  readonly lastGoodTicksAtMs: ReadonlyMap<string, number>;
};

function createPublisher({
  log,
  nowMs,
  metrics,
  lastGoodTicksAtMs,
}: Publishing): Recorder['publish'] {
  const unpublished = new Set<string>();
  return async function publish({ name: pool, intervalMs, lease, snapshots }, report) {
    if (lease.heldForMs() === null) return;
    const signal = AbortSignal.timeout(tellingMs(intervalMs));
    const series = await metrics.seriesOf(pool);
    const lastGoodTickAtMs = lastGoodTicksAtMs.get(pool) ?? null;
    try {
      const publishedAtMs = nowMs();
      await snapshots.publish(
        { version: 1, pool, publishedAtMs, intervalMs, lastGoodTickAtMs, report, metrics: series },
        signal,
      );
      unpublished.delete(pool);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      // The next tick publishes again; once is enough to say why `web` shows old figures.
      const level = unpublished.has(pool) ? 'debug' : 'warn';
      log[level]({ pool, hint: error.hint }, `what \`web\` shows is out of date: ${error.message}`);
      unpublished.add(pool);
    }
  };
}

const cautiousStart = 'the workers that run count as needed until the queues tell otherwise';
const oblivionSentences: Readonly<Record<Oblivion, string>> = {
  missing: `nothing is remembered of this pool: ${cautiousStart}`,
  older: 'an older version remembered this pool; what this one knows better begins anew',
  newer: `a newer version remembered this pool, which this one cannot read: ${cautiousStart}`,
  damaged: `what was remembered of this pool cannot be understood: ${cautiousStart}`,
};

function logLeadership(log: Logger, pool: string, { isOwn, holder, fence }: Leadership): void {
  const fields = { pool, holder, fence };
  if (isOwn)
    log.info(fields, `${pool}: this daemon, ${holder ?? ''}, acts for the pool from now on`);
  else if (holder === null)
    log.warn(
      fields,
      `${pool}: this daemon may not act for the pool any more, until it can renew that right in Redis`,
    );
  else log.info(fields, `${pool}: ${holder} acts for the pool; this daemon stands by`);
}

/** What the owner of the pool wants, in the words and units of the metrics. */
function policyOf(pool: Config['pools'][number]) {
  return {
    minWorkers: pool.MIN_WORKERS,
    maxWorkers: pool.MAX_WORKERS,
    intervalSeconds: pool.POLL_INTERVAL / 1000,
    targetWaitSeconds: pool.TARGET_WAIT === null ? null : pool.TARGET_WAIT / 1000,
    costBudgetDollars: pool.COST_BUDGET,
  };
}

function scrubbed(report: TickReport, scrub: (text: string) => string): TickReport {
  return JSON.parse(scrubJson(scrub, JSON.stringify(report))) as TickReport;
}
