import type { DrainBoard } from '../drain/board.ts';
import { judge, whereaboutsOf, type Verdict, type WorkerProcess } from '../drain/verdict.ts';
import type { QueueSource } from '../queues/queue-source.ts';
import type { HerokuAccount } from '../targets/heroku/account.ts';
import type { Dyno } from '../targets/heroku/shapes.ts';
import type { ListedWorker } from '../targets/target.ts';

/** What one dyno of a pool does. */
export type Doing = {
  readonly verdict: Verdict;
  /** Its processes that were heard of lately. */
  readonly processes: readonly WorkerProcess[];
  /** What it is in the way with, as in `runs 3 jobs`; empty when it is idle. */
  readonly phrase: string;
};

/** A pool as a person sees it who takes care of its dynos by hand. */
export type PoolView = {
  /** The dynos of the process type, lowest number first, as listed at most `maxAgeMs` ago. */
  dynos(maxAgeMs: number, signal: AbortSignal): Promise<readonly Dyno[]>;
  /** What each of these dynos does. */
  doing(dynos: readonly Dyno[], signal: AbortSignal): Promise<ReadonlyMap<string, Doing>>;
};

export function createPoolView(parts: {
  readonly account: HerokuAccount;
  readonly app: string;
  readonly processType: string;
  readonly board: DrainBoard;
  readonly queues: QueueSource;
  readonly nowMs: () => number;
}): PoolView {
  const { account, app, processType, board, queues, nowMs } = parts;
  let last: { readonly atMs: number; readonly dynos: readonly Dyno[] } | null = null;
  return {
    async dynos(maxAgeMs, signal) {
      const atMs = nowMs();
      if (last !== null && atMs - last.atMs < account.readingAgeMs(maxAgeMs)) return last.dynos;
      const all = await account.dynos(app, signal);
      const dynos = all
        .filter(({ type }) => type === processType)
        .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
      last = { atMs, dynos };
      return dynos;
    },
    async doing(dynos, signal) {
      const [{ processes, isJoined }, reading] = await Promise.all([
        board.read(signal),
        queues.read(signal),
      ]);
      const whereabouts = whereaboutsOf(reading);
      const listed = dynos.map((dyno) => listedWorker(dyno, nowMs()));
      return new Map(
        listed.map(({ name }) => {
          const verdict = judge(name, listed, processes, isJoined, whereabouts);
          const own = processes.filter(({ dyno }) => dyno === name);
          const named = whereabouts.jobs.filter(({ worker }) => worker === name).length;
          return [name, { verdict, processes: own, phrase: phraseFor(verdict, own, named) }];
        }),
      );
    },
  };
}

function listedWorker({ name, created_at }: Dyno, nowMs: number): ListedWorker {
  const createdAtMs = Date.parse(created_at);
  const ageSeconds = Number.isNaN(createdAtMs) ? 0 : Math.max(0, nowMs - createdAtMs) / 1000;
  return { name, ordinal: null, ageSeconds };
}

function phraseFor(verdict: Verdict, own: readonly WorkerProcess[], named: number): string {
  if (verdict === 'idle') return '';
  if (verdict === 'starting') return 'is starting';
  if (verdict === 'unknown') return 'may run jobs: nobody can tell';
  const told = own.reduce((sum, { activeJobs }) => sum + (activeJobs ?? 0), 0);
  const jobs = own.length > 0 ? told : named;
  if (jobs === 0) return 'may still take a job';
  return `runs ${String(jobs)} job${jobs === 1 ? '' : 's'}`;
}
