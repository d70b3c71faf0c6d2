import type { Memory } from '../decision/types.ts';
import type { ListedWorker } from '../targets/target.ts';
import {
  isFresh,
  judge,
  processesOf,
  type RunningOn,
  type Verdict,
  type Whereabouts,
  type WorkerProcess,
} from './verdict.ts';

/** What stands in the way of a removal. */
export type Blocked = {
  readonly dyno: string;
  readonly verdict: Exclude<Verdict, 'idle'>;
  /** The jobs known to run there; none are known where workers have no names. */
  readonly jobs: readonly RunningOn[];
  /** Since when the dyno has been in the way of a removal; null where none is asked to drain, as without numbers. */
  readonly sinceMs: number | null;
};

export type Situation = {
  readonly processType: string;
  readonly currentWorkers: number;
  readonly desiredWorkers: number;
  readonly dynos: readonly ListedWorker[];
  readonly processes: readonly WorkerProcess[];
  readonly whereabouts: Whereabouts;
  /** Whether the pool has companions, so that a young dyno that has said nothing is one that is booting. */
  readonly isJoined: boolean;
  /** Remove only what is known to be idle; otherwise also what is not known to be busy. */
  readonly isStrict: boolean;
  readonly drains: Memory['drains'];
  /** Whether the platform was once seen to remove others than those with the highest numbers. */
  readonly isTailUnknown: boolean;
  readonly drainTimeoutMs: number;
  readonly nowMs: number;
};

export type Plan = {
  /** The number of workers to ask for now: between desired and current. */
  readonly workers: number;
  /** Dynos that go now. They are asked to drain, too, so that none takes a job in its last seconds. */
  readonly going: Memory['drains'];
  /** Dynos that stay for now, to ask, or keep asking, to drain. */
  readonly marked: readonly string[];
  /** Dynos that were asked to drain and need no longer. */
  readonly lifted: readonly string[];
  /** Those of them that go on because they are needed again. */
  readonly cancelled: readonly string[];
  readonly blocked: readonly Blocked[];
  /** Dynos that go, or may go, although nobody can tell whether they run a job. */
  readonly unknown: readonly string[];
  /** How long each dyno that goes now was asked to drain. */
  readonly freedAfterSeconds: readonly number[];
  /** To be remembered until the next plan. */
  readonly drains: Memory['drains'];
};

/**
 * Which workers can go now without interrupting a job, and which must drain first.
 *
 * The platform removes the highest numbers first, so the workers that can go are the idle ones above the highest one
 * that is not: with worker.2 busy and worker.3 to worker.10 idle, eight go.
 */
export function planRemoval(situation: Situation): Plan {
  const hasNumbers = situation.dynos.every(({ ordinal }) => ordinal !== null);
  return hasNumbers && !situation.isTailUnknown ? planTail(situation) : planWhole(situation);
}

function planTail(situation: Situation): Plan {
  const { processType, currentWorkers, desiredWorkers, drains, drainTimeoutMs, nowMs } = situation;
  const tail = range(desiredWorkers + 1, currentWorkers).map((ordinal) => {
    const dyno = nameOf(processType, ordinal);
    const sinceMs = drainingSinceMs(dyno, situation);
    return { ordinal, dyno, sinceMs, verdict: verdictOn(dyno, situation) };
  });
  const staying = tail.filter(({ verdict }) => !mayGo(verdict, situation));
  const workers = Math.max(desiredWorkers, ...staying.map(({ ordinal }) => ordinal));

  const asked = staying.filter(({ sinceMs }) => nowMs - sinceMs < drainTimeoutMs);
  // The idle ones below a busy one wait for it, drained as they are.
  const waiting = tail.filter(
    ({ ordinal, verdict }) => asked.length > 0 && ordinal < workers && mayGo(verdict, situation),
  );
  const marked = [...asked, ...waiting].map(({ dyno }) => dyno);
  const going = tail.filter(({ ordinal }) => ordinal > workers);
  const kept = new Set([...marked, ...going.map(({ dyno }) => dyno)]);
  return {
    workers,
    marked,
    going: going.map(({ dyno, sinceMs }) => ({ dyno, sinceMs, isAsked: true })),
    lifted: presentOf(drains, processType, currentWorkers)
      .map(({ dyno }) => dyno)
      .filter((dyno) => !kept.has(dyno)),
    cancelled: cancelledOf(drains, processType, desiredWorkers),
    blocked: staying.flatMap((worker) => blockedBy(worker, situation)),
    unknown: going.filter(({ verdict }) => verdict === 'unknown').map(({ dyno }) => dyno),
    freedAfterSeconds: going
      .filter(({ dyno }) => drains.some((drain) => drain.dyno === dyno))
      .map(({ sinceMs }) => (nowMs - sinceMs) / 1000),
    drains: [...staying, ...waiting].map(({ dyno, sinceMs }) => ({
      ...{ dyno, sinceMs, isAsked: marked.includes(dyno) },
    })),
  };
}

/**
 * Where nobody can tell which workers would go, each must be idle, or able to hand back what it runs, as a companion
 * is. None is asked to drain: that would stop the whole pool.
 */
function planWhole(situation: Situation): Plan {
  const { dynos, currentWorkers, desiredWorkers, drains } = situation;
  const atRisk = dynos
    .filter(({ name }) => !canHandBack(name, situation))
    .map(({ name }) => ({ dyno: name, sinceMs: null, verdict: verdictOn(name, situation) }));
  const staying = atRisk.filter(({ verdict }) => !mayGo(verdict, situation));
  return {
    workers: staying.length === 0 ? desiredWorkers : currentWorkers,
    going: [],
    marked: [],
    lifted: drains.map(({ dyno }) => dyno),
    cancelled: [],
    blocked: staying.flatMap((worker) => blockedBy(worker, situation)),
    unknown:
      staying.length === 0
        ? atRisk.filter(({ verdict }) => verdict === 'unknown').map(({ dyno }) => dyno)
        : [],
    freedAfterSeconds: [],
    drains: [],
  };
}

/**
 * Of the dynos that were asked to drain, those that go on because so many workers are needed. Neither those that were
 * given up before, nor those that somebody else removed.
 */
export function cancelledOf(
  drains: Memory['drains'],
  processType: string,
  neededWorkers: number,
): readonly string[] {
  const needed = presentOf(drains, processType, neededWorkers);
  return needed.filter(({ isAsked }) => isAsked).map(({ dyno }) => dyno);
}

/**
 * Without those that were removed: they keep their mark until it ends by itself, or they would take jobs in their last
 * seconds. New dynos that get their names do not heed it.
 */
function presentOf(
  drains: Memory['drains'],
  processType: string,
  workers: number,
): Memory['drains'] {
  const present = new Set(dynosUpTo(processType, workers));
  return drains.filter(({ dyno }) => present.has(dyno));
}

export function dynosUpTo(processType: string, workers: number): readonly string[] {
  return range(1, workers).map((ordinal) => nameOf(processType, ordinal));
}

/** Since when a dyno drains: asked for long enough it is left alone for as long again, and then asked anew. */
function drainingSinceMs(name: string, { drains, drainTimeoutMs, nowMs }: Situation): number {
  const sinceMs = drains.find(({ dyno }) => dyno === name)?.sinceMs ?? nowMs;
  return nowMs - sinceMs < 2 * drainTimeoutMs ? sinceMs : nowMs;
}

function canHandBack(name: string, { processes }: Situation): boolean {
  const own = processesOf(name, processes);
  return own.length > 0 && own.every(isFresh);
}

function verdictOn(name: string, { dynos, processes, isJoined, whereabouts }: Situation): Verdict {
  return judge(name, dynos, processes, isJoined, whereabouts);
}

function mayGo(verdict: Verdict, { isStrict }: Situation): boolean {
  return verdict === 'idle' || (verdict === 'unknown' && !isStrict);
}

function blockedBy(
  { dyno, verdict, sinceMs }: { dyno: string; verdict: Verdict; sinceMs: number | null },
  { whereabouts }: Situation,
): readonly Blocked[] {
  if (verdict === 'idle') return [];
  const jobs = whereabouts.jobs.filter(({ worker }) => worker === dyno);
  return [{ dyno, verdict, jobs, sinceMs }];
}

function nameOf(processType: string, ordinal: number): string {
  return `${processType}.${String(ordinal)}`;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
