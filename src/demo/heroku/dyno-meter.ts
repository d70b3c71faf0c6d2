import type { Dyno } from './dyno.ts';

export type DynoUsage = {
  /** By process type, from each request for a dyno until its last process ended. */
  readonly dynoSeconds: Readonly<Record<string, number>>;
  /** Dynos that had to be ended with SIGKILL. */
  readonly killedDynos: number;
};

export type DynoMeter = {
  /** Takes in a dyno that has ended. */
  settle(dyno: Dyno): void;
  /** Of all the dynos that were settled, and of these, which go on. */
  usage(living: readonly Dyno[]): DynoUsage;
};

/** Adds up what Heroku would bill. */
export function createDynoMeter(): DynoMeter {
  const settledSeconds: Record<string, number> = {};
  let killedDynos = 0;
  return {
    settle(dyno) {
      addSeconds(settledSeconds, dyno);
      if (dyno.wasKilled) killedDynos++;
    },
    usage(living) {
      const dynoSeconds = { ...settledSeconds };
      for (const dyno of living) addSeconds(dynoSeconds, dyno);
      return { dynoSeconds, killedDynos };
    },
  };
}

function addSeconds(sums: Record<string, number>, { plan, createdAtMs }: Dyno): void {
  sums[plan.type] = (sums[plan.type] ?? 0) + (Date.now() - createdAtMs) / 1000;
}
