/**
 * What is to be done before the process ends on SIGTERM, for everything in it that asks to be waited for. Repeated
 * signals change nothing.
 */
const beforeTheEnd = new Set<() => Promise<void>>();
let isEnding = false;

/**
 * Calls `work` when the process is told to end, and ends it afterwards, unless the application listens to SIGTERM
 * itself: then that listener decides. Returns what withdraws the request.
 */
export function onTermination(work: () => Promise<void>): () => void {
  // Before the others, so that listeners that the application added with `once` are still there to be counted.
  if (beforeTheEnd.size === 0) process.prependListener('SIGTERM', onSigterm);
  beforeTheEnd.add(work);
  return () => {
    beforeTheEnd.delete(work);
    // While the process is ending the signal stays caught: by default a second one would kill it in the midst of it.
    if (beforeTheEnd.size === 0 && !isEnding) process.off('SIGTERM', onSigterm);
  };
}

function onSigterm(): void {
  if (isEnding) return;
  isEnding = true;
  const applicationDecides = process.listenerCount('SIGTERM') > 1;
  void Promise.allSettled([...beforeTheEnd].map((work) => work())).then(() => {
    if (!applicationDecides) process.exit(0);
  });
}
