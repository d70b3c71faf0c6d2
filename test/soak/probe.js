/**
 * Loaded into the daemon before anything else (`--import`): tells on SIGUSR2, as a line of its log, what the process
 * holds after all garbage was collected. Whatever a leak is of, it shows in one of these numbers.
 */
import { readdirSync } from 'node:fs';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc');

let warnings = 0;
process.on('warning', ({ name }) => {
  // Of the looking itself.
  if (name !== 'ExperimentalWarning') warnings += 1;
});

process.on('SIGUSR2', () => {
  collectGarbage();
  collectGarbage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((resource) => resource === 'Timeout').length;
  const holdings = {
    heapKilobytes: Math.round(process.memoryUsage().heapUsed / 1024),
    timers,
    otherResources: resources.length - timers,
    // Listeners are functions, and so is whatever else waits to be called.
    functions: queryObjects(Function, { format: 'count' }),
    processListeners: process
      .eventNames()
      .reduce((sum, name) => sum + process.listenerCount(name), 0),
    warnings,
    ...(process.platform === 'linux' ? { files: readdirSync('/proc/self/fd').length } : {}),
  };
  process.stdout.write(`${JSON.stringify({ level: 'info', holdings })}\n`);
});
