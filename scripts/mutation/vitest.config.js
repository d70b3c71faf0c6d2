/** The tests that judge mutants, as scripts/mutation.js names them; one file at a time, since Stryker runs one mutant at a time. */
export default {
  test: {
    include: process.env.MUTATION_TESTS.split(','),
    // A property tries hundreds of cases, which takes too long for each change.
    exclude: ['**/*.properties.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
};
