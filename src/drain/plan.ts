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
  /** Since when the dyno has been asked to drain. */
  readonly sinceMs: number;
};

export type Situation = {
  readonly processType: string;
  readonly currentWorkers: number;
  readonly desiredWorkers: number;
  readonly dynos: readonly ListedWorker[];
  readonly processes: readonly WorkerProcess[];
  readonly whereabouts: Whereabouts;
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
  /** Dynos to ask, or keep asking, to drain. */
  readonly marked: readonly string[];
  /** Dynos that were asked to drain and need no longer. */
  readonly lifted: readonly string[];
  readonly blocked: readonly Blocked[];
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
  const { currentWorkers, desiredWorkers, nowMs, drainTimeoutMs } = situation;
  const tail = range(desiredWorkers + 1, currentWorkers).map((ordinal) => {
    const name = `${situation.processType}.${String(ordinal)}`;
    return { ordinal, name, verdict: verdictOn(name, situation) };
  });
  const staying = tail.filter(({ verdict }) => !mayGo(verdict, situation));
  const workers = Math.max(desiredWorkers, ...staying.map(({ ordinal }) => ordinal));

  const sinceMsOf = (name: string) =>
    situation.drains.find(({ dyno }) => dyno === name)?.sinceMs ?? nowMs;
  const waited = staying.map(({ name, verdict }) => ({ name, verdict, sinceMs: sinceMsOf(name) }));
  // Asked for long enough, a dyno is left alone for as long again, and then asked anew.
  const remembered = waited.filter(({ sinceMs }) => nowMs - sinceMs < 2 * drainTimeoutMs);
  const asked = waited
    .filter(({ sinceMs }) => nowMs - sinceMs < drainTimeoutMs)
    .map(({ name }) => name);
  // The idle ones below a busy one wait for it, drained as they are.
  const waiting = tail
    .filter(
      ({ ordinal, verdict }) => asked.length > 0 && ordinal < workers && mayGo(verdict, situation),
    )
    .map(({ name }) => name);
  const marked = [...asked, ...waiting];
  // Those that go now keep their mark until it ends by itself: lifted, they would take jobs in their last second.
  const going = tail.filter(({ ordinal }) => ordinal > workers).map(({ name }) => name);
  const kept = new Set([...marked, ...going]);
  return {
    workers,
    marked,
    lifted: situation.drains.map(({ dyno }) => dyno).filter((dyno) => !kept.has(dyno)),
    blocked: waited.flatMap(({ name, verdict, sinceMs }) =>
      blockedBy(name, verdict, sinceMs, situation),
    ),
    freedAfterSeconds: situation.drains
      .filter(({ dyno }) => going.includes(dyno))
      .map(({ sinceMs }) => (nowMs - sinceMs) / 1000),
    drains: [
      ...remembered.map(({ name, sinceMs }) => ({ dyno: name, sinceMs })),
      ...waiting.map((dyno) => ({ dyno, sinceMs: sinceMsOf(dyno) })),
    ],
  };
}

/**
 * Where nobody can tell which workers would go, all must be idle, or all able to hand back what they run: a companion
 * in every dyno does that.
 */
function planWhole(situation: Situation): Plan {
  const { dynos, processes, currentWorkers, desiredWorkers, drains, nowMs } = situation;
  const names = dynos.map(({ name }) => name);
  const canAllHandBack = names.every((name) => {
    const own = processesOf(name, processes);
    return own.length > 0 && own.every(isFresh);
  });
  const staying = names
    .map((name) => ({ name, verdict: verdictOn(name, situation) }))
    .filter(({ verdict }) => !mayGo(verdict, situation));
  const maySome = canAllHandBack || staying.length === 0;
  return {
    workers: maySome ? desiredWorkers : currentWorkers,
    marked: [],
    lifted: drains.map(({ dyno }) => dyno),
    blocked: maySome
      ? []
      : staying.flatMap(({ name, verdict }) => blockedBy(name, verdict, nowMs, situation)),
    freedAfterSeconds: [],
    drains: [],
  };
}

function verdictOn(name: string, { dynos, processes, whereabouts }: Situation): Verdict {
  return judge(name, dynos, processes, whereabouts);
}

function mayGo(verdict: Verdict, { isStrict }: Situation): boolean {
  return verdict === 'idle' || (verdict === 'unknown' && !isStrict);
}

function blockedBy(
  dyno: string,
  verdict: Verdict,
  sinceMs: number,
  { whereabouts }: Situation,
): readonly Blocked[] {
  if (verdict === 'idle') return [];
  return [
    { dyno, verdict, sinceMs, jobs: whereabouts.jobs.filter(({ worker }) => worker === dyno) },
  ];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
