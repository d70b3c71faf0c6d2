import type { Logger } from 'pino';
import type { DrainReport, TickRecord } from '../tick-record.ts';

/** Says once for each pool, not at every tick, what keeps it from doing as well as it could. */
export function createNotices(log: Logger): (record: TickRecord) => void {
  const told = new Set<string>();
  return ({ pool, drain, observation }) => {
    const blindBudgets = (observation?.budgets ?? []).filter(({ workers }) => workers === null);
    const notices = [
      ...(drain === null ? [] : noticesOf(drain)),
      ...blindBudgets.map(({ limit, why }) => ({ about: limit, fields: {}, sentence: why })),
    ];
    for (const notice of notices) {
      const key = `${pool} ${notice.about}`;
      if (told.has(key)) continue;
      told.add(key);
      log.warn({ pool, ...notice.fields }, `${pool}: ${notice.sentence}`);
    }
  };
}

function noticesOf({ unknown, tailUnknownSinceMs }: DrainReport) {
  return [
    ...(unknown.length === 0
      ? []
      : [
          {
            about: 'unknown',
            fields: { unknown },
            sentence:
              'workers are removed although nobody can tell whether they run a job: call joinPool in the workers, or give each the name of its dyno (name: process.env.DYNO); or keep them with PROTECT_JOBS=strict',
          },
        ]),
    ...(tailUnknownSinceMs === null
      ? []
      : [
          {
            about: `tail since ${String(tailUnknownSinceMs)}`,
            fields: {},
            sentence:
              'a removal took other workers than those with the highest numbers: for a day workers are removed only when all are idle, or can hand back their jobs (joinPool)',
          },
        ]),
  ];
}
