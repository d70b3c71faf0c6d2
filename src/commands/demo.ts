import { OperationalError } from '../errors.ts';
import { exitCodes, type Command } from './command.ts';

export const demo: Command = {
  name: 'demo',
  summary: 'The whole system on this machine, for about a minute',
  help: `Starts a Redis of its own, a stand-in for Heroku whose dynos are processes of this machine, this autoscaler as one of
them, and workers that do made-up jobs; then shows how bursts of jobs are met, and sums up. Needs no config var and no
server, uses free ports of the loopback interface, and leaves nothing behind. Example: npm run demo -- --keep`,
  options: {
    keep: {
      type: 'boolean',
      help: 'Stay up until Ctrl-C, and print first what to export to point other programs at it',
    },
  },
  async execute({ keep, json }, { isTerminal, shutdown, print, complain }) {
    try {
      // Loaded only now: on Heroku the development packages that it needs are not installed.
      const { playShow } = await import('../demo/show.ts');
      const isGood = await playShow({
        isKept: keep === true,
        isJson: json === true,
        ...{ isTerminal, shutdown, print, complain },
      });
      return isGood ? exitCodes.fine : exitCodes.failed;
    } catch (error) {
      const [, missing] = /^Cannot find package '([^']+)'/.exec(messageOf(error)) ?? [];
      if (missing === undefined) throw error;
      throw new OperationalError('CONFIG_INVALID', `the package ${missing} is not installed`, {
        hint: `The demo runs in a clone of the repository with its development packages: \`npm ci --include=dev\`.`,
        cause: error,
      });
    }
  },
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
