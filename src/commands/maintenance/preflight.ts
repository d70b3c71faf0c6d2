import { withDeadline } from '../../deadline.ts';
import { OperationalError } from '../../errors.ts';
import type { Journal } from '../../maintenance/journal.ts';
import type { PoolSite, Site } from '../../maintenance/site.ts';
import type { Choices } from './choices.ts';

/** What is known before anything is done, and everything that speaks against doing it. */
export type Preflight = {
  readonly facts: readonly string[];
  readonly problems: readonly string[];
  readonly found: Pick<Journal, 'addon' | 'closedApps' | 'lastCompletedAt' | 'pools'>;
};

type Notes = { readonly facts: string[]; readonly problems: string[] };

const msMax = 20_000;
/** States of Heroku's maintenance in which there is nothing to run. */
const idleStates = ['none', 'completed'];

/** Looks at everything that the maintenance will need. Changes nothing. */
export async function preflight(
  site: Site,
  choices: Pick<Choices, 'verb' | 'redis' | 'closesApp'>,
  redisUrl: string,
  { shutdown, nowMs }: { readonly shutdown: AbortSignal; readonly nowMs: () => number },
): Promise<Preflight> {
  const notes: Notes = { facts: [], problems: [] };
  const attempt = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | null> => {
    try {
      return await withDeadline(shutdown, msMax, work);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      const problem = `${error.message.replace(/\.$/, '')}. ${error.hint}`;
      // Whatever is away is in the way of everything that needs it.
      if (!notes.problems.includes(problem)) notes.problems.push(problem);
      return null;
    }
  };
  const apps = [...new Set(site.pools().map(({ app }) => app))];
  const details = await attempt((signal) =>
    Promise.all(apps.map((app) => site.account.app(app, signal))),
  );
  const redis = await attempt((signal) => lookAtAddon(site, choices, redisUrl, notes, signal));
  const pools = await Promise.all(
    site.pools().map((pool) => attempt((signal) => lookAtPool(pool, nowMs(), notes, signal))),
  );
  judgeScopes(site.operator.scopes(), notes);
  const open = (details ?? []).filter(({ maintenance }) => !maintenance);
  return {
    ...notes,
    found: {
      addon: redis?.addon ?? null,
      lastCompletedAt: redis?.lastCompletedAt ?? null,
      closedApps: choices.closesApp ? open.map(({ name }) => name) : [],
      pools: pools.filter((pool) => pool !== null),
    },
  };
}

async function lookAtAddon(
  site: Site,
  { verb, redis: wanted }: Pick<Choices, 'verb' | 'redis'>,
  redisUrl: string,
  { facts, problems }: Notes,
  signal: AbortSignal,
): Promise<Pick<Journal, 'addon' | 'lastCompletedAt'>> {
  if (wanted === null) return { addon: null, lastCompletedAt: null };
  const { operator } = site;
  const found = await operator.addon(site.pools()[0]?.app ?? '', wanted, signal);
  const { id, name, config_vars } = found;
  const app = found.app.name;
  const configVar = config_vars[0] ?? 'REDIS_URL';
  judgeScopes(operator.scopes(), { facts, problems });
  if ((await operator.configVar(app, configVar, signal)) !== redisUrl)
    problems.push(
      `REDIS_URL here is not what ${configVar} of ${app} says: it is out of date (heroku config:get ${configVar} -a ${app}), or the pools use another Redis (--pool names those that use this one).`,
    );
  const announced = await operator.dataMaintenance(id, signal);
  const { status, completed_at } = announced ?? { status: 'none', completed_at: null };
  facts.push(`${name} on ${app}: Heroku’s maintenance is ${status}`);
  if (verb === 'run' && idleStates.includes(status))
    problems.push(
      `Heroku has no maintenance waiting for ${name} (it says ${status}): for work of another kind there are \`maintenance begin\` and \`maintenance end\`.`,
    );
  return { addon: { id, name, app, configVar }, lastCompletedAt: completed_at };
}

async function lookAtPool(
  pool: PoolSite,
  nowMs: number,
  { facts }: Notes,
  signal: AbortSignal,
): Promise<Journal['pools'][number]> {
  const { name, app, processType } = pool;
  const workers = await pool.currentWorkers(0, signal);
  const [connected, { isJoined }, { pause }] = await Promise.all([
    pool.connected(signal),
    pool.board.read(signal),
    pool.overrides.read(name, signal),
  ]);
  const connections = `${String(connected.length)} connections of workers`;
  facts.push(`pool ${name}: ${processType}=${String(workers)} on ${app}, ${connections}`);
  if (!isJoined && workers > 0)
    facts.push(
      `pool ${name} has no companions: its workers cannot be asked to take no more jobs, so that it waits for a moment in which none runs`,
    );
  const isPaused = pause !== null && pause.untilMs > nowMs;
  const formerPause = isPaused ? { by: pause.by, untilMs: pause.untilMs } : null;
  return { pool: name, app, processType, workers: null, allowedWorkers: null, formerPause };
}

function judgeScopes(scopes: readonly string[] | null, { problems }: Notes): void {
  if (scopes === null) return;
  const has = (...wanted: string[]) => wanted.some((scope) => scopes.includes(scope));
  const mayWrite = has('global', 'write', 'write-protected');
  const mayReadVars = has('global', 'read-protected', 'write-protected');
  const problem = `The token has the scope ${scopes.join(', ')}. It must be able to scale, and to read config vars, where the new address of the Redis will be: make one with \`heroku authorizations:create -s write,read-protected\` and set HEROKU_API_KEY to it.`;
  if (!(mayWrite && mayReadVars) && !problems.includes(problem)) problems.push(problem);
}
