import { withDeadline } from '../../deadline.ts';
import type { DrainBoard } from '../../drain/board.ts';
import { isFresh } from '../../drain/verdict.ts';
import { OperationalError } from '../../errors.ts';
import { waitUntil } from '../../patience.ts';
import type { Dyno } from '../../targets/heroku/shapes.ts';
import type { PoolView } from '../../maintenance/pool-view.ts';

/** What became of a dyno. */
export type Fate = {
  readonly dyno: string;
  /**
   * `restarted`: a new one runs under its name. `replaced`: somebody else had removed or restarted it. `left`: it still
   * does what it did. `down`: it was restarted, and the new one has not come up.
   */
  readonly outcome: 'restarted' | 'replaced' | 'left' | 'down';
  readonly why: string | null;
  /** From the request to drain until the new one was up, or it was given up. */
  readonly seconds: number;
};

export type RollingParts = {
  readonly view: PoolView;
  readonly board: DrainBoard;
  readonly restartDyno: (dyno: string, signal: AbortSignal) => Promise<void>;
  /** How many dynos may be on their way at a time. */
  readonly atOnce: number;
  /** Restart also those that have not drained in time, or cannot. */
  readonly isForced: boolean;
  readonly drainTimeoutMs: number;
  readonly shutdown: AbortSignal;
  readonly tell: (line: string) => void;
};

/** A mark that a daemon lifts, because it was its own too, is set again that soon. */
const lookMs = 1_000;
/** While a dyno drains, only a deploy or the daemon changes the list. */
const listAgeMs = 10_000;
const bootingListAgeMs = 2_000;
const bootMsMax = 5 * 60_000;
const liftMsMax = 3_000;

/**
 * Replaces the dynos of a pool, a few at a time, each when it has drained. Ends early when a new one does not come up,
 * because the next ones would not either. Beside a running daemon nothing is held up: dynos that it removes meanwhile
 * are gone, and dynos that it adds are new.
 * @throws {OperationalError} when no dyno is on its way any more
 */
export async function restartAll(parts: RollingParts): Promise<readonly Fate[]> {
  const waiting = [...(await parts.view.dynos(0, parts.shutdown))];
  const fates: Fate[] = [];
  let isStopped = false;

  async function lane(): Promise<void> {
    for (let dyno = waiting.shift(); dyno !== undefined; dyno = waiting.shift()) {
      if (isStopped || parts.shutdown.aborted) {
        const why = 'it was not its turn yet';
        fates.push({ dyno: dyno.name, outcome: 'left', why, seconds: 0 });
        continue;
      }
      const fate = await restartOne(parts, dyno);
      isStopped ||= fate.outcome === 'down';
      fates.push(fate);
      parts.tell(sentenceOf(fate));
    }
  }

  const lanes = Array.from({ length: Math.min(parts.atOnce, waiting.length) }, () =>
    lane().catch((error: unknown) => {
      isStopped = true;
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  return fates;
}

const outcomes: Readonly<Record<Fate['outcome'], string>> = {
  restarted: 'restarted',
  replaced: 'gone, or new already',
  left: 'left alone',
  down: 'restarted, and has not come up',
};

export function sentenceOf({ dyno, outcome, why, seconds }: Fate): string {
  const after = seconds > 0 ? ` after ${String(seconds)} s` : '';
  return `${dyno}: ${outcomes[outcome]}${after}${why === null ? '' : `: ${why}`}`;
}

async function restartOne(parts: RollingParts, dyno: Dyno): Promise<Fate> {
  const { view, board, shutdown, isForced } = parts;
  const startedMs = performance.now();
  const fate = (outcome: Fate['outcome'], why: string | null): Fate => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    return { dyno: dyno.name, outcome, why, seconds };
  };

  let isAsked = true;
  try {
    const { stuck, heardAtMs } = await drain(parts, dyno);
    if (shutdown.aborted) return fate('left', 'stopped');
    if (stuck !== null && !isForced)
      return fate('left', `${stuck} (--force restarts it all the same)`);
    if (!isListed(dyno, await view.dynos(0, shutdown))) return fate('replaced', null);
    // From here on its mark is not renewed, nor lifted: the old process heeds it to its end, the new one does not.
    isAsked = false;
    await parts.restartDyno(dyno.name, shutdown);
    const missing = await untilUp(parts, dyno, heardAtMs);
    const although = stuck === null ? null : `although it ${stuck}`;
    return missing === null ? fate('restarted', although) : fate('down', missing);
  } finally {
    if (isAsked) await lift(board, dyno.name);
  }
}

/** Asks a dyno to drain until it has, or is gone; what keeps it, and when its processes were last heard of. */
async function drain(
  { view, board, drainTimeoutMs, shutdown, tell }: RollingParts,
  dyno: Dyno,
): Promise<{ readonly stuck: string | null; readonly heardAtMs: number | null }> {
  const seen = { heardAtMs: null as number | null, unknowable: null as string | null };
  const stuck = await waitUntil(
    async (signal) => {
      const dynos = await view.dynos(listAgeMs, signal);
      if (!isListed(dyno, dynos)) return null;
      await board.mark([dyno.name], [], signal);
      const doing = (await view.doing(dynos, signal)).get(dyno.name);
      for (const { atMs } of doing?.processes ?? [])
        seen.heardAtMs = Math.max(atMs, seen.heardAtMs ?? 0);
      // Waiting does not make anybody tell.
      seen.unknowable = doing?.verdict === 'unknown' ? doing.phrase : null;
      return seen.unknowable === null && doing?.phrase ? doing.phrase : null;
    },
    {
      ...{ everyMs: lookMs, patienceMs: drainTimeoutMs, shutdown },
      onWaiting: (what) => {
        tell(`${dyno.name}: asked to drain, ${what}`);
      },
    },
  );
  return { stuck: seen.unknowable ?? stuck, heardAtMs: seen.heardAtMs };
}

/** Waits for the dyno that takes the place of another, and for its companion if the other had one. */
async function untilUp(
  { view, shutdown, tell }: RollingParts,
  dyno: Dyno,
  heardAtMs: number | null,
): Promise<string | null> {
  return waitUntil(
    async (signal) => {
      const dynos = await view.dynos(bootingListAgeMs, signal);
      const next = dynos.find(({ name }) => name === dyno.name);
      // The daemon has removed it meanwhile.
      if (next === undefined) return null;
      if (isListed(dyno, dynos)) return 'Heroku has not replaced it yet';
      if (next.state !== 'up') return `Heroku says that it is ${next.state}`;
      if (heardAtMs === null) return null;
      const processes = (await view.doing(dynos, signal)).get(dyno.name)?.processes ?? [];
      const isHeard = processes.some(
        (process) => isFresh(process) && process.startedAtMs > heardAtMs,
      );
      return isHeard ? null : 'its companion has not spoken yet';
    },
    {
      ...{ everyMs: lookMs, patienceMs: bootMsMax, shutdown },
      onWaiting: (what) => {
        tell(`${dyno.name}: restarts, ${what}`);
      },
    },
  );
}

/** Whether it is still this one: a dyno that took its place has the same name. */
function isListed(dyno: Dyno, dynos: readonly Dyno[]): boolean {
  return dynos.some(
    ({ name, id, created_at }) =>
      name === dyno.name && id === dyno.id && created_at === dyno.created_at,
  );
}

/** What cannot be lifted ends by itself. */
async function lift(board: DrainBoard, dyno: string): Promise<void> {
  try {
    await withDeadline(new AbortController().signal, liftMsMax, (signal) =>
      board.mark([], [dyno], signal),
    );
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
  }
}
