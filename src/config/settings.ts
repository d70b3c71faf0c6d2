import type { Setting } from '../decision/overrides.ts';
import { variables, type PoolVariable } from './variables.ts';

/** The config var that each setting stands for, whose form its values have. */
export const settingVariables = {
  minWorkers: 'MIN_WORKERS',
  maxWorkers: 'MAX_WORKERS',
  eventsPerWorker: 'EVENTS_PER_WORKER',
  targetWait: 'TARGET_WAIT',
  scaleDownStabilization: 'SCALE_DOWN_STABILIZATION',
  scaleUpStep: 'SCALE_UP_STEP',
  scaleDownStep: 'SCALE_DOWN_STEP',
} as const satisfies Readonly<Record<Setting, PoolVariable>>;

/**
 * The value of a setting: a count, or milliseconds.
 * @throws {Misfit} when the text is not of the form that its config var has
 */
export function parseSetting(setting: Setting, text: string): number {
  return variables[settingVariables[setting]].kind.parse(text);
}
