import { dispatch, handJobBack, joinLine, killJob } from './jobs.ts';
import { after, type Dyno, type Platform, type SimulatedWorker, type World } from './world.ts';

/** From the order until the platform begins to boot. */
const reactionSeconds = 1;
/** Booting is skewed: most dynos are quick, a few take nearly the maximum. With 20 s to 60 s the mean is 36 s. */
const bootSkew = 1.7;
/** A dyno that was told to end is killed after this. */
const killAfterSeconds = 30;
/** Before that, a companion hands back what still runs. */
const handBackAfterSeconds = 20;
/** A companion finds its mark with its next heartbeat. */
const markNoticedSeconds = 0.5;

/** From the order until a dyno is up, on average. */
export function bootMeanSeconds({ bootSecondsMin, bootSecondsMax }: Platform): number {
  return reactionSeconds + bootSecondsMin + (bootSecondsMax - bootSecondsMin) / (1 + bootSkew);
}

/** The dynos that run from the beginning. */
export function startFormation(world: World, workers: number): void {
  for (let ordinal = 1; ordinal <= workers; ordinal += 1) {
    const dyno = createDyno(world, ordinal);
    world.formation.push(dyno);
    comeUp(world, dyno);
  }
  world.counts.peakWorkers = workers;
}

/** What the platform does when it is asked for a number of dynos: it removes those with the highest numbers. */
export function scaleTo(world: World, workers: number): void {
  if (workers === world.formation.length) return;
  world.counts.actions += 1;
  while (world.formation.length < workers) boot(world);
  while (world.formation.length > workers) {
    const dyno = world.formation.pop();
    if (dyno !== undefined) end(world, dyno);
  }
  world.counts.peakWorkers = Math.max(world.counts.peakWorkers, workers);
}

/** Asks these dynos, and no others, to take no more jobs. Only companions hear it. */
export function mark(world: World, names: readonly string[]): void {
  if (world.protection !== 'drain') return;
  const marked = new Set(names);
  for (const dyno of world.formation) {
    const isMarked = dyno.drainsFromSeconds !== Infinity;
    if (marked.has(dyno.name) === isMarked) continue;
    if (isMarked) {
      dyno.drainsFromSeconds = Infinity;
      offerSlots(world, dyno);
    } else dyno.drainsFromSeconds = world.nowSeconds + markNoticedSeconds;
  }
}

/** Dynos that are paid for. */
export function paidDynos({ formation, closing }: World): number {
  return formation.length + closing.size;
}

/** A dyno that was told to end does so as soon as it runs nothing. */
export function endIfEmpty(world: World, dyno: Dyno): void {
  if (dyno.state !== 'closing' || dyno.runs.size > 0) return;
  dyno.state = 'gone';
  world.closing.delete(dyno);
}

function boot(world: World): void {
  const { bootSecondsMin, bootSecondsMax } = world.platform;
  const dyno = createDyno(world, world.formation.length + 1);
  world.formation.push(dyno);
  world.counts.starts += 1;
  const skewed = world.bootRandom() ** bootSkew;
  const bootSeconds = bootSecondsMin + (bootSecondsMax - bootSecondsMin) * skewed;
  after(world, reactionSeconds + bootSeconds, () => {
    if (dyno.state === 'booting') comeUp(world, dyno);
  });
}

function comeUp(world: World, dyno: Dyno): void {
  dyno.state = 'up';
  offerSlots(world, dyno);
}

function offerSlots(world: World, dyno: Dyno): void {
  for (const queue of world.queues) {
    joinLine(world, queue, dyno);
    dispatch(world, queue);
  }
}

function end(world: World, dyno: Dyno): void {
  // A process that is still booting has nothing to finish.
  dyno.state = dyno.state === 'up' ? 'closing' : 'gone';
  if (dyno.state === 'gone') return;
  world.closing.add(dyno);
  endIfEmpty(world, dyno);
  const isCompanion = world.protection === 'drain';
  after(world, isCompanion ? handBackAfterSeconds : killAfterSeconds, () => {
    for (const run of [...dyno.runs]) {
      if (isCompanion) handJobBack(world, run);
      else killJob(world, run);
    }
    endIfEmpty(world, dyno);
  });
}

function createDyno(world: World, ordinal: number): Dyno {
  const workers: SimulatedWorker[] = [];
  const dyno: Dyno = {
    name: `worker.${String(ordinal)}`,
    ordinal,
    startedAtSeconds: world.nowSeconds,
    state: 'booting',
    drainsFromSeconds: Infinity,
    runs: new Set(),
    workers,
  };
  const freeSlots = world.concurrency;
  workers.push(...world.queues.map(() => ({ dyno, freeSlots, isWaiting: false })));
  return dyno;
}
