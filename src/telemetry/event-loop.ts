import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 20;
const lookMs = 10_000;
/** So many looks are one minute, longer than any sensible scrape interval. */
const looksKept = 6;

/**
 * Reports every ten seconds by how many seconds the event loop was late at most within the last minute: while it is
 * late, ticks, renewals of leases and answers to health checks are. Returns what ends it.
 */
export function watchEventLoop(report: (lagSeconds: number) => void): () => void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let worst: readonly number[] = [];
  const timer = setInterval(() => {
    worst = [...worst.slice(1 - looksKept), Math.max(0, delays.max / 1e6 - resolutionMs)];
    delays.reset();
    report(Math.max(...worst) / 1000);
  }, lookMs).unref();
  return () => {
    clearInterval(timer);
    delays.disable();
  };
}
