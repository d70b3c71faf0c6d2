#!/usr/bin/env node
/**
 * Takes the signals before anything else is loaded, which takes a third of a second: the platform may ask a process to
 * end that has hardly begun. The rest is in command-line.ts. Only this file reads the environment and the clock.
 */
const shutdown = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    shutdown.abort();
  });
}

const { runCommandLine } = await import('./command-line.ts');
await runCommandLine({
  words: process.argv.slice(2),
  environment: process.env,
  nowMs: () => Date.now(),
  shutdown: shutdown.signal,
});

// Makes this file a module, which may await.
export {};
