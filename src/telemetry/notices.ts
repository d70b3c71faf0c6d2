import type { Logger } from 'pino';
import type { Overrides } from '../decision/overrides.ts';
import type { DrainReport, TickRecord } from '../tick-record.ts';

/** Says once for each pool, not at every tick, what keeps it from doing as well as it could. */
export function createNotices(log: Logger): (record: TickRecord) => void {
  const told = new Set<string>();
  return ({ pool, drain, overrides, observation }) => {
    const blindBudgets = (observation?.budgets ?? []).filter(({ workers }) => workers === null);
    const notices = [
      ...(drain === null ? [] : noticesOf(drain)),
      ...(overrides === null ? [] : noticesOfOverrides(overrides)),
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

function noticesOfOverrides({ damaged, unknown }: Overrides) {
  return [
    ...damaged.map((name) => ({
      about: `damaged ${name}`,
      fields: { damaged },
      sentence: `what was set for ${name} cannot be understood: nothing is changed until \`backlog-autoscaler ${name === 'pause' ? 'resume' : `unset ${name}`}\``,
    })),
    ...unknown.map((name) => ({
      about: `unknown ${name}`,
      fields: { unknown },
      sentence: `a newer version of the autoscaler set ${JSON.stringify(name)}, which this one does not know and leaves out of account`,
    })),
  ];
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
