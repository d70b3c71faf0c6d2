import { timeOfDay } from './words.ts';

/**
 * What of a policy may be changed while the daemon runs, under the names that it has in a pools file; in the order in which
 * it takes effect.
 */
export const settings = [
  'minWorkers',
  'maxWorkers',
  'eventsPerWorker',
  'targetWait',
  'scaleDownStabilization',
  'scaleUpStep',
  'scaleDownStep',
] as const;
export type Setting = (typeof settings)[number];

type Act = {
  /** Who did it: a person, a dyno or a command. */
  readonly by: string;
  readonly setAtMs: number;
  readonly untilMs: number;
};

/** Nothing that was set lasts longer, in milliseconds: what is forgotten should not govern a pool for ever. */
export const lastsMsMax = 30 * 24 * 60 * 60_000;

/** A value that somebody set in place of the configured one, for a while. */
export type Override = Act & {
  readonly setting: Setting;
  /** As it was typed: `5` or `2m`. */
  readonly text: string;
  /** A count, or milliseconds. */
  readonly value: number;
};

/** What operators changed about a pool without restarting anything. */
export type Overrides = {
  readonly pause: Act | null;
  readonly settings: readonly Override[];
  /** What is stored and cannot be understood: `pause`, or names of settings. */
  readonly damaged: readonly ('pause' | Setting)[];
  /** What is stored under names that only a newer version knows. */
  readonly unknown: readonly string[];
};

export const noOverrides: Overrides = { pause: null, settings: [], damaged: [], unknown: [] };

/** Why nothing is changed at the moment. Nobody can tell who it was, and until when, where that was damaged. */
export type Pause = {
  readonly by: string | null;
  readonly setAtMs: number | null;
  readonly untilMs: number | null;
  readonly why: string;
};

/** Without what has come to its end. */
export function overridesInForce(overrides: Overrides, nowMs: number): Overrides {
  const { pause, settings } = overrides;
  return {
    ...overrides,
    pause: pause !== null && pause.untilMs > nowMs ? pause : null,
    settings: settings.filter(({ untilMs }) => untilMs > nowMs),
  };
}

/** Why nothing is changed now; null when nobody said so. */
export function pauseOf({ pause, damaged }: Overrides, nowMs: number): Pause | null {
  if (pause !== null)
    return { ...pause, why: `paused by ${pause.by} until ${until(pause.untilMs, nowMs)}` };
  const [first] = damaged;
  if (first === undefined) return null;
  // Somebody wanted something, and nobody can tell what: going on as if nothing had been said might remove workers.
  const mend = first === 'pause' ? 'resume' : `unset ${first}`;
  const why = `what was set for ${first} cannot be understood, so nothing is changed until \`backlog-autoscaler ${mend}\``;
  return { by: null, setAtMs: null, untilMs: null, why };
}

/** `set by anna@mac until 16:00 UTC` */
export function originOf({ by, untilMs }: Pick<Act, 'by' | 'untilMs'>, nowMs: number): string {
  return `set by ${by} until ${until(untilMs, nowMs)}`;
}

const dayMs = 24 * 60 * 60_000;

/** A time to come, with its date where the time of day alone would leave that open. */
export function until(atMs: number, nowMs: number): string {
  return timeOfDay(atMs, atMs - nowMs >= dayMs);
}
