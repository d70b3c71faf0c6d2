import { originOf, overridesInForce, pauseOf } from '../../decision/overrides.ts';
import { ok, warning, type Remark } from './finding.ts';
import type { ChangedPool } from './minimum-ahead.ts';

/** What operators changed, as nobody would look for it in the configuration. */
export function judgeOverrides(
  { pool, overrides }: ChangedPool,
  nowMs: number,
  isOnlyPool: boolean,
): readonly Remark[] {
  const inForce = overridesInForce(overrides, nowMs);
  const pause = pauseOf(inForce, nowMs);
  const [damaged = 'pause'] = inForce.damaged;
  const isPauseToEnd = inForce.pause !== null || damaged === 'pause';
  const command = isPauseToEnd ? 'resume' : `unset ${damaged}`;
  const ofPool = isOnlyPool ? '' : ` --pool ${pool.POOL}`;
  return [
    ...(pause === null
      ? []
      : [warning(`Nothing is changed: ${pause.why}`, `backlog-autoscaler ${command}${ofPool}`)]),
    ...inForce.settings.map((override) =>
      ok(`${override.setting}=${override.text}, ${originOf(override, nowMs)}`),
    ),
  ];
}
