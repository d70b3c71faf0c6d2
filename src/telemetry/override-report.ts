import type { Overrides, Setting } from '../decision/overrides.ts';
import type { Policy } from '../decision/types.ts';
import { iso } from './iso.ts';

/** Who and until when, in ISO 8601, is null where what was stored cannot be understood. */
export type PauseReport = {
  readonly by: string | null;
  readonly at: string | null;
  readonly until: string | null;
  readonly why: string;
};

export type OverrideReport = {
  readonly setting: Setting;
  /** A count, or a duration as it was typed, such as `2m`. */
  readonly value: number | string;
  readonly by: string;
  /** When it was set and until when it holds, in ISO 8601. */
  readonly at: string;
  readonly until: string;
};

export function pauseReport(pause: Policy['pause']): PauseReport | null {
  if (pause === null) return null;
  return { by: pause.by, at: iso(pause.setAtMs), until: iso(pause.untilMs), why: pause.why };
}

export function overrideReports(settings: Overrides['settings']): readonly OverrideReport[] {
  return settings.map(({ setting, text, by, setAtMs, untilMs }) => ({
    setting,
    value: /^\d+$/.test(text) ? Number(text) : text,
    by,
    at: new Date(setAtMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  }));
}
