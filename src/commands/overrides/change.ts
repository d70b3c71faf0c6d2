import { isDeepStrictEqual } from 'node:util';
import type { Overrides } from '../../decision/overrides.ts';
import { exitCodes, type ExitCode, type OptionValues, type Surroundings } from '../command.ts';
import type { Remark } from '../check/finding.ts';
import { withKnownPools, type KnownPool, type KnownPools } from './known-pools.ts';
import { standingOf, whenObeyed, type Standing } from './standing.ts';
import { poolNameOf, refuse, usageHint } from './words.ts';

/** One change of one pool: what makes it impossible, how it is made, and how it is told afterwards. */
export type Change = {
  /** Why it cannot be made as the pool stands, with what to do; null when it can. */
  readonly objection?: (
    pool: KnownPool,
    before: Overrides,
    nowMs: number,
  ) => { readonly problem: string; readonly hint: string } | null;
  readonly make: (pool: KnownPool, signal: AbortSignal) => Promise<void>;
  /** What is probably not meant about how pools stand afterwards. */
  readonly doubts?: (
    known: KnownPools,
    nowMs: number,
    signal: AbortSignal,
  ) => Promise<readonly Remark[]>;
  readonly tell: (after: Standing, before: Standing) => string;
};

/**
 * Makes a change of the pool that the options name, unless there are problems with how it was asked for.
 * @throws {ConfigError | OperationalError} when the state cannot be found or reached
 */
export async function changePool(
  command: string,
  asked: { readonly options: OptionValues; readonly problems: readonly string[] },
  change: Change,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { options, problems } = asked;
  const heading = `${command}: nothing was changed`;
  const wrongUsage = (all: readonly string[]) =>
    refuse(
      { heading, problems: all, hint: usageHint(command), exitCode: exitCodes.usage },
      options,
      surroundings,
    );
  if (problems.length > 0) return wrongUsage(problems);
  return withKnownPools(surroundings, async (known, signal) => {
    const pool = known.choose(poolNameOf(options));
    if (typeof pool === 'string') return wrongUsage([pool]);
    const before = await pool.store.read(pool.name, signal);
    const objection = change.objection?.(pool, before, surroundings.nowMs()) ?? null;
    if (objection !== null) {
      const { problem, hint } = objection;
      const refusal = { heading, problems: [problem], hint, exitCode: exitCodes.failed };
      return refuse(refusal, options, surroundings);
    }
    await change.make(pool, signal);
    const after = await pool.store.read(pool.name, signal);
    const nowMs = surroundings.nowMs();
    const doubts = (await change.doubts?.(known, nowMs, signal)) ?? [];
    for (const doubt of doubts)
      if (doubt.level !== 'ok')
        surroundings.complain(`${command}: done, but:\n  ${doubt.message}\n${doubt.fix}\n`);
    const standing = standingOf(pool, after, nowMs);
    const former = standingOf(pool, before, nowMs);
    const lines = [change.tell(standing, former)];
    if (!isDeepStrictEqual(standing, former)) lines.push(whenObeyed(pool, nowMs));
    surroundings.print(
      options['json'] === true
        ? `${JSON.stringify({ pools: [standing] })}\n`
        : lines.map((line) => `${line}\n`).join(''),
    );
    return exitCodes.fine;
  });
}
