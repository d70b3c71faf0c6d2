import { Registry } from 'prom-client';
import { loadConfig, type Config } from '../config/load.ts';
import { readPoolsText } from '../config/pools-text.ts';
import { withDeadline } from '../deadline.ts';
import { createPushTargets } from '../delivery/push-targets.ts';
import { instanceOf } from './names.ts';
import { secretsOf } from './secrets.ts';
import { lookAtPushTargets } from './check/delivery-findings.ts';
import { herokuTokensOf, lookAtHeroku } from './check/heroku-facts.ts';
import { judge, type Observed } from './check/judgement.ts';
import { lookAtRedis, redisServersOf } from './check/redis-facts.ts';
import { readable, reportOf } from './check/report.ts';
import type { Finding } from './check/finding.ts';
import { exitCodes, type Command, type Surroundings } from './command.ts';

/** Whoever has not answered by then is reported as silent; closing everything leaves a person waiting 15 s at most. */
const patienceMs = 13_000;

export const check: Command = {
  name: 'check',
  summary: 'Examine configuration, Redis, queues, token, app and limits, and say what to mend',
  help: `Looks at everything the daemon needs, changes nothing, and says for each thing \`ok\`, \`warning\` or \`problem\` with what
to do about it. Run it first, and whenever something seems wrong; it takes 15 seconds at most. Exits 0 when there is no
problem, else 1. On Heroku: heroku run "node dist/main.js check" -a <the autoscaler's app>`,
  options: {},
  async execute({ json }, surroundings) {
    const config = loadConfig(surroundings.environment, readPoolsText);
    surroundings.hide(secretsOf(config));
    const { scrub } = surroundings;
    const findings = judge(await observe(config, surroundings)).map((one) => scrubbed(one, scrub));
    const report = reportOf(findings);
    surroundings.print(json === true ? `${JSON.stringify(report)}\n` : readable(report));
    return report.problems === 0 ? exitCodes.fine : exitCodes.failed;
  },
};

/** Looks at all servers side by side, so that one that hangs does not hide what the others tell. */
async function observe(
  config: Config,
  { environment, nowMs, shutdown }: Surroundings,
): Promise<Observed> {
  return withDeadline(shutdown, patienceMs, async (signal) => {
    const [servers, tokens, deliveries] = await Promise.all([
      Promise.all(
        redisServersOf(config).map(async (server) => ({
          server,
          facts: await lookAtRedis(server, { nowMs, signal }),
        })),
      ),
      Promise.all(
        herokuTokensOf(config).map(async (token) => ({
          token,
          facts: await lookAtHeroku(token, { nowMs, signal }),
        })),
      ),
      lookAtPushTargets(pushTargetsOf(config, environment), signal),
    ]);
    return {
      config,
      servers,
      tokens,
      deliveries,
      isOnHeroku: environment['DYNO'] !== undefined,
      nowMs: nowMs(),
    };
  });
}

/** Where the daemon would push to; there is nothing to push here. */
function pushTargetsOf(config: Config, environment: Surroundings['environment']) {
  const instance = instanceOf(config, environment);
  return createPushTargets(config.process, { instance, registry: new Registry() });
}

/** Servers answer with texts of their own, which may repeat what they were sent. */
function scrubbed(finding: Finding, scrub: (text: string) => string): Finding {
  const message = scrub(finding.message);
  return finding.level === 'ok'
    ? { ...finding, message }
    : { ...finding, message, fix: scrub(finding.fix) };
}
