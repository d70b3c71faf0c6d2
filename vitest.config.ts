import { defineConfig } from 'vitest/config';
import { secondTries } from './test/support/second-tries.ts';

/** How often a test on real servers may fail before it counts; what CI sets, because its machines are shared. */
const retries = Number(process.env['TEST_RETRIES'] ?? 0);

/** Folders are the kinds of test; only `unit` and `repository` run without a server. */
export default defineConfig({
  test: {
    // A machine with much else to do takes its time, and that is no failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Integration and end-to-end tests start real servers and processes, and wait for them most of the time: three files
    // at once leave a third of two processors idle.
    maxWorkers: 4,
    reporters: ['default', secondTries],
    setupFiles: ['test/support/property-seed.ts'],
    coverage: { include: ['src/**'], exclude: ['src/demo/**'] },
    projects: [
      {
        extends: true,
        // Pure code keeps nothing between files, so each need not load all of it anew: a quarter of the processor time.
        test: { name: 'code', include: ['test/{unit,repository}/**/*.test.ts'], isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'live',
          include: ['test/{contract,integration,e2e,browser}/**/*.test.ts'],
          retry: retries,
        },
      },
    ],
  },
});
