import { z } from 'zod';
import { Misfit } from '../config/kinds.ts';
import { parseSetting } from '../config/settings.ts';
import {
  lastsMsMax,
  settings,
  type Override,
  type Overrides,
  type Setting,
} from '../decision/overrides.ts';
import type { RedisConnection } from '../redis.ts';
import { momentMs } from './moment.ts';
import { executeAll, storedValue } from './stored.ts';

/** What somebody does until a time, as it is written down. */
type Act = { readonly by: string; readonly forMs: number };

/** Keeps what operators change about pools while the daemon runs, which reads it at every tick. */
export type OverrideStore = {
  /**
   * What is stored, also what has come to its end since. What cannot be understood of it is named.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  read(pool: string, signal: AbortSignal): Promise<Overrides>;
  /**
   * Nothing of the pool is changed for so long, in place of an earlier pause.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  pause(pool: string, act: Act, signal: AbortSignal): Promise<void>;
  /** @throws {OperationalError} `STATE_UNAVAILABLE` */
  resume(pool: string, signal: AbortSignal): Promise<void>;
  /**
   * The texts must be of the form that `parseSetting` reads.
   * @throws {OperationalError} `STATE_UNAVAILABLE`
   */
  set(
    pool: string,
    values: Readonly<Partial<Record<Setting, string>>>,
    act: Act,
    signal: AbortSignal,
  ): Promise<void>;
  /** @throws {OperationalError} `STATE_UNAVAILABLE` */
  unset(pool: string, settings: readonly Setting[], signal: AbortSignal): Promise<void>;
};

/** Each is told of: who writes thousands means something else. */
const unknownMax = 20;

const version = 1;
const act = z.object({
  version: z.literal(version),
  by: z.string().max(200),
  setAtMs: momentMs,
  untilMs: momentMs,
});
const override = act.extend({ text: z.string().max(100) });

/**
 * A hash for each pool, with a field for the pause and one for each setting, so that two people who change different
 * things at the same time do not undo each other.
 */
const keyOf = (pool: string) => `backlog-autoscaler:overrides:{${pool}}`;

export function createOverrideStore(redis: RedisConnection): OverrideStore {
  return {
    async read(pool, signal) {
      const fields = await redis.run('STATE_UNAVAILABLE', signal, (client) =>
        client.hgetall(keyOf(pool)),
      );
      return parseAll(fields);
    },
    pause: (pool, act, signal) => write(pool, { pause: {} }, act, signal),
    resume: (pool, signal) => remove(pool, ['pause'], signal),
    set: (pool, values, act, signal) =>
      write(
        pool,
        Object.fromEntries(Object.entries(values).map(([name, text]) => [name, { text }])),
        act,
        signal,
      ),
    unset: remove,
  };

  async function write(
    pool: string,
    fields: Readonly<Record<string, object>>,
    { by, forMs }: Act,
    signal: AbortSignal,
  ): Promise<void> {
    await redis.run('STATE_UNAVAILABLE', signal, async (client) => {
      // The server's clock, because that of the machine on which somebody types may be wrong.
      const [seconds] = await client.time();
      const setAtMs = Number(seconds) * 1000;
      const untilMs = setAtMs + Math.min(forMs, lastsMsMax);
      const texts = Object.entries(fields).map(([name, fields]) => [
        name,
        JSON.stringify({ version, ...fields, by, setAtMs, untilMs }),
      ]);
      await executeAll(
        client
          .multi()
          .hset(keyOf(pool), Object.fromEntries(texts) as Record<string, string>)
          .pexpire(keyOf(pool), lastsMsMax),
      );
    });
  }

  async function remove(
    pool: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    await redis.run('STATE_UNAVAILABLE', signal, (client) => client.hdel(keyOf(pool), ...names));
  }
}

function parseAll(fields: Readonly<Record<string, string>>): Overrides {
  const pause =
    fields['pause'] === undefined ? null : act.safeParse(storedValue(fields['pause'])).data;
  const stored = settings.filter((setting) => fields[setting] !== undefined);
  const parsed = stored.map((setting) => parse(setting, fields[setting] ?? ''));
  return {
    pause: pause ?? null,
    settings: parsed.filter((override) => override !== null),
    damaged: [
      ...(pause === undefined ? (['pause'] as const) : []),
      ...stored.filter((_, position) => parsed[position] === null),
    ],
    unknown: Object.keys(fields)
      .filter((name) => name !== 'pause' && !settings.some((setting) => setting === name))
      .slice(0, unknownMax)
      .map((name) => name.slice(0, 100)),
  };
}

function parse(setting: Setting, text: string): Override | null {
  const found = override.safeParse(storedValue(text)).data;
  if (found === undefined) return null;
  try {
    return { ...found, setting, value: parseSetting(setting, found.text) };
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    return null;
  }
}
