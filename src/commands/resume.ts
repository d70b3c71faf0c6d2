import type { Command } from './command.ts';
import { changePool } from './overrides/change.ts';
import { poolOption } from './overrides/words.ts';

export const resume: Command = {
  name: 'resume',
  summary: 'End a pause',
  help: `From its next tick on the daemon scales the pool again, from the number of workers that it finds. What was \`set\`
stays. Needs REDIS_URL (or STATE_REDIS_URL).`,
  options: poolOption,
  execute: (options, surroundings) =>
    changePool(
      'resume',
      { options, problems: [] },
      {
        make: ({ name, store }, signal) => store.resume(name, signal),
        tell: ({ pool }, { pause }) =>
          pause === null ? `${pool}: was not paused` : `${pool}: resumed; it was ${pause.why}`,
      },
      surroundings,
    ),
};
