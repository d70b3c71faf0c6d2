import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { loadConfig } from '../config/load.ts';
import { readPoolsText } from '../config/pools-text.ts';
import { createJournalStore, journalInFile } from '../maintenance/journal.ts';
import type { Site } from '../maintenance/site.ts';
import { secretsOf } from './secrets.ts';
import { exitCodes, type Command, type ExitCode, type Surroundings } from './command.ts';
import {
  contradiction,
  followRedis,
  isConfirmed,
  isOfFormation,
  poolsFor,
  prepare,
  wouldBeEnded,
} from './maintenance/begin.ts';
import { isWayBack, optionDefinitions, parseChoices, type Choices } from './maintenance/choices.ts';
import { conduct } from './maintenance/conduct.ts';
import { openSite, type ScaledPool } from './maintenance/open-site.ts';
import { documentOf, planOf, sentenceOf, standing } from './maintenance/words.ts';
import { createProgress } from './progress.ts';

export const maintenance: Command = {
  name: 'maintenance',
  summary:
    'Bring workers to zero without losing a job, have Heroku maintain the Redis, and bring them back',
  help: `run     pauses the autoscaler, drains the workers, scales to zero, proves that nobody works any more, runs Heroku’s
        maintenance of the Redis and waits for it, finds the Redis again, and puts everything back
begin   stops at zero, for work of any other kind; end puts everything back
abort   puts everything back from wherever it is. A maintenance that Heroku has begun cannot be stopped: abort waits for it
        before workers come back (--force does not)
status  says how it stands

Run it on your own machine, in CI or in a one-off dyno, with the config vars of the daemon and a token that may also read
config vars (heroku authorizations:create -s write,read-protected). Each step is noted in a file and in Redis before it
begins: after a crash, \`maintenance run\` goes on where it was. For example:
  backlog-autoscaler maintenance run --redis REDIS --app-maintenance`,
  operands: 'run|begin|end|abort|status',
  options: optionDefinitions,
  jsonList: 'steps',
  async execute(options, surroundings, words = []) {
    const { environment, complain, hide } = surroundings;
    const choices = parseChoices(words, options);
    if ('problems' in choices) return refuse(choices.problems, complain);
    if (choices.verb !== 'status' && isOfFormation(environment)) throw wouldBeEnded(environment);
    const config = loadConfig(environment, readPoolsText);
    hide(secretsOf(config));
    const left = journalInFile(choices.journalPath);
    const pools = poolsFor(choices, left, config.pools);
    if ('problems' in pools) return refuse(pools.problems, complain);
    const site = openSite(pools, config, { nowMs: surroundings.nowMs, hide });
    try {
      return await conductOn(site, pools, choices, options['json'] === true, surroundings);
    } finally {
      await site.close();
    }
  },
};

async function conductOn(
  site: Site,
  [first]: readonly [ScaledPool, ...ScaledPool[]],
  choices: Choices,
  isJson: boolean,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { print, shutdown, complain } = surroundings;
  const app = first.HEROKU_APP_NAME;
  const store = createJournalStore({
    path: choices.journalPath,
    app,
    redis: () => site.stateRedis(),
  });
  const known = journalInFile(choices.journalPath);
  if (known !== null && known.phase !== 'over') await followRedis(site, known, shutdown);
  const left = await store.load();
  const say = (document: object, sentence: string) => {
    print(isJson ? `${JSON.stringify(document)}\n` : sentence);
  };
  const isUnfinished = left !== null && left.phase !== 'over';
  const isNothingToAbort = choices.verb === 'abort' && !isUnfinished;
  if (choices.verb === 'status' || isNothingToAbort) {
    const sentence = `${isNothingToAbort ? 'Nothing to abort. ' : ''}${standing(left)}`;
    say(documentOf(left?.phase ?? 'none', left), sentence);
    return exitCodes.fine;
  }
  const problem = contradiction(choices, isUnfinished ? left : null);
  if (problem !== null) return refuse([problem], complain);

  const begun = isUnfinished ? left : await prepare(site, first.REDIS_URL, choices, surroundings);
  if ('problems' in begun) {
    say({ ...documentOf('refused', null), ...begun }, '');
    return exitCodes.failed;
  }
  if (isUnfinished) complain(`Goes on: ${standing(left)}`);
  complain(planOf(begun, isWayBack(choices.verb)));
  if (choices.isDryRun) {
    say(documentOf('planned', begun), '');
    return exitCodes.fine;
  }
  if (!(await isConfirmed(choices, surroundings))) {
    say(documentOf('declined', begun), '');
    return exitCodes.failed;
  }
  const conducted = await conduct(
    begun,
    {
      ...{ site, store, verb: choices.verb, writer: `${hostname()} ${randomUUID()}` },
      ...{ killGraceMs: choices.killGraceMs, isForced: choices.isForced },
      tell: createProgress(complain),
    },
    surroundings,
  );
  const { outcome, journal } = conducted;
  say(documentOf(outcome, journal, conducted), sentenceOf(outcome, journal, conducted));
  return outcome === 'stopped' ? exitCodes.failed : exitCodes.fine;
}

function refuse(problems: readonly string[], complain: (text: string) => void): ExitCode {
  complain(problems.map((problem) => `maintenance: ${problem}\n`).join(''));
  return exitCodes.usage;
}
