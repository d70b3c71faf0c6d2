import type { Command } from './command.ts';
import { changePool } from './overrides/change.ts';
import { actOptions, readAct, toType } from './overrides/words.ts';

export const pause: Command = {
  name: 'pause',
  summary: 'Change nothing about a pool for a while; deciding and measuring go on',
  help: `From its next tick on the daemon changes nothing about the pool, not even to keep its bounds: it decides, logs and
measures as before. Dynos that were asked to drain go on. It lasts until \`resume\`, or for as long as --for says. Nothing
restarts, and it outlives a restart of the daemon. Needs REDIS_URL (or STATE_REDIS_URL). For example:
  backlog-autoscaler pause --for 2h`,
  options: actOptions,
  execute(options, surroundings) {
    const problems: string[] = [];
    const act = readAct(options, surroundings.environment, problems);
    return changePool(
      'pause',
      { options, problems },
      {
        make: ({ name, store }, signal) => store.pause(name, act, signal),
        tell: ({ pool, pause }) =>
          `${pool}: ${pause?.why ?? 'paused'}. ${toType('resume', options)} ends it.`,
      },
      surroundings,
    );
  },
};
