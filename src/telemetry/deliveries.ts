import type { Logger } from 'pino';
import type { Failure, ReceiverName } from '../delivery/receiver.ts';

/** Says once that something no longer arrives, not at every attempt, and once that it does again. */
export function createDeliveryNotices(
  log: Logger,
): (to: ReceiverName, failure: Failure | null) => void {
  const failing = new Set<ReceiverName>();
  return (to, failure) => {
    if (failure === null) {
      if (failing.delete(to)) log.info({ to }, `${to}: what is sent arrives again`);
      return;
    }
    const level = failing.has(to) ? 'debug' : 'warn';
    failing.add(to);
    log[level](
      { to, hint: failure.hint },
      `${to}: what is sent does not arrive: ${failure.message}`,
    );
  };
}
