import type { Reporter, TestModule } from 'vitest/node';

/** Names at the end the tests that failed first and passed at a later try: each is a weakness to be looked into. */
export const secondTries: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    for (const module of modules) {
      for (const test of module.children.allTests('passed')) {
        if ((test.diagnostic()?.retryCount ?? 0) > 0)
          process.stdout.write(
            `Passed only at a second try: ${module.relativeModuleId} > ${test.fullName}\n`,
          );
      }
    }
  },
};
