import type { Logger } from 'pino';
import type { Config } from '../config/load.ts';
import { OperationalError } from '../errors.ts';
import { createScrubber, scrubJson } from '../scrub.ts';
import type { TickRecord } from '../tick-record.ts';
import type { HerokuReply } from '../targets/heroku/account.ts';
import { logTick } from '../telemetry/log.ts';
import { createNotices } from '../telemetry/notices.ts';
import { createMetrics, type MetricsRecorder } from '../telemetry/metrics.ts';
import {
  goodTickAtMs,
  healthOf,
  tickReport,
  type Health,
  type Status,
  type TickReport,
} from '../telemetry/report.ts';
import { version } from '../version.ts';
import { secretsOf, type AssembledPool } from './assemble.ts';

/** Redis may hang: publishing is given up after this, or sooner when the interval is short. */
const publishMsMax = 1_000;
const publishShareOfInterval = 0.05;

/** Hands each tick's record to all its readers: log, metrics, status and, through Redis, `web`. */
export type Recorder = {
  readonly metrics: MetricsRecorder;
  readonly recordTick: (pool: AssembledPool, record: TickRecord) => TickReport;
  /** Lets `web` repeat it. Never throws for trouble with Redis, which is no part of a tick that is over. */
  readonly publish: (pool: AssembledPool, report: TickReport) => Promise<void>;
  readonly recordHerokuReply: (reply: HerokuReply) => void;
  readonly status: () => Status;
  readonly health: () => Health;
};

export function createRecorder(config: Config, log: Logger, nowMs: () => number): Recorder {
  const reports = new Map<string, TickReport>();
  const lastGoodTicksAtMs = new Map<string, number>();
  const unpublished = new Set<string>();
  const scrub = createScrubber(secretsOf(config));
  const notice = createNotices(log);
  const metrics = createMetrics(
    config.pools.map(({ POOL, MIN_WORKERS, MAX_WORKERS }) => ({
      pool: POOL,
      policy: { minWorkers: MIN_WORKERS, maxWorkers: MAX_WORKERS },
    })),
    { version },
  );

  return {
    metrics,
    recordTick(pool, record) {
      // What servers say of themselves may repeat what they were sent.
      const report = scrubbed(tickReport(record, pool.policy), scrub);
      reports.set(pool.name, report);
      const goodAtMs = goodTickAtMs(record);
      if (goodAtMs !== null) lastGoodTicksAtMs.set(pool.name, goodAtMs);
      metrics.recordTick(record);
      logTick(log, record);
      notice(record);
      return report;
    },
    publish,
    recordHerokuReply(reply) {
      metrics.recordHerokuReply(reply);
      // What was changed can be asked of Heroku's support under the Request-Id; what was only read hardly ever is.
      log[reply.method === 'PATCH' ? 'info' : 'debug'](
        reply,
        `Heroku answered ${reply.method} with ${String(reply.status)}`,
      );
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

  async function publish(
    { name: pool, intervalMs, snapshots }: AssembledPool,
    report: TickReport,
  ): Promise<void> {
    const signal = AbortSignal.timeout(
      Math.ceil(Math.min(publishMsMax, intervalMs * publishShareOfInterval)),
    );
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
  }
}

function scrubbed(report: TickReport, scrub: (text: string) => string): TickReport {
  return JSON.parse(scrubJson(scrub, JSON.stringify(report))) as TickReport;
}
