import { createHerokuAccount, type HerokuAccount } from '../../src/targets/heroku/account.ts';
import type { HerokuReply } from '../../src/targets/heroku/api.ts';
import { createHerokuTarget } from '../../src/targets/heroku/heroku-target.ts';
import type { Target } from '../../src/targets/target.ts';
import { startScriptedHeroku, type ScriptedHeroku } from './scripted-heroku.ts';

/** The Heroku target as the daemon wires it, against a scripted Heroku, with a clock that a test can turn. */
export type HerokuStage = {
  readonly heroku: ScriptedHeroku;
  readonly account: HerokuAccount;
  readonly target: Target;
  /** As `target`, for another pool of the same account. */
  readonly anotherTarget: () => Target;
  /** Every reply the account told of. */
  readonly replies: HerokuReply[];
  /** How often the account told that it is used more than it should be. */
  readonly timesOverused: () => number;
  readonly passSeconds: (seconds: number) => void;
  readonly stop: () => Promise<void>;
};

export async function startHerokuStage(
  overrides: {
    readonly app?: string;
    readonly processType?: string;
    readonly apiKey?: string;
    readonly apiUrl?: string;
    readonly formation?: ScriptedHeroku['formation'];
  } = {},
): Promise<HerokuStage> {
  const heroku = await startScriptedHeroku(overrides.formation);
  const replies: HerokuReply[] = [];
  let timesOverused = 0;
  let passedMs = 0;
  const nowMs = () => Date.now() + passedMs;
  const account = createHerokuAccount({
    apiUrl: overrides.apiUrl ?? heroku.url,
    apiKey: overrides.apiKey ?? heroku.token,
    userAgent: 'backlog-autoscaler/1.2.3',
    nowMs,
    onReply: (reply) => replies.push(reply),
    onOveruse: () => (timesOverused += 1),
  });
  const { app = 'demo', processType = 'worker' } = overrides;
  const anotherTarget = () => createHerokuTarget({ account, app, processType, nowMs });
  return {
    heroku,
    account,
    target: anotherTarget(),
    anotherTarget,
    replies,
    timesOverused: () => timesOverused,
    passSeconds: (seconds) => (passedMs += seconds * 1_000),
    async stop() {
      await account.close();
      await heroku.stop();
    },
  };
}
