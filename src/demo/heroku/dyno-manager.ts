import { startDyno, type Dyno, type DynoLog, type DynoRole, type Release } from './dyno.ts';
import { createDynoMeter, type DynoUsage } from './dyno-meter.ts';
import type { ProcessType } from './formation.ts';

export type DynoManagerOptions = {
  /** Where the processes run. */
  readonly directory: string;
  /** Least and most time between the request for a dyno and the start of its process. */
  readonly bootSeconds: readonly [number, number];
  readonly stopDelaySeconds: number;
  readonly killGraceSeconds: number;
  readonly log: (line: string) => void;
  /** What dynos are started with now. */
  readonly current: () => {
    readonly release: Release;
    readonly env: Readonly<Record<string, string>>;
  };
};

export type DynoManager = {
  /** What the API shows: a dyno that was told to stop is not among them. */
  list(): readonly Dyno[];
  /** Every dyno that may still have processes. */
  living(): readonly Dyno[];
  /** Starts and stops dynos until the process type has its quantity and size. The highest numbers go first. */
  fit(processType: ProcessType): void;
  /** Replaces dynos by new ones of the same name, which start while the old ones shut down; one-off dynos just end. */
  restart(dynos: readonly Dyno[]): void;
  runOnce(role: DynoRole, env: Readonly<Record<string, string>>): Dyno;
  usage(): DynoUsage;
  /** Ends every process at once. */
  discardAll(): void;
};

/** Keeps the dynos that were asked for, and accounts for them. */
export function createDynoManager(options: DynoManagerOptions): DynoManager {
  const shown = new Map<string, Dyno>();
  const living = new Set<Dyno>();
  const meter = createDynoMeter();

  function start(role: DynoRole, extraEnv = {}, crashesBefore = 0): Dyno {
    const { release, env } = options.current();
    const dyno = startDyno(
      { ...role, release, directory: options.directory, env: { ...env, ...extraEnv } },
      timesOf(options),
      logOf(role.name, options.log),
    );
    shown.set(role.name, dyno);
    living.add(dyno);
    void dyno.ended.then(() => {
      onEnded(dyno, crashesBefore);
    });
    return dyno;
  }

  function onEnded(dyno: Dyno, crashesBefore: number): void {
    living.delete(dyno);
    meter.settle(dyno);
    if (shown.get(dyno.plan.name) !== dyno) return;
    if (dyno.plan.isOneOff) shown.delete(dyno.plan.name);
    else reviveLater(dyno, crashesBefore);
  }

  function reviveLater(dyno: Dyno, crashesBefore: number): void {
    const ranWell = Date.now() - dyno.createdAtMs > maxCoolOffMs;
    const crashes = ranWell ? 0 : crashesBefore;
    const revive = () => {
      if (shown.get(dyno.plan.name) !== dyno) return;
      dyno.stop('starting');
      start(dyno.plan, {}, crashes + 1);
    };
    setTimeout(revive, coolOffMs(crashes)).unref();
  }

  function retire(dyno: Dyno): void {
    if (shown.get(dyno.plan.name) === dyno) shown.delete(dyno.plan.name);
    dyno.stop('down');
  }

  function replace(dyno: Dyno, role: DynoRole): void {
    logOf(role.name, options.log).platform('Restarting');
    dyno.stop('starting');
    start(role);
  }

  return {
    list: () => [...shown.values()],
    living: () => [...living],
    fit(processType) {
      const { excess, outdated, missing } = difference([...shown.values()], processType);
      for (const dyno of excess) retire(dyno);
      for (const dyno of outdated) replace(dyno, roleOf(processType, dyno.plan.name));
      for (const name of missing) start(roleOf(processType, name));
    },
    restart(dynos) {
      for (const dyno of dynos) {
        if (dyno.plan.isOneOff) retire(dyno);
        else replace(dyno, dyno.plan);
      }
    },
    runOnce: (role, env) => start(role, env),
    usage: () => meter.usage([...living]),
    discardAll() {
      shown.clear();
      for (const dyno of living) dyno.discard();
    },
  };
}

function difference(dynos: readonly Dyno[], { type, quantity, size }: ProcessType) {
  const present = dynos
    .filter(({ plan }) => plan.type === type && !plan.isOneOff)
    .sort((a, b) => numberOf(b) - numberOf(a));
  const wanted = Array.from({ length: quantity }, (_, index) => `${type}.${index + 1}`);
  const kept = present.filter((dyno) => numberOf(dyno) <= quantity);
  return {
    excess: present.filter((dyno) => !kept.includes(dyno)),
    outdated: kept.filter(({ plan }) => plan.sizeName !== size.name),
    missing: wanted.filter((name) => !kept.some(({ plan }) => plan.name === name)),
  };
}

function roleOf({ type, command, size }: ProcessType, name: string): DynoRole {
  return { name, type, command, sizeName: size.name, isOneOff: false };
}

const firstCoolOffMs = 10_000;
const maxCoolOffMs = 300_000;

/**
 * A dyno that crashes now and then starts again at once, one that crashes over and over waits ever longer. Heroku does
 * not publish its periods; these are short enough to be watched.
 * @see https://devcenter.heroku.com/changelog-items/344
 */
function coolOffMs(crashesBefore: number): number {
  if (crashesBefore === 0) return 0;
  return Math.min(firstCoolOffMs * 2 ** (crashesBefore - 1), maxCoolOffMs);
}

function timesOf({ bootSeconds, stopDelaySeconds, killGraceSeconds }: DynoManagerOptions) {
  const [least, most] = bootSeconds;
  return {
    bootMs: (least + Math.random() * (most - least)) * 1000,
    stopDelayMs: stopDelaySeconds * 1000,
    killGraceMs: killGraceSeconds * 1000,
  };
}

function logOf(name: string, log: (line: string) => void): DynoLog {
  return {
    platform: (line) => {
      log(`heroku[${name}]: ${line}`);
    },
    output: (line) => {
      log(`app[${name}]: ${line}`);
    },
  };
}

function numberOf({ plan }: Dyno): number {
  return Number(plan.name.slice(plan.name.lastIndexOf('.') + 1));
}
