import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { soak } from '../soak/soak.ts';
import { compare } from '../soak/verdict.ts';

/** `npm run soak` plays the same for longer. */
const { SOAK_MINUTES = '0', SOAK_SUMMARY: summaryFile } = process.env;
const minutes = Number(SOAK_MINUTES);
const streamBytesMax = 1_000_000;

test(
  'a daemon that lives through trouble after trouble holds no more than before, nor does its Redis',
  { timeout: minutes * 60_000 + 240_000 },
  async () => {
    const { samples, ...rest } = await soak(minutes);
    const rows = compare({ samples, ...rest });
    if (summaryFile !== undefined)
      writeFileSync(summaryFile, JSON.stringify({ ...rest, rounds: samples.length, rows }));

    expect(rows.filter(({ late, most }) => late > most)).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(8);
    expect(rest.keysThatStay).toEqual([]);
    expect(rest.largestStreamBytes).toBeLessThan(streamBytesMax);
  },
);
