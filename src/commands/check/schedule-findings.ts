import type { PoolConfig } from '../../config/load.ts';
import { scheduledPolicy } from '../../decision/policy-in-force.ts';
import { boundariesAfter } from '../../decision/schedule.ts';
import type { Policy } from '../../decision/types.ts';
import { asChosen, counted } from '../../decision/words.ts';
import { shownAt } from '../../decision/zone.ts';
import { policyOf } from '../../config/policy.ts';
import { ok, type Remark } from './finding.ts';

const daysAhead = 8;
const changesMax = 4;

/** What the schedule says now, and what it changes next, so that a misread window is seen before its time. */
export function judgeSchedule(pool: PoolConfig, nowMs: number): readonly Remark[] {
  if (pool.SCHEDULE === null) return [];
  const policy = policyOf(pool, true);
  const now = scheduledPolicy(policy, nowMs);
  const changes: string[] = [];
  let before = described(now);
  for (const { atMs, timeZone } of boundariesAfter(policy.schedule, nowMs, daysAhead)) {
    const after = described(scheduledPolicy(policy, atMs));
    if (after !== before) changes.push(`from ${shownAt(atMs, timeZone)} ${timeZone} ${after}`);
    before = after;
  }
  const rest = changes.length === 0 ? '; nothing changes within a week' : '';
  return [
    ok(`Schedule: now ${described(now)}${rest}`),
    ...changes.slice(0, changesMax).map((change) => ok(`Schedule: ${change}`)),
  ];
}

function described({ minWorkers, maxWorkers, targetWaitSeconds, leading, window }: Policy): string {
  const least = minWorkers === maxWorkers ? '' : `${String(minWorkers)} to `;
  const target = leading === 'learned' ? `, target ${asChosen(targetWaitSeconds)}` : '';
  const why = window === null ? '' : ` (${window.text})`;
  return `${least}${counted(maxWorkers, 'worker')}${target}${why}`;
}
