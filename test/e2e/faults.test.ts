import { appendFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { suffer } from '../faults/fault.ts';
import { herokuFaults } from '../faults/heroku-faults.ts';
import { redisFaults, slowRedisFaults } from '../faults/redis-faults.ts';

/** A machine with much else to do takes its time; the table says how long each took. */
const patienceMs = 90_000;
/** Set by `npm run faults`, which also tries what takes longer. */
const summaryFile = process.env['FAULTS_SUMMARY'];

const faults = [
  ...redisFaults,
  ...(summaryFile === undefined ? [] : slowRedisFaults),
  ...herokuFaults,
];

// Each with a daemon, a Redis and a Heroku of its own.
describe.concurrent(
  'the daemon survives, never shrinks while blind, and recovers by itself',
  () => {
    test.each(faults.map((fault, position) => [fault.name, fault, position] as const))(
      '%s',
      async (_name, fault, position) => {
        const outcome = await suffer(fault);
        if (summaryFile !== undefined)
          appendFileSync(summaryFile, `${JSON.stringify({ position, ...outcome })}\n`);
        expect(outcome).toMatchObject({ shrunk: false, killed: false, lostJobs: 0 });
      },
      patienceMs,
    );
  },
);
