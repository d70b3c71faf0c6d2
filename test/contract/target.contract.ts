import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../../src/targets/target.ts';

export type PlatformTrouble =
  'is down' | 'hangs' | 'limits the rate' | 'refuses' | 'talks nonsense';

/** A target together with the platform it scales, as somebody else sees and changes it. */
export type TargetStage = {
  readonly target: Target;
  workers(): number;
  setWorkers(workers: number): void;
  /** How often the platform was asked anything. */
  calls(): number;
  /** From now on no more than this many workers are allowed. */
  limitWorkers(workers: number): void;
  /** From now on every call meets this trouble. */
  trouble(trouble: PlatformTrouble): void;
  stop(): Promise<void>;
};

const codes = {
  'is down': 'TARGET_UNAVAILABLE',
  hangs: 'TARGET_UNAVAILABLE',
  'limits the rate': 'TARGET_RATE_LIMITED',
  refuses: 'TARGET_REJECTED',
  'talks nonsense': 'TARGET_UNREADABLE',
} as const;
const troubles = Object.entries(codes) as [PlatformTrouble, string][];

/** What the loop relies on, whatever the platform. Each stage begins with 2 workers. */
export function describeTarget(name: string, start: () => Promise<TargetStage>): void {
  describe(`${name} as a target`, () => {
    let stage: TargetStage;
    beforeEach(async () => (stage = await start()));
    afterEach(() => stage.stop());
    const soon = () => AbortSignal.timeout(20_000);

    it('reads the workers that are asked of the platform', async () => {
      expect(await stage.target.currentWorkers(0, soon())).toBe(2);
    });

    it('asks again once a reading is too old, and not before', async () => {
      await stage.target.currentWorkers(0, soon());
      stage.setWorkers(5);
      expect(await stage.target.currentWorkers(600_000, soon())).toBe(2);
      expect(stage.calls()).toBe(1);
      expect(await stage.target.currentWorkers(0, soon())).toBe(5);
    });

    it('scales up and down to absolute numbers, to none as well', async () => {
      for (const workers of [4, 1, 0, 3]) {
        const result = await stage.target.scaleTo(workers, soon());
        expect(result).toEqual({ kind: 'scaled', workers });
        expect(stage.workers()).toBe(workers);
      }
    });

    it('changes nothing when the same number is asked for again', async () => {
      await stage.target.scaleTo(4, soon());
      expect(await stage.target.scaleTo(4, soon())).toEqual({ kind: 'scaled', workers: 4 });
      expect(stage.workers()).toBe(4);
    });

    it('knows the number it has just set without asking', async () => {
      await stage.target.currentWorkers(0, soon());
      await stage.target.scaleTo(7, soon());
      const calls = stage.calls();
      expect(await stage.target.currentWorkers(600_000, soon())).toBe(7);
      expect(stage.calls()).toBe(calls);
    });

    it('reports a limit of the platform, which then can be reached', async () => {
      stage.limitWorkers(3);
      const result = await stage.target.scaleTo(9, soon());
      expect(result).toMatchObject({ kind: 'limited', limitWorkers: 3 });
      expect(stage.workers()).toBe(2);
      expect(await stage.target.scaleTo(3, soon())).toEqual({ kind: 'scaled', workers: 3 });
    });

    it.each([-1, 1.5, NaN])('takes %s workers for the bug it is', async (workers) => {
      await expect(stage.target.scaleTo(workers, soon())).rejects.toThrow(RangeError);
      expect(stage.calls()).toBe(0);
    });

    it.each(troubles)(
      'says so when the platform %s, reading and scaling',
      async (trouble, code) => {
        stage.trouble(trouble);
        const deadline = () => (trouble === 'hangs' ? AbortSignal.timeout(300) : soon());
        await expect(stage.target.currentWorkers(0, deadline())).rejects.toMatchObject({ code });
        await expect(stage.target.scaleTo(4, deadline())).rejects.toMatchObject({ code });
        expect(stage.workers()).toBe(2);
      },
    );

    it('does not trust its last reading after a change that may or may not have happened', async () => {
      await stage.target.currentWorkers(0, soon());
      stage.trouble('is down');
      await expect(stage.target.scaleTo(4, soon())).rejects.toThrow();
      await expect(stage.target.currentWorkers(600_000, soon())).rejects.toMatchObject({
        code: 'TARGET_UNAVAILABLE',
      });
    });

    it('asks nothing once its time is over', async () => {
      await expect(stage.target.currentWorkers(0, AbortSignal.abort())).rejects.toMatchObject({
        code: 'TARGET_UNAVAILABLE',
      });
      await expect(stage.target.scaleTo(4, AbortSignal.abort())).rejects.toMatchObject({
        code: 'TARGET_UNAVAILABLE',
      });
      expect(stage.calls()).toBe(0);
    });
  });
}
