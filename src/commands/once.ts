import { loadConfig } from '../config/load.ts';
import { readPoolsText } from '../config/pools-text.ts';
import { createLog } from '../telemetry/log.ts';
import type { TickReport } from '../telemetry/report.ts';
import { assemble } from './assemble.ts';
import { nameOf } from './names.ts';
import { secretsOf } from './secrets.ts';
import { exitCodes, type Command } from './command.ts';
import { costLines } from './cost-text.ts';
import { createRecorder } from './recorder.ts';
import { detailLines, harmless, shown } from './report-text.ts';

export const once: Command = {
  name: 'once',
  summary: 'One tick for every pool, then exit',
  help: `Reads the queues, decides, scales if needed, says why, and exits: 0 if every pool was handled, 1 if one failed.
What was remembered of earlier ticks is used and kept, so it can also be run by a scheduler every ten minutes
(set POLL_INTERVAL to match). While a daemon acts for a pool, this stands by. To look without touching anything: DRY_RUN=true backlog-autoscaler once`,
  options: {},
  async execute({ json }, { environment, nowMs, shutdown, print, hide }) {
    const config = loadConfig(environment, readPoolsText);
    hide(secretsOf(config));
    // A person reads the report below; the log's own line for a tick would say it twice.
    const level = json === true ? config.process.LOG_LEVEL : 'error';
    const log = createLog({ level, secrets: secretsOf(config), destination: 'stderr' });
    for (const warning of config.warnings) log.warn(warning);
    const recorder = createRecorder(config, log, nowMs);
    const assembly = assemble(config, {
      ...{ nowMs, isPeriodic: false, name: nameOf(environment) },
      onHerokuReply: recorder.recordHerokuReply,
      onHerokuOveruse: recorder.recordHerokuOveruse,
      onUnlisted: recorder.recordUnlisted,
      onLeadership: recorder.recordLeadership,
      onOblivion: recorder.recordOblivion,
    });
    try {
      const reports = await Promise.all(
        assembly.pools.map(async (pool) => {
          const report = recorder.recordTick(pool, await pool.tick(shutdown));
          await recorder.keep(pool, report);
          return report;
        }),
      );
      print(
        json === true
          ? `${JSON.stringify({ pools: reports })}\n`
          : reports.map(readable).join('\n'),
      );
      return reports.every(({ error }) => error === undefined) ? exitCodes.fine : exitCodes.failed;
    } finally {
      await assembly.close();
    }
  },
};

/** The report as a person reads it: what happens, then each step with its reason. */
function readable(report: TickReport): string {
  const { pool, currentWorkers, desiredWorkers, outcome } = report;
  if (outcome === 'not-leader')
    return harmless([
      `${pool}: nothing to do, as another daemon acts for this pool (${outcome}). \`backlog-autoscaler explain\` says what it does.`,
    ]);
  const head = `${pool}: ${shown(currentWorkers)} → ${shown(desiredWorkers)} workers (${outcome})`;
  return harmless([head, ...detailLines(report), ...costLines(report)]);
}
