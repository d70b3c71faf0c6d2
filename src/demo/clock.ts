/**
 * The clock dyno of the demo: the daemon itself, as `run` starts it on Heroku, but for other programs of this machine
 * alone.
 */
import { runDaemon } from '../commands/run.ts';

const shutdown = new AbortController();
process.on('SIGTERM', () => {
  shutdown.abort();
});

process.exit(
  await runDaemon({
    environment: process.env,
    nowMs: () => Date.now(),
    shutdown: shutdown.signal,
    hide: () => undefined,
    host: '127.0.0.1',
  }),
);
