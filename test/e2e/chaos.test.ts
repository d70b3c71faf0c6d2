import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { playHalf } from '../chaos/half.ts';
import { planChaos } from '../chaos/plan.ts';
import { summarize, violations } from '../chaos/summary.ts';

/** `npm run chaos` plays the same for longer, and with other seeds. */
const { CHAOS_SEED = '3', CHAOS_MINUTES = '0.4', CHAOS_SUMMARY: summaryFile } = process.env;
const seed = Number(CHAOS_SEED);
const durationMs = Number(CHAOS_MINUTES) * 60_000;

test(
  'no scale-down interrupts a job, however demand, deploys and deaths of the daemon fall, and without protection it does',
  // A job that was interrupted once is one too many: this has no second try.
  { timeout: 3 * durationMs + 150_000, retry: 0 },
  async () => {
    const incidents = planChaos(seed, durationMs);
    const halves = [playHalf(incidents, 'auto'), playHalf(incidents, 'off')] as const;
    const [protectedHalf, unprotectedHalf] = (await Promise.all(halves)).map(summarize);
    const summary = {
      ...{ seed, minutes: durationMs / 60_000 },
      ...{ protected: protectedHalf, unprotected: unprotectedHalf },
    };
    if (summaryFile !== undefined) writeFileSync(summaryFile, JSON.stringify(summary));

    expect(protectedHalf && violations(protectedHalf)).toEqual({});
    expect(protectedHalf).toMatchObject({ jobsCompleted: unprotectedHalf?.jobsAdded });
    for (const what of ['scaleUps', 'scaleDowns', 'dynosRestarted', 'daemonKills'] as const)
      expect(protectedHalf?.[what], what).toBeGreaterThan(0);
    expect(protectedHalf?.handedBackCounted).toBe(protectedHalf?.handedBackByDeploy);
    expect(await interruptedUnprotected(unprotectedHalf?.interruptedByScaleDown)).toBeGreaterThan(
      0,
    );
  },
);

/** On a machine with much else to do, scale-downs may all fall between jobs by chance, but hardly three times. */
async function interruptedUnprotected(first = 0): Promise<number> {
  let interrupted = first;
  for (let again = 1; interrupted === 0 && again < 3; again += 1) {
    const half = await playHalf(planChaos(seed + again, durationMs), 'off');
    interrupted = summarize(half).interruptedByScaleDown;
  }
  return interrupted;
}
