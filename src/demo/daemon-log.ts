import { z } from 'zod';

/** A decision as the daemon logs it. */
export type LoggedTick = {
  readonly atMs: number;
  readonly isScaled: boolean;
  /** `3 → 8 workers: 342 ready jobs ÷ 20 jobs per worker → 18; at most 8 (MAX_WORKERS)` */
  readonly sentence: string;
};

/** What the demo learns of the daemon from the lines of `heroku logs`. */
export type DaemonLog = {
  take(line: string): void;
  lastTick(): LoggedTick | null;
  /** The latest ticks that changed the number of workers, oldest first. */
  changes(): readonly LoggedTick[];
  hasCrashed(): boolean;
  /** The latest lines, for when something went wrong. */
  tail(): readonly string[];
};

const dyno = 'clock.1';
const changesKept = 4;
const linesKept = 20;

const tickLine = z.object({ time: z.string(), outcome: z.string(), msg: z.string() });

export function createDaemonLog(): DaemonLog {
  const lines: string[] = [];
  const changes: LoggedTick[] = [];
  let lastTick: LoggedTick | null = null;
  let hasCrashed = false;

  return {
    take(line) {
      keep(lines, line, linesKept);
      if (line.startsWith(`heroku[${dyno}]:`) && line.endsWith('to crashed')) hasCrashed = true;
      const tick = parseTick(line);
      if (tick === null) return;
      lastTick = tick;
      if (tick.isScaled) keep(changes, tick, changesKept);
    },
    lastTick: () => lastTick,
    changes: () => changes,
    hasCrashed: () => hasCrashed,
    tail: () => lines,
  };
}

function keep<T>(items: T[], item: T, most: number): void {
  items.push(item);
  if (items.length > most) items.shift();
}

function parseTick(line: string): LoggedTick | null {
  const prefix = `app[${dyno}]: `;
  if (!line.startsWith(`${prefix}{`)) return null;
  const parsed = tickLine.safeParse(JSON.parse(line.slice(prefix.length)));
  if (!parsed.success) return null;
  const { time, outcome, msg } = parsed.data;
  // There is but one pool, and the number says by itself whether it was changed.
  const sentence = msg.replace(/^\w+: /, '').replace(/ \((scaled|held)\)/, '');
  return { atMs: Date.parse(time), isScaled: outcome === 'scaled', sentence };
}
