import { defineConfig } from 'vitest/config';

/** Folders are the kinds of test; only `unit` runs without a server. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Integration and end-to-end tests start real servers and processes: two files at once are enough for a small machine.
    maxWorkers: 2,
    coverage: { include: ['src/**'], exclude: ['src/demo/**'] },
  },
});
