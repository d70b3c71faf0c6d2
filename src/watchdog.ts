import { Worker } from 'node:worker_threads';

const beatMs = 500;
const lookMs = 1_000;

/**
 * Runs in a thread of its own, which goes on when the event loop does not. It counts its looks rather than the time: a
 * machine or a process that was stopped and woken has not stood still. It does not wait for its last word to be taken: that
 * nobody takes what is printed may be what the event loop stands still for.
 */
const watching = `
const { write } = require('node:fs');
const { workerData: { beats, looksMax } } = require('node:worker_threads');
let seen = -1;
let looks = 0;
const kill = () => process.kill(process.pid, 'SIGKILL');
setInterval(() => {
  const now = Atomics.load(beats, 0);
  looks = now === seen ? looks + 1 : 0;
  seen = now;
  if (looks < looksMax) return;
  const msg = 'the event loop has stood still for ' + looks + ' s; the process is killed, so that the platform starts it anew';
  write(1, JSON.stringify({ level: 'fatal', time: new Date().toISOString(), msg }) + '\\n', kill);
  setTimeout(kill, ${String(lookMs)});
}, ${String(lookMs)});
`;

/**
 * Kills the process when its event loop stands still for so many seconds. Nothing within the loop could: while it is
 * busy with an endless sum, no timer, no signal and no health check is served. Returns what ends the watch.
 */
export function startWatchdog(stillSecondsMax: number): () => Promise<void> {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(watching, {
    eval: true,
    workerData: { beats, looksMax: stillSecondsMax },
    // Nothing that was preloaded into the process can keep the thread from its watch.
    ...{ env: {}, execArgv: [] },
  });
  thread.unref();
  const timer = setInterval(() => Atomics.add(beats, 0, 1), beatMs).unref();
  return async () => {
    clearInterval(timer);
    await thread.terminate();
  };
}
