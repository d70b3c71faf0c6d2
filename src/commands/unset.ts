import { settings } from '../decision/overrides.ts';
import type { Command } from './command.ts';
import { readNames } from './overrides/assignments.ts';
import { changePool } from './overrides/change.ts';
import { between, contradiction } from './overrides/standing.ts';
import { poolOption } from './overrides/words.ts';

export const unset: Command = {
  name: 'unset',
  summary: 'Go back to the configured value of a setting',
  help: `From its next tick on the daemon goes by the schedule and the config vars again. Needs REDIS_URL (or STATE_REDIS_URL).
Settings: ${settings.join(', ')}. For example:
  backlog-autoscaler unset minWorkers maxWorkers`,
  options: poolOption,
  operands: 'SETTING…',
  execute(options, surroundings, words = []) {
    const problems: string[] = [];
    const named = readNames(words, problems);
    return changePool(
      'unset',
      { options, problems },
      {
        objection(pool, before, nowMs) {
          const kept = before.settings.filter(({ setting }) => !named.includes(setting));
          const problem = contradiction(pool, { ...before, settings: kept }, nowMs);
          return problem === null
            ? null
            : { problem: `then ${problem}`, hint: 'Unset both, or set the other one first.' };
        },
        make: ({ name, store }, signal) => store.unset(name, named, signal),
        tell({ pool, ...after }, before) {
          const ended = before.overrides.filter(({ setting }) => named.includes(setting));
          // What could not be understood counted as a pause.
          const wasDamaged = before.pause?.by === null && after.pause === null;
          const names = (ended.length === 0 ? named : ended.map(({ setting }) => setting)).join(
            ', ',
          );
          const what =
            ended.length === 0 && !wasDamaged
              ? `${names} ${named.length === 1 ? 'was' : 'were'} not set`
              : `what is configured counts again for ${names}`;
          return `${pool}: ${what}${between(after)}`;
        },
      },
      surroundings,
    );
  },
};
