import { settings, type Override } from '../decision/overrides.ts';
import { parseSetting } from '../config/settings.ts';
import { judgeWorkerBudget } from './check/budget-findings.ts';
import type { Command } from './command.ts';
import { readAssignments } from './overrides/assignments.ts';
import { changePool } from './overrides/change.ts';
import { between, contradiction, originOfReport } from './overrides/standing.ts';
import { actOptions, readAct, toType } from './overrides/words.ts';

export const set: Command = {
  name: 'set',
  summary: 'Change bounds and other settings of a pool for a while, without a restart',
  help: `From its next tick on the daemon goes by these values instead of the config vars and the schedule, until \`unset\`,
or for as long as --for says. Nothing restarts, and it outlives a restart of the daemon. A value that contradicts the
pool's bounds is refused. Needs REDIS_URL (or STATE_REDIS_URL).
Settings: ${settings.join(', ')}. For example:
  backlog-autoscaler set minWorkers=5 maxWorkers=20 --for 2h`,
  options: actOptions,
  operands: 'SETTING=VALUE…',
  execute(options, surroundings, words = []) {
    const problems: string[] = [];
    const texts = readAssignments(words, problems);
    const act = readAct(options, surroundings.environment, problems);
    const named = settings.filter((setting) => texts[setting] !== undefined);
    return changePool(
      'set',
      { options, problems },
      {
        objection(pool, before, nowMs) {
          const added = named.map((setting): Override => {
            const text = texts[setting] ?? '';
            const value = parseSetting(setting, text);
            return { setting, text, value, by: act.by, setAtMs: nowMs, untilMs: nowMs + act.forMs };
          });
          const kept = before.settings.filter(({ setting }) => !named.includes(setting));
          const after = { ...before, settings: [...kept, ...added] };
          const problem = contradiction(pool, after, nowMs);
          return problem === null
            ? null
            : { problem, hint: 'Set both, or lower the one or raise the other.' };
        },
        doubts: async ({ pools, workerBudget }, nowMs, signal) => {
          if (!named.includes('minWorkers')) return [];
          const changed = pools.map(async ({ name, store, config: pool }) =>
            pool === null ? [] : [{ pool, overrides: await store.read(name, signal) }],
          );
          return judgeWorkerBudget(workerBudget, (await Promise.all(changed)).flat(), nowMs);
        },
        make: ({ name, store }, signal) => store.set(name, texts, act, signal),
        tell({ pool, overrides, ...bounds }) {
          const ours = overrides.filter(({ setting }) => named.includes(setting));
          const values = ours.map(({ setting, value }) => `${setting}=${String(value)}`).join(', ');
          const [first] = ours;
          const origin =
            first === undefined ? '' : `, ${originOfReport(first, surroundings.nowMs())}`;
          return `${pool}: ${values}${origin}${between(bounds)}. ${toType(`unset ${named.join(' ')}`, options)} ends it.`;
        },
      },
      surroundings,
    );
  },
};
