import { exitCodes, type Command } from './command.ts';
import { withKnownPools } from './overrides/known-pools.ts';
import { readable, standingOf } from './overrides/standing.ts';
import { poolNameOf, poolOption, refuse, usageHint } from './overrides/words.ts';

export const overrides: Command = {
  name: 'overrides',
  summary: 'List what is paused or set by hand, by whom and until when',
  help: `Lists for every pool, or for the one that --pool names, whether it is paused and what was \`set\`, by whom and until
when. Needs REDIS_URL (or STATE_REDIS_URL).`,
  options: poolOption,
  execute: (options, surroundings) =>
    withKnownPools(surroundings, async (known, signal) => {
      const { json } = options;
      const name = poolNameOf(options);
      const chosen = name === null && known.pools.length > 0 ? known.pools : known.choose(name);
      if (typeof chosen === 'string') {
        const heading = 'overrides: nothing is listed';
        const hint = usageHint('overrides');
        const refusal = { heading, problems: [chosen], hint, exitCode: exitCodes.usage };
        return refuse(refusal, options, surroundings);
      }
      const pools = 'name' in chosen ? [chosen] : chosen;
      const nowMs = surroundings.nowMs();
      const standings = await Promise.all(
        pools.map(async (pool) =>
          standingOf(pool, await pool.store.read(pool.name, signal), nowMs),
        ),
      );
      surroundings.print(
        json === true
          ? `${JSON.stringify({ pools: standings })}\n`
          : standings.map((standing) => readable(standing, nowMs)).join(''),
      );
      return exitCodes.fine;
    }),
};
