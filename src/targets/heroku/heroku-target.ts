import { createPace } from './pacing.ts';
import type { Target } from '../target.ts';
import type { HerokuAccount } from './account.ts';
import { dollarsPerHour } from './prices.ts';
import type { Dyno, ProcessType } from './shapes.ts';

type Reading = { readonly askedAtMs: number; readonly formation: readonly ProcessType[] };
type Listing = { readonly askedAtMs: number; readonly dynos: readonly Dyno[] };

/** How old the quantities of the other process types may be when a limit is divided among them. */
const formationAgeMsMax = 2_000;

/** Scales one process type of one app. */
export function createHerokuTarget(parts: {
  readonly account: HerokuAccount;
  readonly app: string;
  readonly processType: string;
  readonly nowMs: () => number;
}): Target {
  const { account, app, processType, nowMs } = parts;
  let lastReading: Reading | null = null;
  const pace = createPace(nowMs, (ageMs) => account.readingAgeMs(ageMs));
  let lastListing: Listing | null = null;
  let size: string | null = null;

  function isYoung({ askedAtMs }: Reading | Listing, maxAgeMs: number): boolean {
    const ageMs = nowMs() - askedAtMs;
    // A negative age means that the clock was set back.
    return ageMs >= 0 && ageMs < account.readingAgeMs(maxAgeMs);
  }

  async function read(maxAgeMs: number, signal: AbortSignal): Promise<readonly ProcessType[]> {
    if (lastReading && isYoung(lastReading, maxAgeMs)) return lastReading.formation;
    const askedAtMs = nowMs();
    // Should this one fail, none that is older will do for it, however calls are spared.
    lastReading = null;
    const formation = await pace('read', () => account.formation(app, signal));
    lastReading = { askedAtMs, formation };
    return formation;
  }

  return {
    async currentWorkers(maxAgeMs, signal) {
      const formation = await read(maxAgeMs, signal);
      // A type that was never deployed, or has no dynos, may be missing from the list.
      const own = formation.find(({ type }) => type === processType);
      size = own?.size ?? size;
      return own?.quantity ?? 0;
    },

    workerDollarsPerHour: () => dollarsPerHour(size),

    async listWorkers(maxAgeMs, signal) {
      if (!lastListing || !isYoung(lastListing, maxAgeMs)) {
        const askedAtMs = nowMs();
        lastListing = null;
        lastListing = { askedAtMs, dynos: await pace('read', () => account.dynos(app, signal)) };
      }
      return lastListing.dynos
        .filter(({ type }) => type === processType)
        .map(({ name, created_at }) => ({
          name,
          ordinal: ordinalOf(name),
          ageSeconds: ageSecondsAt(nowMs(), created_at),
        }));
    },

    async scaleTo(workers, signal) {
      if (!Number.isInteger(workers) || workers < 0)
        throw new RangeError(`${String(workers)} is not a number of workers`);
      const askedAtMs = nowMs();
      const before = lastReading;
      // Until the reply is here nobody knows what holds: a request that fails may still have been obeyed.
      lastReading = null;
      lastListing = null;
      const reply = await pace('change', () => account.scale(app, processType, workers, signal));
      if (reply.kind === 'scaled') {
        const replied = new Set(reply.formation.map(({ type }) => type));
        const others = before?.formation.filter(({ type }) => !replied.has(type)) ?? [];
        lastReading = { askedAtMs, formation: [...reply.formation, ...others] };
        return { kind: 'scaled', workers };
      }
      lastReading = before;
      const { limit, why, error } = reply;
      if (limit < workers) return { kind: 'limited', limitWorkers: limit, why };
      // Only as a sum over several types can a limit be exceeded that is no lower than what was asked of this one.
      const formation = await read(formationAgeMsMax, signal);
      const limitWorkers = Math.max(0, limit - otherDynos(formation, processType, reply.counts));
      if (limitWorkers >= workers) throw error;
      return { kind: 'limited', limitWorkers, why };
    },
  };
}

/** How many dynos of the other process types a limit counts. */
function otherDynos(
  formation: readonly ProcessType[],
  processType: string,
  counts: 'same-size' | 'all-sizes',
): number {
  const ownSize = formation.find(({ type }) => type === processType)?.size ?? null;
  return formation
    .filter(({ type }) => type !== processType)
    .filter(({ size }) => counts === 'all-sizes' || isSameSize(size, ownSize))
    .reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Heroku writes sizes as `Standard-1X` or `standard-1x`; one that is unknown may be the same. */
function isSameSize(one: string | null, other: string | null): boolean {
  return one === null || other === null || one.toLowerCase() === other.toLowerCase();
}

/** 3 for `worker.3`; null for names of the Fir generation, such as `worker-23z34x56y-w78k9`. */
function ordinalOf(name: string): number | null {
  const digits = /\.(\d+)$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** A dyno of unknown age counts as new, which is the cautious side. */
function ageSecondsAt(nowMs: number, createdAt: string): number {
  const createdAtMs = Date.parse(createdAt);
  return Number.isNaN(createdAtMs) ? 0 : Math.max(0, nowMs - createdAtMs) / 1000;
}
