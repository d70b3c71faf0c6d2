import type { Surroundings } from '../command.ts';

/** What takes no longer needs no bar. */
const quietMs = 1_000;
const redrawMs = 100;
const barWidth = 30;

/** A bar on stderr for whoever watches. */
export function createProgress({
  complain,
  nowMs,
  showsProgress,
}: Pick<Surroundings, 'complain' | 'nowMs' | 'showsProgress'>) {
  let drawnAtMs = nowMs() + quietMs - redrawMs;
  let isShown = false;
  return {
    show(what: string, share: number): void {
      if (!showsProgress || nowMs() - drawnAtMs < redrawMs) return;
      drawnAtMs = nowMs();
      isShown = true;
      const filled = Math.round(share * barWidth);
      const bar = '█'.repeat(filled).padEnd(barWidth, '░');
      complain(`\r${bar} ${(100 * share).toFixed(0).padStart(3)} %  ${what}\u001b[K`);
    },
    clear(): void {
      if (isShown) complain('\r\u001b[K');
    },
  };
}
