import { everyday } from './everyday.ts';
import { pathological } from './pathological.ts';
import type { Scenario } from './scenario.ts';

/** Every scenario there is, by the name it is asked for on the command line. */
export const scenarios: readonly Scenario[] = [...everyday, ...pathological];
