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
    test.for(faults.map((fault, position) => [fault.name, fault, position] as const))(
      '%s',
      { timeout: patienceMs },
      async ([name, fault, position], { onTestFailed }) => {
        const tell = (row: object) => {
          if (summaryFile === undefined) return;
          appendFileSync(
            summaryFile,
            `${JSON.stringify({ position, name, done: fault.done, ...row })}\n`,
          );
        };
        // What was not survived belongs in the table most of all.
        onTestFailed(({ task }) => {
          tell({ failure: task.result?.errors?.[0]?.message ?? 'unknown' });
        });
        const outcome = await suffer(fault);
        tell(outcome);
        expect(outcome).toMatchObject({ shrunk: false, killed: false, lostJobs: 0 });
      },
    );
  },
);
