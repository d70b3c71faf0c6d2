import { setTimeout as sleep } from 'node:timers/promises';
import {
  hasEnded,
  jobsFor,
  keyOfQueue,
  quantitiesAsked,
  startStage,
  workersAfter,
  workersBefore,
  type Stage,
  type StageOptions,
} from './stage.ts';
import { Redis } from 'ioredis';

/** Something that goes wrong outside the daemon, and how it gets right again. */
export type Fault = {
  readonly name: string;
  /** What is done to the world, for the table. */
  readonly done: string;
  readonly stage?: StageOptions;
  /** Whether the daemon starts when the fault is there already. */
  readonly isThereAtStart?: true;
  readonly strike: (stage: Stage) => unknown;
  /** The code under which the daemon must report it; null when it must get over it without a failed tick. */
  readonly code: string | null;
  /** Words that its message must have, so that a person sees what it was. */
  readonly says?: RegExp;
  /** How long it lasts at least, in milliseconds. */
  readonly lastsMs?: number;
  /** Ends the fault; resolves to where the queue is now, if elsewhere. */
  readonly heal: (stage: Stage) => Promise<Redis | undefined> | undefined;
  /** Whether the fault is Heroku's, so that more workers are wanted in the midst of it. */
  readonly isOfHeroku?: true;
  readonly prefix?: string;
  /** What else must hold in the end; throws. */
  readonly verify?: (stage: Stage) => unknown;
};

/** What became of it: a row of the table. */
export type Outcome = {
  readonly name: string;
  readonly done: string;
  readonly codes: readonly string[];
  readonly recoveredSeconds: number;
  readonly shrunk: boolean;
  readonly killed: boolean;
  readonly lostJobs: number;
};

/** Strikes a running daemon, waits until it says so, heals, and waits until it has done what is wanted by then. */
export async function suffer(fault: Fault): Promise<Outcome> {
  const stage = await startStage(fault.stage ?? {});
  try {
    if (fault.isThereAtStart !== true) await stage.daemon.until(isGood);
    const struckDaemon = stage.daemon;
    const from = struckDaemon.log.length;
    await fault.strike(stage);
    if (fault.isOfHeroku === true) await stage.addDemand();
    const struckAtMs = performance.now();
    if (fault.code !== null) {
      const { says = /./ } = fault;
      await until(stage, from, ({ code, msg }) => code === fault.code && says.test(String(msg)));
    }
    await sleep(Math.max(0, (fault.lastsMs ?? 0) - (performance.now() - struckAtMs)));
    if (fault.isOfHeroku !== true && fault.code === null) await stage.addDemand();

    const healedAtMs = performance.now();
    const elsewhere = await fault.heal(stage);
    if (fault.isOfHeroku !== true && fault.code !== null)
      await stage.addDemand(elsewhere, fault.prefix);
    while (stage.heroku.formation['worker']?.quantity !== workersAfter) await sleep(20);
    await stage.next(isGood);
    const recoveredSeconds = (performance.now() - healedAtMs) / 1000;
    await fault.verify?.(stage);

    const successor = stage.daemon === struckDaemon ? [] : stage.daemon.log;
    const struck = [...struckDaemon.log.slice(from), ...successor];
    const codes = [
      ...new Set(struck.flatMap(({ code }) => (typeof code === 'string' ? [code] : []))),
    ];
    const left = await (elsewhere ?? stage.admin).llen(keyOfQueue(fault.prefix ?? 'bull'));
    return {
      name: fault.name,
      done: fault.done,
      codes,
      recoveredSeconds,
      shrunk: quantitiesAsked(stage).some((quantity) => quantity < workersBefore),
      killed: await hasEnded(stage.daemon),
      lostJobs: jobsFor(workersAfter) - left,
    };
  } finally {
    await stage.end();
  }
}

/** A tick that read everything and did what was to be done. */
function isGood({ outcome, code }: Record<string, unknown>): boolean {
  return (outcome === 'held' || outcome === 'scaled') && code === undefined;
}

async function until(
  { daemon }: Stage,
  from: number,
  matches: (line: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for (;;) {
    const found = daemon.log.slice(from).find(matches);
    if (found) return found;
    if (await hasEnded(daemon)) throw new Error('the daemon ended');
    await sleep(20);
  }
}
