import { once as event, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { startClock, type Clock } from '../clock.ts';
import type { TickRecord } from '../tick-record.ts';
import type { AssembledPool } from './assemble.ts';
import { exitCodes, type ExitCode } from './command.ts';
import type { Recorder } from './recorder.ts';

/** Heroku kills after 30 s and people after less: a tick that has not ended by then is abandoned. */
const graceMs = 5_000;
/** One that does not end then either never will. */
const lastGraceMs = 1_000;

/** While a tail drains, marks must be renewed, idle dynos removed and returning demand seen sooner than a long interval. */
const drainingTickMs = 5_000;

export type Ticking = {
  /** A tick at once for one pool, because something happened that cannot wait for its time. */
  tickNow(pool: string): void;
  /** Resolves after the last tick: `failed` when a bug or a tick without end ended it, `fine` otherwise. */
  readonly ended: Promise<ExitCode>;
};

/** Runs every pool on its own clock until it is asked to end. */
export function startTicking(
  shutdown: AbortSignal,
  pools: readonly AssembledPool[],
  recorder: Pick<Recorder, 'recordTick' | 'publish' | 'keep'>,
  log: Logger,
): Ticking {
  const abandon = new AbortController();
  // One listener for each wait of each pool is no leak.
  setMaxListeners(0, abandon.signal);
  const failure = new AbortController();
  const underWay = new Set<Promise<void>>();
  const clocks = new Map(pools.map((pool) => [pool.name, startPoolClock(pool)]));
  return { tickNow: (pool) => clocks.get(pool)?.tickNow(), ended: end() };

  function startPoolClock(pool: AssembledPool): Clock {
    let isDraining = false;
    return startClock({
      name: pool.name,
      intervalMs: pool.intervalMs,
      logger: clockLogger(log, pool.name),
      async tick() {
        const work = tickAndTell(pool);
        const settled = work.then(
          () => undefined,
          () => undefined,
        );
        underWay.add(settled);
        void settled.then(() => underWay.delete(settled));
        const { outcome, decision } = await work;
        // A tick that failed has not ended the drain.
        isDraining = outcome === 'draining' || (isDraining && outcome === 'failed');
        if (isDraining) return drainingTickMs;
        // Trouble does not go away by asking more often.
        const againSeconds = outcome === 'failed' ? null : decision?.lookAgainAfterSeconds;
        return againSeconds == null ? null : againSeconds * 1000;
      },
      onBug(error) {
        log.fatal(
          { pool: pool.name, err: error },
          'a bug ended this tick; the process ends, so that it is noticed',
        );
        failure.abort();
      },
      onStall() {
        log.fatal(
          { pool: pool.name },
          `${pool.name}: a tick has not ended for three intervals; the process ends, so that the platform starts it anew`,
        );
        failure.abort();
      },
    });
  }

  async function tickAndTell(pool: AssembledPool): Promise<TickRecord> {
    const record = await pool.tick(abandon.signal);
    const report = recorder.recordTick(pool, record);
    await Promise.all([recorder.publish(pool, report), recorder.keep(pool, report)]);
    return record;
  }

  async function end(): Promise<ExitCode> {
    await Promise.race([aborted(shutdown), aborted(failure.signal)]);
    if (shutdown.aborted) log.info('asked to end: no further tick is started');
    await Promise.all([...clocks.values()].map((clock) => clock.stop()));
    const timer = setTimeout(() => {
      abandon.abort();
    }, graceMs);
    await Promise.race([Promise.all(underWay), sleep(graceMs + lastGraceMs)]);
    clearTimeout(timer);
    return failure.signal.aborted ? exitCodes.failed : exitCodes.fine;
  }
}

/** node-cron reports missed ticks and its own failures here, in the same form as everything else. */
function clockLogger(log: Logger, pool: string): Parameters<typeof startClock>[0]['logger'] {
  const child = log.child({ pool, part: 'clock' });
  return {
    info: (message) => {
      child.info(message);
    },
    warn: (message) => {
      child.warn(message);
    },
    error: (message) => {
      child.error(message);
    },
    debug: (message) => {
      child.debug(message);
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await event(signal, 'abort');
}
