import { spokenSeconds } from '../../html/words.ts';
import { cutSeconds } from '../../simulator/engine.ts';
import type { Trace } from '../../simulator/trace.ts';

/** The wait of a share of the jobs; some never had one. */
export function spokenWait(seconds: number | null, trace: Trace): string {
  if (seconds === null) return '–';
  return seconds >= cutSeconds(trace) ? 'never' : spokenSeconds(seconds);
}

export function percent(share: number): string {
  const value = 100 * share;
  if (value > 0 && value < 0.01) return '<0.01 %';
  return `${value.toFixed(value === 0 || value >= 10 ? 0 : value >= 1 ? 1 : 2)} %`;
}
