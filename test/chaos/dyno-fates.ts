import type { HerokuEmulator } from '../../src/demo/heroku/emulator.ts';

/** Why a process had to end: its dyno was removed by a scale-down, or replaced by a deploy. */
export type Fate = 'scale-down' | 'deploy';

/** What the platform did, as its log tells. */
export type DynoFates = {
  take(line: string): void;
  of(pid: number): Fate | null;
  scaleUps(): number;
  scaleDowns(): number;
  /** Worker dynos that were told to end, whether they had a process or were about to. */
  ended(fate: Fate): number;
};

const stateChange = /^heroku\[(worker\.\d+)\]: State changed from (\w+) to (down|starting)$/;
const scaling = /^app\[api\]: Scaled to worker@(\d+):/;

export function createDynoFates(heroku: () => HerokuEmulator | undefined): DynoFates {
  const fates = new Map<number, Fate>();
  const ended = { 'scale-down': 0, deploy: 0 };
  const scaled = { up: 0, down: 0 };
  let quantity: number | null = null;

  function takeEnd(name: string, state: string, becoming: string): void {
    const fate = becoming === 'down' ? 'scale-down' : 'deploy';
    ended[fate] += 1;
    // The line comes before the change: the one that it is about is still in its old state, unlike any that shares its name.
    const dyno = heroku()
      ?.livingDynos()
      .find(({ plan, state: now }) => plan.name === name && now === state);
    if (typeof dyno?.pid === 'number') fates.set(dyno.pid, fate);
  }

  return {
    take(line) {
      const [, name, state, becoming] = stateChange.exec(line) ?? [];
      if (name && state && becoming && state !== 'crashed') takeEnd(name, state, becoming);
      const wanted = scaling.exec(line)?.[1];
      if (wanted === undefined) return;
      const before = quantity ?? Number(wanted);
      quantity = Number(wanted);
      if (quantity > before) scaled.up += 1;
      if (quantity < before) scaled.down += 1;
    },
    of: (pid) => fates.get(pid) ?? null,
    scaleUps: () => scaled.up,
    scaleDowns: () => scaled.down,
    ended: (fate) => ended[fate],
  };
}
